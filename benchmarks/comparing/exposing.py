"""What PostGraphile generates its schema from: views and functions over the database that holds everything.

They write values as answers have them, as the statements of Mercurius do: PostgreSQL plans a view as if it were written
out. Smart comments tell what a view cannot: its key and its foreign keys. Functions follow what is no foreign key, and
are planned like views: the entries of a journey point at contacts or at reports, by text, and the order is theirs; a
report has persons in many roles.
"""

from typing import Any

import asyncpg
from peers.codes import FULL_NAME, node_id, status, utc

from comparing.questions import plain

SCHEMA = "exposed"

_STATEMENTS = f"""
    CREATE SCHEMA {SCHEMA};
    SET search_path TO {SCHEMA}, public;

    CREATE VIEW citizen AS
    SELECT p.bsn, {FULL_NAME} AS full_name, p.voornamen AS given_names, p.geslachtsnaam AS family_name
    FROM persoon AS p;
    COMMENT ON VIEW citizen IS '@primaryKey bsn';

    CREATE VIEW report AS
    SELECT nummer AS number, titel AS title, {status("status_cd")} AS status,
        {utc("aangemaakt_op")} AS filed_at, {utc("gewijzigd_op")} AS updated_at
    FROM incident;
    COMMENT ON VIEW report IS '@primaryKey number';

    CREATE VIEW status_change AS
    SELECT volgnummer AS serial, incident_nummer AS report_number, {status("status_cd")} AS status,
        tijdstip AS local_time, {utc("tijdstip")} AS at
    FROM incident_status;
    COMMENT ON VIEW status_change IS E'@primaryKey serial\\n'
        '@foreignKey (report_number) references report (number)|@fieldName report|@foreignFieldName statusHistory';

    CREATE VIEW journey AS
    SELECT w.id AS number, {node_id("Journey", "w.id")} AS id, w.state FROM public.journey AS w;
    COMMENT ON VIEW journey IS '@primaryKey number';

    CREATE VIEW contact AS
    SELECT k.nummer AS number, {node_id("Contact", "k.nummer")} AS id, k.kanaal_cd AS channel, k.tijdstip AS local_time,
        {utc("k.tijdstip")} AS occurred_at, k.onderwerp AS subject, k.bsn, e.journey_id AS journey_number
    FROM klantcontact AS k LEFT JOIN journey_entry AS e ON e.kind = 'C' AND e.key = k.nummer::text;
    COMMENT ON VIEW contact IS E'@primaryKey number\\n'
        '@foreignKey (bsn) references citizen (bsn)|@fieldName citizen|@foreignFieldName contacts\\n'
        '@foreignKey (journey_number) references journey (number)|@fieldName journey|@foreignBehavior -list';

    CREATE FUNCTION citizen_reports(citizen citizen) RETURNS SETOF report STABLE BEGIN ATOMIC
        SELECT r.* FROM betrokkene AS b JOIN incident AS i ON i.nummer = b.incident_nummer
            JOIN report AS r ON r.number = i.nummer
        WHERE b.bsn = citizen.bsn AND b.rol_cd = 'AAN' ORDER BY i.aangemaakt_op DESC, i.nummer DESC;
    END;

    CREATE FUNCTION journey_contacts(journey journey) RETURNS SETOF contact STABLE BEGIN ATOMIC
        SELECT c.* FROM journey_entry AS e JOIN contact AS c ON c.number = e.key::bigint
        WHERE e.journey_id = journey.number AND e.kind = 'C' ORDER BY e.at DESC, e.position DESC;
    END;

    CREATE FUNCTION journey_reports(journey journey) RETURNS SETOF report STABLE BEGIN ATOMIC
        SELECT r.* FROM journey_entry AS e JOIN report AS r ON r.number = e.key COLLATE "default"
        WHERE e.journey_id = journey.number AND e.kind = 'R' ORDER BY e.at DESC, e.position DESC;
    END;
"""


async def expose(url: str) -> None:
    """Makes them beside the tables, in a schema of their own."""
    connection: Any = await asyncpg.connect(plain(url))
    await connection.execute(_STATEMENTS)
    await connection.close()

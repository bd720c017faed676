"""The main queries by hand, over one database that holds everything: PostgreSQL joins, and writes the answer as JSON.

    .venv/bin/python benchmarks/peers/one_database.py postgresql+asyncpg://...

One statement for a query; the server passes its text on. It has no back-ends to federate, no identity and no rules.
The keys in a journey's entries have a collation of their own: without the register's, its index would be of no use.
"""

import sys

import orjson
import running
from codes import FULL_NAME, node_id, status, utc
from held import Held

_PORTAL = f"""
    SELECT json_build_object('data', json_build_object('viewer', json_build_object('citizen', json_build_object(
        'fullName', {FULL_NAME}, 'givenNames', p.voornamen, 'familyName', p.geslachtsnaam,
        'reports', json_build_object('edges', coalesce((
            SELECT json_agg(json_build_object('node', json_build_object(
                'number', r.nummer, 'title', r.titel, 'status', {status("r.status_cd")},
                'filedAt', {utc("r.aangemaakt_op")},
                'statusHistory', coalesce((
                    SELECT json_agg(json_build_object('status', {status("s.status_cd")}, 'at', {utc("s.tijdstip")})
                        ORDER BY s.tijdstip, s.volgnummer)
                    FROM incident_status AS s WHERE s.incident_nummer = r.nummer), '[]'::json)
            )) ORDER BY r.aangemaakt_op DESC, r.nummer DESC)
            FROM (
                SELECT i.* FROM betrokkene AS b JOIN incident AS i ON i.nummer = b.incident_nummer
                WHERE b.bsn = p.bsn AND b.rol_cd = 'AAN' ORDER BY i.aangemaakt_op DESC, i.nummer DESC LIMIT 10
            ) AS r), '[]'::json))
    ))))::text
    FROM persoon AS p WHERE p.bsn = $1
"""
_JOURNEY = f"""
    SELECT json_build_object(
        'id', {node_id("Journey", "w.id")}, 'state', w.state,
        'contacts', json_build_object('edges', coalesce((
            SELECT json_agg(json_build_object('node', json_build_object(
                'id', {node_id("Contact", "k.nummer")}, 'channel', json_build_object('code', k.kanaal_cd),
                'occurredAt', {utc("k.tijdstip")})) ORDER BY f.at DESC, f.position DESC)
            FROM (SELECT key, at, position FROM journey_entry WHERE journey_id = w.id AND kind = 'C'
                  ORDER BY at DESC, position DESC LIMIT 5) AS f
            JOIN klantcontact AS k ON k.nummer = f.key::bigint), '[]'::json)),
        'reports', json_build_object('edges', coalesce((
            SELECT json_agg(json_build_object('node', json_build_object(
                'number', i.nummer, 'status', {status("i.status_cd")})) ORDER BY f.at DESC, f.position DESC)
            FROM (SELECT key, at, position FROM journey_entry WHERE journey_id = w.id AND kind = 'R'
                  ORDER BY at DESC, position DESC LIMIT 3) AS f
            JOIN incident AS i ON i.nummer = f.key COLLATE "default"), '[]'::json)))
    FROM journey_entry AS e JOIN journey AS w ON w.id = e.journey_id
    WHERE e.kind = 'C' AND e.key = c.nummer::text
"""
_SCREEN = f"""
    SELECT json_build_object('data', json_build_object('contacts', json_build_object('edges', coalesce(json_agg(
        json_build_object('node', json_build_object(
            'id', {node_id("Contact", "c.nummer")}, 'channel', json_build_object('code', c.kanaal_cd),
            'occurredAt', {utc("c.tijdstip")}, 'subject', c.onderwerp,
            'citizen', (SELECT json_build_object('givenNames', p.voornamen, 'familyName', p.geslachtsnaam)
                        FROM persoon AS p WHERE p.bsn = c.bsn),
            'journey', ({_JOURNEY})
        )) ORDER BY c.tijdstip DESC, c.nummer DESC), '[]'::json))))::text
    FROM (
        SELECT * FROM klantcontact WHERE kanaal_cd = $1 ORDER BY tijdstip DESC, nummer DESC LIMIT 50
    ) AS c
"""
_THIN = f"""
    SELECT json_build_object('data', json_build_object('report', json_build_object(
        'status', {status("status_cd")}, 'updatedAt', {utc("gewijzigd_op")})))::text
    FROM incident WHERE nummer = $1
"""
_STATEMENTS = {"/q1": _PORTAL, "/q2": _SCREEN, "/q3": _THIN}
_ARGUMENTS = {"/q1": "bsn", "/q2": "channel", "/q3": "number"}


class Peer:
    """The three queries."""

    def __init__(self, url: str) -> None:
        self._database = Held(url, *_STATEMENTS.values())

    async def open(self) -> None:
        await self._database.open()

    async def answer(self, path: str, body: bytes) -> bytes:
        rows = await self._database.fetch(_STATEMENTS[path], orjson.loads(body)[_ARGUMENTS[path]])
        return rows[0][0].encode()


if __name__ == "__main__":
    peer = Peer(sys.argv[1])
    running.serve(peer.answer, peer.open)

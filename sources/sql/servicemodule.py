"""The servicemodule: customer contacts, the channels they came over, and who handled them.

Its schema is the servicemodule's, never migrated by us. Timestamps are naive local time (Europe/Amsterdam).
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Annotated

import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from sources.filters import ContactFilter
from sources.local_time import local_bound
from sources.phone_numbers import e164, typed_forms
from sources.records import Agent, Attachment, Channel, Contact, ContactSubject, Direction, Location, Medium
from sources.scope import Scope
from sources.sql.collection import Link, Own, SqlCollection
from sources.sql.database import Database
from sources.sql.log import SqlLog
from sources.sql.reading import Reader, Row, Written, digits_of, known, local_instant, meaning, yes
from sources.sql.statements import Condition
from sources.sql.tables import is_first, table_of
from sources.sql.timestamps import bound

SOURCE = "servicemodule"

DIRECTIONS = {"I": Direction.INBOUND, "U": Direction.OUTBOUND}
MEDIA = {
    "TEL": Medium.VOICE,
    "CHAT": Medium.CHAT,
    "MAIL": Medium.MAIL,
    "WEB": Medium.FORM,
    "SOC": Medium.SOCIAL,
    "BALIE": Medium.FACE_TO_FACE,
    "VIDEO": Medium.VIDEO,
}


class Servicemodule(SQLModel, registry=registry()):
    """The tables of this database, and of no other."""


class Kanaal(Servicemodule, table=True):
    """A channel. `soort_cd` is a key of MEDIA; `spoed` and `actief` are J or N."""

    code: str = Field(primary_key=True)
    naam: str
    soort_cd: str
    spoed: str = Field(default="N", max_length=1)
    actief: str = Field(default="J", max_length=1)


class Medewerker(Servicemodule, table=True):
    """An employee by personnel number, with the unit (eenheid)."""

    personeelsnummer: str = Field(primary_key=True)
    naam: str | None = None
    eenheid: str | None = None


class Klantcontact(Servicemodule, table=True):
    """A contact. `richting` is I (in) or U (uit); `bsn` is NULL for an unknown caller; the phone is as typed."""

    nummer: int = Field(primary_key=True, sa_type=sa.BigInteger().with_variant(sa.Integer, "sqlite"))
    kanaal_cd: str | None = Field(default=None, foreign_key="kanaal.code")
    richting: str = Field(max_length=1)
    onderwerp: str | None = None
    tekst: str | None = None
    tijdstip: datetime = Field(sa_type=sa.DateTime)
    medewerker_nr: str | None = Field(default=None, foreign_key="medewerker.personeelsnummer")
    bsn: str | None = Field(default=None, max_length=9)
    telefoonnummer: str | None = None
    breedtegraad: float | None = None
    lengtegraad: float | None = None
    nauwkeurigheid_m: float | None = None


class KlantcontactOnderwerp(Servicemodule, table=True):
    """The explicit link: this contact was about that incident."""

    __tablename__ = "klantcontact_onderwerp"  # pyright: ignore[reportAssignmentType] - SQLModel types it as a directive

    volgnummer: int = Field(primary_key=True, sa_type=sa.BigInteger().with_variant(sa.Integer, "sqlite"))
    klantcontact_nummer: int = Field(foreign_key="klantcontact.nummer", sa_type=sa.BigInteger)
    incident_nummer: str


class Bijlage(Servicemodule, table=True):
    """A file that came with a contact; `locatie` is where the document store keeps it."""

    nummer: int = Field(primary_key=True, sa_type=sa.BigInteger().with_variant(sa.Integer, "sqlite"))
    klantcontact_nummer: int = Field(foreign_key="klantcontact.nummer", sa_type=sa.BigInteger)
    naam: str
    mediatype: str
    omvang: int
    locatie: str | None = None


KANAAL = table_of(Kanaal)
MEDEWERKER = table_of(Medewerker)
KLANTCONTACT = table_of(Klantcontact)
ONDERWERP = table_of(KlantcontactOnderwerp)
BIJLAGE = table_of(Bijlage)

_contact = KLANTCONTACT.c
PHONE = digits_of(_contact.telefoonnummer)

sa.Index("klantcontact_tijdstip", _contact.tijdstip, _contact.nummer)
sa.Index("klantcontact_kanaal", _contact.kanaal_cd, _contact.tijdstip, _contact.nummer)
sa.Index("klantcontact_bsn", _contact.bsn, _contact.tijdstip, _contact.nummer)
sa.Index("klantcontact_telefoon", PHONE)
sa.Index("onderwerp_contact", ONDERWERP.c.klantcontact_nummer, ONDERWERP.c.volgnummer)
sa.Index("onderwerp_incident", ONDERWERP.c.incident_nummer)
sa.Index("bijlage_contact", BIJLAGE.c.klantcontact_nummer, BIJLAGE.c.nummer)

_CONTACT_ROWS = KLANTCONTACT.outerjoin(KANAAL, _contact.kanaal_cd == KANAAL.c.code).outerjoin(
    MEDEWERKER, _contact.medewerker_nr == MEDEWERKER.c.personeelsnummer
)
_SUBJECT_OF_CONTACT = sa.and_(
    ONDERWERP.c.klantcontact_nummer == _contact.nummer,
    is_first(ONDERWERP, ONDERWERP.c.volgnummer, ONDERWERP.c.klantcontact_nummer, ONDERWERP.c.incident_nummer),
)
_CHANNEL_COLUMNS = [KANAAL.c.naam.label("kanaal_naam"), KANAAL.c.soort_cd, KANAAL.c.spoed, KANAAL.c.actief]
_EMPLOYEE_COLUMNS = [MEDEWERKER.c.naam.label("medewerker_naam"), MEDEWERKER.c.eenheid]
_CONTACT_COLUMNS = [*_contact, *_CHANNEL_COLUMNS, *_EMPLOYEE_COLUMNS]


def contacts(database: Database) -> SqlCollection[Contact, ContactFilter]:
    """Contacts by number, newest first; of a citizen (BSN) and of a report (number).

    Channel and employee stand in the same database and come along in the same statement.
    """
    return SqlCollection(
        database,
        rows=_CONTACT_ROWS,
        columns=_CONTACT_COLUMNS,
        key=_contact.nummer,
        order=[_contact.tijdstip, _contact.nummer],
        descending=True,
        read=_READ_CONTACT,
        visible=_visible,
        narrow=_narrow,
        links={
            "citizen": Link(_contact.bsn),
            "report": Link(ONDERWERP.c.incident_nummer, via=(ONDERWERP, _SUBJECT_OF_CONTACT)),
        },
        parts={
            "Contact.channel": [_contact.kanaal_cd, *_CHANNEL_COLUMNS],
            "Contact.subject": [_contact.onderwerp],
            "Contact.body": [_contact.tekst],
            "Contact.phone": [_contact.telefoonnummer],
            "Contact.handled_by": [_contact.medewerker_nr, *_EMPLOYEE_COLUMNS],
            "Contact.location": [_contact.breedtegraad, _contact.lengtegraad, _contact.nauwkeurigheid_m],
            "Contact.citizen_bsn": [_contact.bsn],
        },
    )


def contact_log(database: Database) -> SqlLog[Contact]:
    """New contacts in the order of their numbers."""
    return SqlLog(database, rows=_CONTACT_ROWS, columns=_CONTACT_COLUMNS, serial=_contact.nummer, read=_READ_CONTACT)


def contact_subjects(database: Database) -> SqlCollection[str, None]:
    """The numbers of the reports that a contact was about, in the order in which they were linked."""
    return SqlCollection(
        database,
        rows=ONDERWERP.join(KLANTCONTACT, _SUBJECT_OF_CONTACT),
        columns=[ONDERWERP.c.incident_nummer],
        key=ONDERWERP.c.volgnummer,
        order=[ONDERWERP.c.volgnummer],
        read=_READ_INCIDENT_NUMBER,
        visible=_visible,
        links={"contact": Link(ONDERWERP.c.klantcontact_nummer)},
    )


def subject_log(database: Database) -> SqlLog[ContactSubject]:
    """New explicit links between contacts and reports, in the order of their serials."""
    return SqlLog(
        database,
        rows=ONDERWERP,
        columns=list(ONDERWERP.c),
        serial=ONDERWERP.c.volgnummer,
        read=_READ_CONTACT_SUBJECT,
    )


def attachments(database: Database) -> SqlCollection[Attachment, None]:
    """Files by number, of a contact, in the order in which they were added."""
    return SqlCollection(
        database,
        rows=BIJLAGE.join(KLANTCONTACT, BIJLAGE.c.klantcontact_nummer == _contact.nummer),
        columns=list(BIJLAGE.c),
        key=BIJLAGE.c.nummer,
        order=[BIJLAGE.c.nummer],
        read=_READ_ATTACHMENT,
        visible=_visible,
        links={"contact": Link(BIJLAGE.c.klantcontact_nummer)},
    )


def channels(database: Database) -> SqlCollection[Channel, None]:
    """The channels, by code; everybody may see them."""
    return SqlCollection(
        database,
        rows=KANAAL,
        columns=list(KANAAL.c),
        key=KANAAL.c.code,
        order=[KANAAL.c.code],
        read=_READ_CHANNEL,
        visible=lambda _scope, _own: sa.true(),
        public=True,
    )


def agents(database: Database) -> SqlCollection[Agent, None]:
    """Employees by personnel number."""
    return SqlCollection(
        database,
        rows=MEDEWERKER,
        columns=list(MEDEWERKER.c),
        key=MEDEWERKER.c.personeelsnummer,
        order=[MEDEWERKER.c.personeelsnummer],
        read=_READ_AGENT,
        visible=lambda _scope, _own: sa.true(),
    )


def _visible(scope: Scope, own: Own) -> Condition:
    return sa.true() if scope.everyone else _contact.bsn.in_(own)


def _narrow(wanted: ContactFilter) -> Sequence[Condition]:
    conditions: list[Condition] = []
    if wanted.channel is not None:
        conditions.append(_contact.kanaal_cd.in_(wanted.channel))
    if wanted.direction is not None:
        conditions.append(_contact.richting == {value: code for code, value in DIRECTIONS.items()}[wanted.direction])
    if wanted.unit is not None:
        conditions.append(MEDEWERKER.c.eenheid == wanted.unit)
    if wanted.phone is not None:
        conditions.append(PHONE.in_(typed_forms(wanted.phone)))
    if wanted.since is not None:
        conditions.append(_contact.tijdstip >= bound(local_bound(wanted.since)))
    if wanted.until is not None:
        conditions.append(_contact.tijdstip < bound(local_bound(wanted.until)))
    if wanted.unassigned is not None:
        conditions.append(_contact.medewerker_nr.is_(None) == sa.literal(wanted.unassigned))
    return conditions


class _Contact(Row):
    nummer: int
    kanaal_cd: str | None
    richting: str
    onderwerp: str | None
    tekst: str | None
    tijdstip: Written
    medewerker_nr: str | None
    bsn: str | None
    telefoonnummer: str | None
    breedtegraad: float | None
    lengtegraad: float | None
    nauwkeurigheid_m: float | None
    kanaal_naam: str | None
    soort_cd: str | None
    spoed: str | None
    actief: str | None
    medewerker_naam: str | None
    eenheid: str | None


def _contact_of(row: _Contact) -> Contact:
    return Contact(
        key=row.nummer,
        direction=meaning(row.richting, DIRECTIONS, "richting"),
        occurred_at=local_instant(row.tijdstip, "tijdstip"),
        channel=_channel_of_contact(row),
        subject=row.onderwerp,
        body=row.tekst,
        phone=e164(row.telefoonnummer),
        handled_by=None if row.medewerker_nr is None else Agent(row.medewerker_nr, row.medewerker_naam, row.eenheid),
        location=_location_of(row),
        citizen_bsn=row.bsn,
    )


def _channel_of_contact(row: _Contact) -> Channel | None:
    return _channel_of(row.kanaal_cd, row.kanaal_naam, row.soort_cd, row.spoed, row.actief) if row.soort_cd else None


def _location_of(row: _Contact) -> Location | None:
    if row.breedtegraad is None or row.lengtegraad is None:
        return None
    return Location(row.breedtegraad, row.lengtegraad, row.nauwkeurigheid_m)


@lru_cache(1_000)
def _channel_of(code: str | None, name: str | None, medium: str, urgent: str | None, open: str | None) -> Channel:
    """There are few channels, and a contact for each of millions of rows."""
    return Channel(
        code=known(code, "kanaal_cd"),
        name=known(name, "kanaal_naam"),
        medium=meaning(medium, MEDIA, "soort_cd"),
        urgent=yes(urgent, "spoed"),
        open=yes(open, "actief"),
    )


class _ContactSubject(Row):
    volgnummer: int
    klantcontact_nummer: int
    incident_nummer: str


class _IncidentNumber(Row):
    incident_nummer: str


class _Attachment(Row):
    nummer: int
    klantcontact_nummer: int
    naam: str
    mediatype: str
    omvang: Annotated[int, Meta(ge=0, lt=2**31)]
    locatie: str | None


class _Channel(Row):
    code: str
    naam: str
    soort_cd: str
    spoed: str
    actief: str


class _Agent(Row):
    personeelsnummer: str
    naam: str | None
    eenheid: str | None


_READ_CONTACT = Reader(_Contact, _contact_of)
_READ_CONTACT_SUBJECT = Reader(
    _ContactSubject, lambda row: ContactSubject(row.volgnummer, row.klantcontact_nummer, row.incident_nummer)
)
_READ_INCIDENT_NUMBER = Reader(_IncidentNumber, lambda row: row.incident_nummer)
_READ_ATTACHMENT = Reader(
    _Attachment, lambda row: Attachment(row.nummer, row.naam, row.mediatype, row.omvang, row.locatie)
)
_READ_CHANNEL = Reader(_Channel, lambda row: _channel_of(row.code, row.naam, row.soort_cd, row.spoed, row.actief))
_READ_AGENT = Reader(_Agent, lambda row: Agent(row.personeelsnummer, row.naam, row.eenheid))

"""The incident register: what citizens reported, how its handling went, and who is involved.

Its schema is the register's, never migrated by us. Timestamps are naive local time (Europe/Amsterdam).
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from sources.filters import ReportFilter
from sources.local_time import local_bound
from sources.records import Address, Involvement, Location, Report, ReportKind, ReportStatus, StatusChange
from sources.scope import Scope
from sources.sql.collection import Link, Own, SqlCollection
from sources.sql.database import Database
from sources.sql.log import SqlLog
from sources.sql.reading import Reader, Row, Written, local_instant
from sources.sql.statements import Condition
from sources.sql.tables import is_first, table_of
from sources.sql.timestamps import bound

SOURCE = "incidents"

STATUSES = {
    "ONTV": ReportStatus.RECEIVED,
    "BEOO": ReportStatus.UNDER_ASSESSMENT,
    "WACH": ReportStatus.AWAITING_INFORMATION,
    "OPSP": ReportStatus.IN_INVESTIGATION,
    "OPGS": ReportStatus.SUSPENDED,
    "OVER": ReportStatus.TRANSFERRED,
    "AFGE": ReportStatus.CLOSED,
    "INGE": ReportStatus.WITHDRAWN,
}
"""Codes that are not here read as OTHER, with the register's own label."""

KINDS = {
    "MELD": ReportKind.NOTIFICATION,
    "AANG": ReportKind.CRIME_REPORT,
    "TIP": ReportKind.TIP,
    "VERM": ReportKind.MISSING_PERSON,
    "GEVV": ReportKind.LOST_PROPERTY,
    "KLAC": ReportKind.COMPLAINT,
}
"""Codes that are not here read as OTHER."""

REPORTER = "AAN"
"""`rol_cd` of the person who reported (aangever). The others: MED co-reporter, GET witness, SLA victim, VER suspect."""


class Incidents(SQLModel, registry=registry()):
    """The tables of this database, and of no other."""


class Statuscode(Incidents, table=True):
    """The register's own words for a status."""

    code: str = Field(primary_key=True)
    omschrijving: str


class Incident(Incidents, table=True):
    """A report, by a number like PL1700-2026012345: unit, year, serial."""

    nummer: str = Field(primary_key=True)
    soort_cd: str
    status_cd: str
    categorie: str | None = None
    titel: str
    omschrijving: str | None = None
    straat: str | None = None
    plaats: str | None = None
    breedtegraad: float | None = None
    lengtegraad: float | None = None
    eenheid: str | None = None
    vertrouwelijk: bool = False
    pleegtijdstip: datetime | None = Field(default=None, sa_type=sa.DateTime)
    aangemaakt_op: datetime = Field(sa_type=sa.DateTime)
    gewijzigd_op: datetime = Field(sa_type=sa.DateTime)


class IncidentStatus(Incidents, table=True):
    """A line of the append-only status history; `notitie` is internal."""

    __tablename__ = "incident_status"  # pyright: ignore[reportAssignmentType] - SQLModel types it as a directive

    volgnummer: int = Field(primary_key=True, sa_type=sa.BigInteger().with_variant(sa.Integer, "sqlite"))
    incident_nummer: str = Field(foreign_key="incident.nummer")
    status_cd: str
    vorige_status_cd: str | None = None
    notitie: str | None = None
    tijdstip: datetime = Field(sa_type=sa.DateTime)
    medewerker_nr: str | None = None


class Betrokkene(Incidents, table=True):
    """A person involved in an incident, in a role."""

    volgnummer: int = Field(primary_key=True, sa_type=sa.BigInteger().with_variant(sa.Integer, "sqlite"))
    incident_nummer: str = Field(foreign_key="incident.nummer")
    bsn: str | None = Field(default=None, max_length=9)
    rol_cd: str


STATUSCODE = table_of(Statuscode)
INCIDENT = table_of(Incident)
INCIDENT_STATUS = table_of(IncidentStatus)
BETROKKENE = table_of(Betrokkene)

_incident, _status, _involved = INCIDENT.c, INCIDENT_STATUS.c, BETROKKENE.c

sa.Index("incident_aangemaakt", _incident.aangemaakt_op, _incident.nummer)
sa.Index("incident_eenheid", _incident.eenheid, _incident.aangemaakt_op, _incident.nummer)
sa.Index("incident_status_incident", _status.incident_nummer, _status.tijdstip, _status.volgnummer)
sa.Index("betrokkene_incident", _involved.incident_nummer, _involved.rol_cd)
sa.Index("betrokkene_bsn", _involved.bsn, _involved.rol_cd, _involved.incident_nummer)

_STATUS_LABEL = STATUSCODE.c.omschrijving.label("status_omschrijving")
_reporter = BETROKKENE.alias("aangever")
_REPORTER_BSN = (
    sa.select(_reporter.c.bsn)
    .where(_reporter.c.incident_nummer == _incident.nummer, _reporter.c.rol_cd == REPORTER)
    .order_by(_reporter.c.volgnummer)
    .limit(1)
    .correlate(INCIDENT)
    .scalar_subquery()
    .label("aangever_bsn")
)


def reports(database: Database) -> SqlCollection[Report, ReportFilter]:
    """Reports by number, newest first; of a citizen (BSN), who is the reporter."""
    return SqlCollection(
        database,
        rows=INCIDENT.outerjoin(STATUSCODE, _incident.status_cd == STATUSCODE.c.code),
        columns=[*_incident, _STATUS_LABEL, _REPORTER_BSN],
        key=_incident.nummer,
        order=[_incident.aangemaakt_op, _incident.nummer],
        descending=True,
        read=_READ_REPORT,
        visible=_visible,
        narrow=_narrow,
        links={"citizen": Link(_involved.bsn, via=(BETROKKENE, sa.and_(_reporter_of_incident(), _IS_SAID_FIRST)))},
        parts={
            "Report.status_label": [_STATUS_LABEL],
            "Report.category": [_incident.categorie],
            "Report.description": [_incident.omschrijving],
            "Report.unit": [_incident.eenheid],
            "Report.location": [_incident.straat, _incident.plaats, _incident.breedtegraad, _incident.lengtegraad],
            "Report.incident_at": [_incident.pleegtijdstip],
            "Report.confidential": [_incident.vertrouwelijk],
            "Report.citizen_bsn": [_REPORTER_BSN],
        },
    )


def status_changes(database: Database) -> SqlCollection[StatusChange, None]:
    """Status changes by serial, oldest first; of a report (number)."""
    return SqlCollection(
        database,
        rows=_STATUS_ROWS,
        columns=_STATUS_COLUMNS,
        key=_status.volgnummer,
        order=[_status.tijdstip, _status.volgnummer],
        read=_READ_STATUS_CHANGE,
        visible=_visible,
        links={"report": Link(_status.incident_nummer)},
        parts={
            "StatusChange.label": [_STATUS_LABEL],
            "StatusChange.note": [_status.notitie],
            "StatusChange.agent_key": [_status.medewerker_nr],
        },
    )


def status_log(database: Database) -> SqlLog[StatusChange]:
    """Status changes in the order of their serials."""
    return SqlLog(
        database,
        rows=_STATUS_ROWS,
        columns=_STATUS_COLUMNS,
        serial=_status.volgnummer,
        read=_READ_STATUS_CHANGE,
        subject=_status.incident_nummer,
    )


def involvement_log(database: Database) -> SqlLog[Involvement]:
    """New people involved in reports, in the order of their serials."""
    return SqlLog(
        database,
        rows=BETROKKENE,
        columns=[_involved.volgnummer, _involved.incident_nummer],
        serial=_involved.volgnummer,
        read=_READ_INVOLVEMENT,
    )


_STATUS_ROWS = INCIDENT_STATUS.outerjoin(STATUSCODE, _status.status_cd == STATUSCODE.c.code).join(
    INCIDENT, _status.incident_nummer == _incident.nummer
)
_STATUS_COLUMNS = [*_status, _STATUS_LABEL, _incident.eenheid]


_IS_SAID_FIRST = is_first(BETROKKENE, _involved.volgnummer, _involved.incident_nummer, _involved.bsn, _involved.rol_cd)


def _reporter_of_incident() -> Condition:
    return sa.and_(_involved.incident_nummer == _incident.nummer, _involved.rol_cd == REPORTER)


def _visible(scope: Scope, own: Own) -> Condition:
    if not scope.everyone:
        # Not `exists`: SQLite would look at every incident there is, and not begin with those of the person.
        reported = sa.select(_involved.incident_nummer).where(_involved.bsn.in_(own), _involved.rol_cd == REPORTER)
        return _incident.nummer.in_(reported)
    return sa.true() if scope.confidential else sa.not_(_incident.vertrouwelijk)


def _narrow(wanted: ReportFilter) -> Sequence[Condition]:
    conditions: list[Condition] = []
    if wanted.number is not None:
        conditions.append(_incident.nummer.in_(wanted.number))
    if wanted.status is not None:
        conditions.append(_coded(_incident.status_cd, STATUSES, wanted.status, ReportStatus.OTHER))
    if wanted.kind is not None:
        conditions.append(_coded(_incident.soort_cd, KINDS, wanted.kind, ReportKind.OTHER))
    if wanted.unit is not None:
        conditions.append(_incident.eenheid == wanted.unit)
    if wanted.since is not None:
        conditions.append(_incident.aangemaakt_op >= bound(local_bound(wanted.since)))
    if wanted.until is not None:
        conditions.append(_incident.aangemaakt_op < bound(local_bound(wanted.until)))
    return conditions


def _coded(
    column: sa.ColumnElement[str],
    codes: dict[str, ReportStatus] | dict[str, ReportKind],
    wanted: Sequence[object],
    other: object,
) -> Condition:
    known = column.in_([code for code, value in codes.items() if value in wanted])
    return sa.or_(known, column.not_in(list(codes))) if other in wanted else known


class _Report(Row):
    nummer: str
    soort_cd: str
    status_cd: str
    categorie: str | None
    titel: str
    omschrijving: str | None
    straat: str | None
    plaats: str | None
    breedtegraad: float | None
    lengtegraad: float | None
    eenheid: str | None
    vertrouwelijk: bool | int | None
    pleegtijdstip: Written | None
    aangemaakt_op: Written
    gewijzigd_op: Written
    status_omschrijving: str | None
    aangever_bsn: str | None


def _report_of(row: _Report) -> Report:
    happened = row.pleegtijdstip
    return Report(
        number=row.nummer,
        kind=KINDS.get(row.soort_cd, ReportKind.OTHER),
        title=row.titel,
        status=STATUSES.get(row.status_cd, ReportStatus.OTHER),
        status_label=row.status_omschrijving or row.status_cd,
        filed_at=local_instant(row.aangemaakt_op, "aangemaakt_op"),
        updated_at=local_instant(row.gewijzigd_op, "gewijzigd_op"),
        category=row.categorie,
        description=row.omschrijving,
        unit=row.eenheid,
        location=_location_of(row),
        incident_at=None if happened is None else local_instant(happened, "pleegtijdstip"),
        confidential=bool(row.vertrouwelijk),
        citizen_bsn=row.aangever_bsn,
    )


def _location_of(row: _Report) -> Location | None:
    if row.breedtegraad is None or row.lengtegraad is None:
        return None
    address = None if row.straat is None and row.plaats is None else Address(street=row.straat, city=row.plaats)
    return Location(row.breedtegraad, row.lengtegraad, address=address)


class _StatusChange(Row):
    volgnummer: int
    incident_nummer: str
    status_cd: str
    vorige_status_cd: str | None
    notitie: str | None
    tijdstip: Written
    medewerker_nr: str | None
    status_omschrijving: str | None
    eenheid: str | None


def _status_change_of(row: _StatusChange) -> StatusChange:
    previous = row.vorige_status_cd
    return StatusChange(
        key=row.volgnummer,
        report_number=row.incident_nummer,
        status=STATUSES.get(row.status_cd, ReportStatus.OTHER),
        label=row.status_omschrijving or row.status_cd,
        at=local_instant(row.tijdstip, "tijdstip"),
        previous=STATUSES.get(previous, ReportStatus.OTHER) if previous else None,
        note=row.notitie,
        agent_key=row.medewerker_nr,
        unit=row.eenheid,
    )


class _Involvement(Row):
    volgnummer: int
    incident_nummer: str


_READ_REPORT = Reader(_Report, _report_of)
_READ_STATUS_CHANGE = Reader(_StatusChange, _status_change_of)
_READ_INVOLVEMENT = Reader(_Involvement, lambda row: Involvement(row.volgnummer, row.incident_nummer))

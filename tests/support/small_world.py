"""A small world in which every personal value is a marker: unguessable, and made for the one place where it stands.

It holds what access rules trip over: two people on one report, an unknown caller on a citizen's journey, a report
without a reporter, confidential reports, secret addresses, notes of two units and of none.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sources.demo.loading import SqliteFiles
from sources.sql.opening import MAPPINGS
from support.askers import Asker
from support.back_ends import Urls, link, rows_of, write
from support.marks import Marks

Row = dict[str, Any]
Rows = dict[str, list[Row]]
"""What the back-ends hold: rows by the name of their table, in the back-ends' own words and forms."""

CHANNELS = ("0900-8844", "APP", "BALIE", "EMAIL", "WHATSAPP")
AGENTS = {"kees": "PL1700", "lisa": "PL1800", "omar": None}
"""The employees and their units."""


@dataclass(frozen=True)
class Contact:
    """A contact so many days after the start. `about`: the reports that it was explicitly about, in order."""

    name: str
    days: float
    channel: str
    citizen: str | None
    agent: str | None = None
    about: Sequence[str] = ()
    attachments: int = 0
    located: bool = False
    outbound: bool = False


@dataclass(frozen=True)
class Report:
    """A report with its history, as (code, days after the start, employee); `others` have another role in it."""

    name: str
    days: float
    unit: str | None
    history: Sequence[tuple[str, float, str | None]]
    reporters: Sequence[str] = ()
    others: Mapping[str, str] = field(default_factory=dict[str, str])
    confidential: bool = False
    kind: str = "AANG"


CONTACTS = (
    Contact("unknown-first", 0, "0900-8844", None, "kees", about=["theft"], located=True),
    Contact("anna-call", 1, "0900-8844", "anna", "kees", about=["theft"]),
    Contact("bram-chat", 3, "WHATSAPP", "bram", "lisa", about=["theft"], attachments=1),
    Contact("unknown-later", 6, "EMAIL", None, about=["theft"], attachments=1),
    Contact("anna-app", 7, "APP", "anna", about=["fraud", "theft", "threat"], attachments=2, located=True),
    Contact("bram-call", 8.1, "0900-8844", "bram", "omar", about=["fraud", "joint"], located=True),
    Contact("carla-call", 60.5, "0900-8844", "carla", "kees", about=["threat", "theft"], attachments=1),
    Contact("anna-counter", 61, "BALIE", "anna", "lisa", about=["ownerless"], outbound=True, attachments=1),
    Contact("dirk-counter", 61.5, "BALIE", "dirk", "lisa", about=["threat"]),
    Contact("dirk-mail", 62.5, "EMAIL", "dirk", about=["tip"]),
    Contact("unknown-alone", 100, "WHATSAPP", None, "omar", attachments=1),
    Contact("anna-mail", 121, "EMAIL", "anna", "lisa"),
    Contact("bram-app", 125, "APP", "bram", outbound=True),
)

REPORTS = (
    Report(
        "theft",
        1.2,
        "PL1700",
        [("ONTV", 1.2, None), ("BEOO", 2, "kees"), ("WACH", 5, "kees"), ("OPSP", 7.5, "omar")],
        ["anna"],
        {"bram": "MED", "carla": "VER"},
    ),
    Report("fraud", 8, None, [("ONTV", 8, None), ("BEOO", 8.5, "omar")], ["bram"], {"anna": "VER"}),
    Report("joint", 9, "PL1800", [("ONTV", 9, "lisa"), ("AFGE", 10, "lisa")], ["bram", "anna"], kind="MELD"),
    Report("threat", 60.3, "PL1700", [("ONTV", 60.3, None), ("OPSP", 62, "kees")], ["carla"], confidential=True),
    Report("ownerless", 60, "PL1700", [("ONTV", 60, None), ("AFGE", 63, "kees")], kind="GEVV"),
    Report(
        "tip", 60.1, "PL1800", [("ONTV", 60.1, None), ("OVER", 64, "lisa")], ["dirk"], confidential=True, kind="TIP"
    ),
    Report(
        "abuse",
        120,
        "PL1800",
        [("ONTV", 120, None), ("BEOO", 120.5, "lisa")],
        ["anna"],
        {"bram": "VER", "dirk": "GET"},
        confidential=True,
    ),
)


@dataclass(frozen=True)
class World:
    """The databases, what they hold, and the marker of each place."""

    urls: Urls
    rows: Rows
    markers: Mapping[str, str]

    def bsn_of(self, asker: Asker) -> str | None:
        return self.markers[f"person:{asker.person}.bsn"] if asker.person else None


async def build(
    directory: Path, *, changed: AbstractSet[str] = frozenset(), removed: AbstractSet[tuple[str, Any]] = frozenset()
) -> World:
    """The world, in SQLite files, with journeys as the linker makes them.

    `changed`: places that have another marker than usual. `removed`: rows, by table and primary key, that are not
    there; the journeys that they had been on stay as the linker left them.
    """
    marks = Marks(changed)
    target = SqliteFiles(directory)
    told = _told(marks)
    await target.begin()
    for source, root in MAPPINGS.items():
        for table in root.metadata.sorted_tables:
            if told.get(table.name):
                await target.insert(source, table, told[table.name])
    await target.finish("a small world")
    await target.close()
    await link(target.urls)
    await _settle(target.urls, marks)
    await _remove(target.urls, removed)
    return World(target.urls, await _everything(target.urls), marks.made)


def key_of(table: str, row: Mapping[str, Any]) -> Any:
    """The primary key of a row."""
    key = tuple(row[column.name] for column in _table(table).primary_key)
    return key[0] if len(key) == 1 else key


def _told(marks: Marks) -> Rows:
    return {
        "persoon": _people(marks),
        "kanaal": [{"code": code, "naam": code, "soort_cd": "TEL", "spoed": "N", "actief": "J"} for code in CHANNELS],
        "medewerker": [
            {
                "personeelsnummer": _agent(marks, name),
                "naam": marks.text(f"agent:{name}.naam"),
                "eenheid": unit,
            }
            for name, unit in AGENTS.items()
        ],
        "klantcontact": [_contact(each, marks) for each in CONTACTS],
        "klantcontact_onderwerp": [
            {
                "volgnummer": 100 * row + serial,
                "klantcontact_nummer": _contact_number(marks, each.name),
                "incident_nummer": _report_number(marks, number),
            }
            for row, each in enumerate(CONTACTS)
            for serial, number in enumerate(each.about, start=1)
        ],
        "bijlage": [_attachment(each.name, place, marks) for each in CONTACTS for place in range(each.attachments)],
        "statuscode": [{"code": code, "omschrijving": f"Status {code}"} for code in ("ONTV", "BEOO", "WACH", "AFGE")],
        "incident": [_report(each, marks) for each in REPORTS],
        "incident_status": [
            _status(each.name, place, line, marks) for each in REPORTS for place, line in enumerate(each.history)
        ],
        "betrokkene": [
            {
                "volgnummer": 100 * row + serial,
                "incident_nummer": _report_number(marks, each.name),
                "bsn": marks.bsn(person),
                "rol_cd": role,
            }
            for row, each in enumerate(REPORTS)
            for serial, (person, role) in enumerate(
                [*((person, "AAN") for person in each.reporters), *each.others.items()], start=1
            )
        ],
    }


def _people(marks: Marks) -> list[Row]:
    """Anna's address is open, Bram's secret; Carla, secret too, has none, and neither has Dirk, who died."""
    address = ("straatnaam", "postcode", "woonplaats", "adresregel1", "adresregel2", "land", "huisletter")
    people: list[Row] = []
    for name in ("anna", "bram", "carla", "dirk"):
        fact = f"person:{name}"
        names = ("voornamen", "titel_predicaat", "voorvoegsel", "geslachtsnaam")
        row: Row = {column: marks.text(f"{fact}.{column}") for column in names}
        row |= {
            "bsn": marks.bsn(name),
            "geboortedatum": marks.day(f"{fact}.geboortedatum"),
            "emailadres": marks.text(f"{fact}.emailadres") + "@example.nl",
            "telefoonnummer": marks.phone(f"{fact}.telefoonnummer"),
            "indicatie_geheim": 7 if name in ("bram", "carla") else 0,
        }
        if name in ("anna", "bram"):
            row |= {column: marks.text(f"{fact}.{column}") for column in address}
            row["huisnummer"] = marks.number(f"{fact}.huisnummer", 9)
        if name == "dirk":
            row["overlijdensdatum"] = marks.day(f"{fact}.overlijdensdatum")
        people.append(row)
    return people


def _contact(contact: Contact, marks: Marks) -> Row:
    fact = f"contact:{contact.name}"
    row: Row = {
        "nummer": _contact_number(marks, contact.name),
        "kanaal_cd": contact.channel,
        "richting": "U" if contact.outbound else "I",
        "onderwerp": marks.text(f"{fact}.onderwerp"),
        "tekst": marks.text(f"{fact}.tekst"),
        "tijdstip": marks.instant(fact, contact.days),
        "medewerker_nr": contact.agent and _agent(marks, contact.agent),
        "bsn": contact.citizen and marks.bsn(contact.citizen),
        "telefoonnummer": marks.phone(f"{fact}.telefoonnummer"),
    }
    if contact.located:
        row["breedtegraad"] = marks.degrees(f"{fact}.breedtegraad", 52)
        row["lengtegraad"] = marks.degrees(f"{fact}.lengtegraad", 4)
        row["nauwkeurigheid_m"] = marks.number(f"{fact}.nauwkeurigheid_m")
    return row


def _attachment(contact: str, place: int, marks: Marks) -> Row:
    fact = f"attachment:{contact}-{place}"
    return {
        "nummer": marks.number(f"{fact}.nummer"),
        "klantcontact_nummer": _contact_number(marks, contact),
        "naam": marks.text(f"{fact}.naam"),
        "mediatype": marks.text(f"{fact}.mediatype"),
        "omvang": marks.number(f"{fact}.omvang", 9),
        "locatie": marks.text(f"{fact}.locatie"),
    }


def _report(report: Report, marks: Marks) -> Row:
    fact = f"report:{report.name}"
    texts = ("categorie", "titel", "omschrijving", "straat", "plaats")
    return {column: marks.text(f"{fact}.{column}") for column in texts} | {
        "nummer": _report_number(marks, report.name),
        "soort_cd": report.kind,
        "status_cd": report.history[-1][0],
        "breedtegraad": marks.degrees(f"{fact}.breedtegraad", 52),
        "lengtegraad": marks.degrees(f"{fact}.lengtegraad", 4),
        "eenheid": report.unit,
        "vertrouwelijk": report.confidential,
        "pleegtijdstip": marks.instant(f"{fact}.pleegtijdstip", report.days - 20),
        "aangemaakt_op": marks.instant(fact, report.days),
        "gewijzigd_op": marks.instant(f"{fact}.gewijzigd_op", report.history[-1][1]),
    }


def _status(report: str, place: int, line: tuple[str, float, str | None], marks: Marks) -> Row:
    """Every line has a note."""
    fact, (code, days, agent) = f"status:{report}-{place}", line
    return {
        "volgnummer": marks.number(f"{fact}.volgnummer"),
        "incident_nummer": _report_number(marks, report),
        "status_cd": code,
        "vorige_status_cd": None if place == 0 else "ONTV",
        "notitie": marks.text(f"{fact}.notitie"),
        "tijdstip": marks.instant(fact, days),
        "medewerker_nr": agent and _agent(marks, agent),
    }


def _agent(marks: Marks, name: str) -> str:
    return marks.digits(f"agent:{name}.personeelsnummer", 10)


def _contact_number(marks: Marks, name: str) -> int:
    return marks.number(f"contact:{name}.nummer")


def _report_number(marks: Marks, name: str) -> str:
    return f"PL{marks.digits(f'report:{name}.nummer', 12)}"


async def _settle(urls: Urls, marks: Marks) -> None:
    """Gives journeys and handovers numbers that nobody guesses, and handovers their notes, which no linker writes.

    The numbers hang on the instants, so that they do not depend on the order in which the linker wrote them.
    """
    rows = await _rows_of_journeys(urls)
    journeys = {row["id"]: marks.number(f"journey:{row['opened_at']}.id") for row in rows["journey"]}
    handovers = {row["id"]: marks.number(f"handover:{row['at']}.id") for row in rows["handover"]}
    statements = ["PRAGMA foreign_keys = OFF"]
    for old, new in handovers.items():
        at = next(row["at"] for row in rows["handover"] if row["id"] == old)
        note = marks.text(f"handover:{at}.note")
        statements += [
            f"UPDATE handover SET id = {new}, note = '{note}' WHERE id = {old}",
            f"UPDATE journey_entry SET key = '{new}' WHERE kind = 'H' AND key = '{old}'",
            f"UPDATE journey_news SET key = {new} WHERE kind = 'H' AND key = {old}",
        ]
    for old, new in journeys.items():
        statements.append(f"UPDATE journey SET id = {new} WHERE id = {old}")
        statements += [
            f"UPDATE {table} SET journey_id = {new} WHERE journey_id = {old}"
            for table in ("journey_entry", "journey_news", "journey_channel", "handover")
        ]
    await write(urls["journeys"], *statements)


async def _remove(urls: Urls, removed: AbstractSet[tuple[str, Any]]) -> None:
    for source, root in MAPPINGS.items():
        for table in reversed(root.metadata.sorted_tables):
            keys = [key for name, key in removed if name == table.name]
            if keys:
                columns = list(table.primary_key)
                column = columns[0] if len(columns) == 1 else sa.tuple_(*columns)
                await write(urls[source], sa.delete(table).where(column.in_(keys)))


async def _everything(urls: Urls) -> Rows:
    """Every row that is there, instants as `datetime`."""
    return {
        table.name: [dict(row) for row in await rows_of(urls[source], table)]
        for source, root in MAPPINGS.items()
        for table in root.metadata.sorted_tables
    }


async def _rows_of_journeys(urls: Urls) -> Rows:
    tables = MAPPINGS["journeys"].metadata.tables
    return {
        name: [dict(row) for row in await rows_of(urls["journeys"], tables[name])] for name in ("journey", "handover")
    }


def _table(name: str) -> "sa.Table[Any]":
    return next(root.metadata.tables[name] for root in MAPPINGS.values() if name in root.metadata.tables)

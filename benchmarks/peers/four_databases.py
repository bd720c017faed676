"""The main queries by hand, over the same four databases: as fast as Python is without GraphQL, and without rules.

    .venv/bin/python benchmarks/peers/four_databases.py .omniloket/omniloket.toml

A statement for each level and source, prepared once on connections that are held; rows straight into structs, which
msgspec writes (a third less time than dictionaries that orjson writes). It answers what Omniloket does to whoever may
see everything.
"""

import asyncio
import sys
from binascii import b2a_base64
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson
import running
from codes import STATUS, instant
from held import Held

from omniloket.reading_settings import read

_PERSON = "SELECT titel_predicaat, titel_soort, voornamen, voorvoegsel, geslachtsnaam FROM persoon WHERE bsn = $1"
_PERSONS = "SELECT bsn, voornamen, geslachtsnaam FROM persoon WHERE bsn = ANY($1)"
_REPORTS_OF = f"""
    SELECT i.nummer, i.titel, i.status_cd, {instant("i.aangemaakt_op")}
    FROM betrokkene AS b JOIN incident AS i ON i.nummer = b.incident_nummer
    WHERE b.bsn = $1 AND b.rol_cd = 'AAN' ORDER BY i.aangemaakt_op DESC, i.nummer DESC LIMIT 10
"""
_HISTORIES = f"""
    SELECT incident_nummer, status_cd, {instant("tijdstip")} FROM incident_status
    WHERE incident_nummer = ANY($1) ORDER BY tijdstip, volgnummer
"""
_REPORT = f"SELECT status_cd, {instant('gewijzigd_op')} FROM incident WHERE nummer = $1"
_REPORTS = "SELECT nummer, status_cd FROM incident WHERE nummer = ANY($1)"
_NEWEST = f"""
    SELECT nummer, kanaal_cd, {instant("tijdstip")}, onderwerp, bsn FROM klantcontact
    WHERE kanaal_cd = $1 ORDER BY tijdstip DESC, nummer DESC LIMIT 50
"""
_CONTACTS = f"SELECT nummer, kanaal_cd, {instant('tijdstip')} FROM klantcontact WHERE nummer = ANY($1)"
_JOURNEYS = """
    SELECT e.key, j.id, j.state FROM journey_entry AS e JOIN journey AS j ON j.id = e.journey_id
    WHERE e.kind = 'C' AND e.key = ANY($1)
"""
_ENTRIES = """
    SELECT each.* FROM unnest($1::bigint[]) AS wanted (id) CROSS JOIN LATERAL (
        (SELECT journey_id, kind, key FROM journey_entry WHERE journey_id = wanted.id AND kind = 'C'
         ORDER BY at DESC, position DESC LIMIT 5)
        UNION ALL
        (SELECT journey_id, kind, key FROM journey_entry WHERE journey_id = wanted.id AND kind = 'R'
         ORDER BY at DESC, position DESC LIMIT 3)
    ) AS each
"""


class Struct(msgspec.Struct, gc=False, rename="camel"):
    """Part of an answer. The collector never looks at it: there are no cycles here."""


class Edge(Struct):
    node: object


class Connection(Struct):
    edges: Sequence[Edge]


class Change(Struct):
    status: str
    at: datetime


class OwnReport(Struct):
    number: str
    title: str
    status: str
    filed_at: datetime
    status_history: Sequence[Change]


class OwnPerson(Struct):
    full_name: str
    given_names: str | None
    family_name: str | None
    reports: Connection


class Channel(Struct):
    code: str


class Contact(Struct):
    id: str
    channel: Channel
    occurred_at: datetime


class Person(Struct):
    given_names: str | None
    family_name: str | None


class Report(Struct):
    number: str
    status: str


class Journey(Struct):
    id: str
    state: str
    contacts: Connection
    reports: Connection


class NewContact(Struct):
    id: str
    channel: Channel
    occurred_at: datetime
    subject: str | None
    citizen: Person | None
    journey: Journey | None


class Standing(Struct):
    status: str
    updated_at: datetime


class Peer:
    """The three queries."""

    def __init__(self, urls: dict[str, str]) -> None:
        self._persons = Held(urls["persons"], _PERSON, _PERSONS)
        self._service = Held(urls["servicemodule"], _NEWEST, _CONTACTS)
        self._incidents = Held(urls["incidents"], _REPORTS_OF, _HISTORIES, _REPORT, _REPORTS)
        self._journeys = Held(urls["journeys"], _JOURNEYS, _ENTRIES)
        self._by_path = {"/q1": self._portal, "/q2": self._screen, "/q3": self._thin}
        self._encode = msgspec.json.Encoder().encode

    async def open(self) -> None:
        for source in (self._persons, self._service, self._incidents, self._journeys):
            await source.open()

    async def answer(self, path: str, body: bytes) -> bytes:
        return self._encode({"data": await self._by_path[path](**orjson.loads(body))})

    async def _portal(self, bsn: str) -> object:
        persons, reports = await asyncio.gather(
            self._persons.fetch(_PERSON, bsn), self._incidents.fetch(_REPORTS_OF, bsn)
        )
        histories: defaultdict[str, list[Change]] = defaultdict(list)
        if reports:
            for number, code, at in await self._incidents.fetch(_HISTORIES, [row[0] for row in reports]):
                histories[number].append(Change(STATUS.get(code, "OTHER"), at))
        edges = [
            Edge(OwnReport(number, title, STATUS.get(code, "OTHER"), filed_at, histories[number]))
            for number, title, code, filed_at in reports
        ]
        title, sort, given, prefix, family = persons[0]
        name = _full_name(title, sort, given, prefix, family)
        return {"viewer": {"citizen": OwnPerson(name, given, family, Connection(edges))}}

    async def _screen(self, channel: str) -> object:
        newest = await self._service.fetch(_NEWEST, channel)
        bsns = list({row[4] for row in newest if row[4] is not None})
        persons, placed = await asyncio.gather(
            self._persons.fetch(_PERSONS, bsns), self._journeys.fetch(_JOURNEYS, [str(row[0]) for row in newest])
        )
        citizens = {bsn: Person(given, family) for bsn, given, family in persons}
        journeys = await self._journeys_of(placed)
        edges = [
            Edge(NewContact(_contact_id(number), Channel(code), at, subject, citizens.get(bsn), journeys.get(number)))
            for number, code, at, subject, bsn in newest
        ]
        return {"contacts": Connection(edges)}

    async def _journeys_of(self, placed: Sequence[Any]) -> dict[int, Journey]:
        """The journey of each contact, by the contact's number."""
        entries = await self._journeys.fetch(_ENTRIES, list({row[1] for row in placed}))
        found_contacts, found_reports = await asyncio.gather(
            self._service.fetch(_CONTACTS, [int(key) for _, kind, key in entries if kind == "C"]),
            self._incidents.fetch(_REPORTS, [key for _, kind, key in entries if kind == "R"]),
        )
        edges = {
            str(number): Edge(Contact(_contact_id(number), Channel(code), at)) for number, code, at in found_contacts
        }
        for number, code in found_reports:
            edges[number] = Edge(Report(number, STATUS.get(code, "OTHER")))
        contacts: defaultdict[int, list[Edge]] = defaultdict(list)
        reports: defaultdict[int, list[Edge]] = defaultdict(list)
        for journey, kind, key in entries:
            (contacts if kind == "C" else reports)[journey].append(edges[key])
        return {
            int(key): Journey(_journey_id(each), state, Connection(contacts[each]), Connection(reports[each]))
            for key, each, state in placed
        }

    async def _thin(self, number: str) -> object:
        code, at = (await self._incidents.fetch(_REPORT, number))[0]
        return {"report": Standing(STATUS.get(code, "OTHER"), at)}


def _contact_id(number: int) -> str:
    """A global id. Of ASCII letters, digits and a colon, base64 has none of the signs that a URL would not take."""
    return b2a_base64(b"Contact:%d" % number, newline=False).rstrip(b"=").decode()


def _journey_id(number: int) -> str:
    return b2a_base64(b"Journey:%d" % number, newline=False).rstrip(b"=").decode()


def _full_name(title: str | None, sort: str | None, given: str | None, prefix: str | None, family: str | None) -> str:
    name = f"{prefix or ''}{'' if prefix and prefix.endswith(chr(39)) else ' '}{family or ''}"
    parts = (title, given, name) if sort == "predicaat" else (given, title, name)
    return " ".join(" ".join(part for part in parts if part).split())


if __name__ == "__main__":
    sources = read(Path(sys.argv[1])).sources
    peer = Peer({name: source.url for name, source in sources})
    running.serve(peer.answer, peer.open)

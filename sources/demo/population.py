"""A made-up population: who there is, and what they told the police.

Deterministic: the same number and seed give the same rows. Made in batches, so that memory does not grow with it.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import sqlalchemy as sa

from sources.demo.people import Names, Row, bsns, names, person, phone, town_of
from sources.demo.places import UNITS, Town
from sources.demo.stories import (
    ANONYMOUS,
    ANSWERS,
    CHANNELS,
    COURSES,
    FOLLOW_UPS,
    NOTES,
    OUTBOUND,
    SELF_SERVICE,
    STATUSES,
    TOPICS,
    Topic,
)
from sources.sql.incidents import BETROKKENE, INCIDENT, INCIDENT_STATUS, REPORTER, STATUSCODE
from sources.sql.persons import PERSOON
from sources.sql.servicemodule import BIJLAGE, KANAAL, KLANTCONTACT, MEDEWERKER, ONDERWERP

Table = sa.Table[Any]
Rows = dict[Table, list[Row]]

END = datetime(2026, 11, 1, 12, 0)  # noqa: DTZ001 - the back-ends' naive local time
"""The demo's history stops here, in local time; live changes come after it."""

START = END - timedelta(days=730)
BATCH = 500
EMPLOYEES_PER_UNIT = 20
FIRST_CONTACT = 100_001
_CHANNEL_CODES = [channel[0] for channel in CHANNELS]
_CHANNEL_WEIGHTS = [channel[4] for channel in CHANNELS]
_OTHER_ROLES = ("MED", "GET", "SLA", "VER")


@dataclass(frozen=True)
class Batch:
    """Rows of every table for some citizens; `done` counts the citizens so far."""

    rows: Rows
    done: int


@dataclass(frozen=True)
class Population:
    """How many citizens to make up with which seed; or `persons`, rows of `persoon` that stand in their place."""

    citizens: int
    seed: int
    persons: Sequence[Row] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return self.citizens if self.persons is None else len(self.persons)

    def batches(self) -> Iterator[Batch]:
        """Everything, in batches of citizens; the first has the tables that do not depend on them."""
        history = _History(self.seed)
        history.rows.update(_reference_rows(self.seed))
        done = 0
        for serial, (row, unit, town) in enumerate(self._people()):
            history.add(serial, row, unit, town)
            done = serial + 1
            if done % BATCH == 0:
                yield Batch(history.taken(), done)
        yield Batch(history.taken(), done)

    def _people(self) -> Iterator[tuple[Row, str, Town]]:
        pools = names(self.seed)
        if self.persons is not None:
            for serial, row in enumerate(self.persons):
                yield row, *town_of(_random(self.seed, serial, "person"))
            return
        for serial, bsn in enumerate(bsns(self.citizens)):
            yield self._person(bsn, serial, pools)

    def _person(self, bsn: str, serial: int, pools: Names) -> tuple[Row, str, Town]:
        random = _random(self.seed, serial, "person")
        unit, town = town_of(random)
        row = person(bsn, serial, town, pools, random)
        if serial == 0:
            # The citizen whom the demo shows first has all that there is to see.
            row |= {"overlijdensdatum": None, "emailadres": row["emailadres"] or "demo@example.nl"}
        return row, unit, town


class _History:
    """What happened to the citizens so far; the rows since they were last taken."""

    def __init__(self, seed: int) -> None:
        self.rows: Rows = {}
        self._seed = seed
        self._known = array("L")
        self._serials: Counter[Any] = Counter({KLANTCONTACT: FIRST_CONTACT - 1})

    def taken(self) -> Rows:
        rows, self.rows = self.rows, {}
        return rows

    def add(self, serial: int, row: Row, unit: str, town: Town) -> None:
        """A citizen with a life of contacts; the first one's is eventful."""
        random = _random(self._seed, serial, "history")
        self._put(PERSOON, row)
        life = _Life(self, random, row, unit, town)
        if row.get("overlijdensdatum") is None:
            how_many = 4 if serial == 0 else random.choices((0, 1, 2, 3, 4), (10, 34, 30, 16, 10))[0]
            for _ in range(how_many):
                life.live_through_a_journey(eventful=serial == 0)
        if random.random() < 0.45:
            life.call_anonymously()
        self._known.append(int(row["bsn"]))

    def number_of(self, table: Table) -> int:
        """The next serial number of a table."""
        self._serials[table] += 1
        return self._serials[table]

    def report_number(self, unit: str, year: int) -> str:
        self._serials[unit, year] += 1
        return f"{unit}-{year}{self._serials[unit, year]:06}"

    def somebody(self, random: Random) -> str | None:
        """The BSN of an earlier citizen."""
        return f"{random.choice(self._known):09}" if self._known else None

    def put(self, table: Table, **row: Any) -> None:
        self._put(table, row)

    def _put(self, table: Table, row: Row) -> None:
        self.rows.setdefault(table, []).append(row)


class _Life:
    """One citizen's dealings with the police."""

    def __init__(self, history: _History, random: Random, person: Row, unit: str, town: Town) -> None:
        self._history = history
        self._random = random
        self._person = person
        self._unit = unit
        self._town = town

    def live_through_a_journey(self, *, eventful: bool) -> None:
        """A first contact, perhaps a report, and what follows over this channel and others."""
        random, topic = self._random, self._random.choice(TOPICS)
        at = self._some_day(late=eventful)
        channel = random.choices(_CHANNEL_CODES, _CHANNEL_WEIGHTS)[0]
        reported = eventful or random.randrange(100) < topic.reported
        report = self._file(topic, at + timedelta(minutes=random.randrange(5, 40))) if reported else None
        self._contact(at, channel, topic.opening, report)
        for _ in range(4 if eventful else random.choices((0, 1, 2, 3, 4, 6), (16, 20, 24, 20, 12, 8))[0]):
            at = _daytime(at + timedelta(hours=random.expovariate(1 / 90)), random)
            if at >= END:
                return
            is_answer = random.random() < 0.3
            if is_answer:
                channel = random.choice(OUTBOUND)
            elif random.random() < 0.45:
                channel = random.choices(_CHANNEL_CODES, _CHANNEL_WEIGHTS)[0]
            words = random.choice(ANSWERS if is_answer else FOLLOW_UPS)
            self._contact(at, channel, words, report if random.random() < 0.5 else None, outbound=is_answer)

    def call_anonymously(self) -> None:
        """Somebody who does not say who they are."""
        random, topic = self._random, self._random.choice(TOPICS)
        at = self._some_day()
        self._contact(at, random.choice(ANONYMOUS), topic.opening, None, known=False)

    def _some_day(self, *, late: bool = False) -> datetime:
        """Somewhere in the demo's history, or in its last quarter."""
        share = 0.75 + 0.25 * self._random.random() if late else self._random.random()
        return _daytime(START + (END - START - timedelta(days=2)) * share, self._random)

    def _contact(
        self,
        at: datetime,
        channel: str,
        words: tuple[str, str],
        report: str | None,
        *,
        outbound: bool = False,
        known: bool = True,
    ) -> None:
        random, history = self._random, self._history
        number = history.number_of(KLANTCONTACT)
        is_waiting = channel in SELF_SERVICE and not outbound and random.random() < 0.6
        employee = None if is_waiting else _employee(self._unit, random)
        latitude, longitude = self._somewhere() if channel in ("APP", "112") else (None, None)
        bsn = self._person["bsn"] if known else None
        history.put(
            KLANTCONTACT,
            nummer=number,
            kanaal_cd=channel,
            richting="U" if outbound else "I",
            onderwerp=words[0],
            tekst=words[1],
            tijdstip=at,
            medewerker_nr=employee,
            bsn=bsn,
            telefoonnummer=self._phone(channel, known=known),
            breedtegraad=latitude,
            lengtegraad=longitude,
            nauwkeurigheid_m=None if latitude is None else float(random.randrange(5, 200)),
        )
        if report is not None:
            history.put(
                ONDERWERP,
                volgnummer=history.number_of(ONDERWERP),
                klantcontact_nummer=number,
                incident_nummer=report,
            )
        if channel in ("APP", "POLITIE_NL", "EMAIL", "WHATSAPP") and random.random() < 0.08:
            self._attach(number)

    def _attach(self, contact: int) -> None:
        history, number = self._history, self._history.number_of(BIJLAGE)
        name, media_type = self._random.choice((("foto.jpg", "image/jpeg"), ("aankoopbon.pdf", "application/pdf")))
        history.put(
            BIJLAGE,
            nummer=number,
            klantcontact_nummer=contact,
            naam=name,
            mediatype=media_type,
            omvang=self._random.randrange(20_000, 4_000_000),
            locatie=None,
        )

    def _file(self, topic: Topic, at: datetime) -> str:
        """A report with the history of its handling."""
        random, history = self._random, self._history
        number = history.report_number(self._unit, at.year)
        course = self._follow(number, random.choice(COURSES), at)
        latitude, longitude = self._somewhere()
        history.put(
            INCIDENT,
            nummer=number,
            soort_cd=topic.kind,
            status_cd=course[-1][0],
            categorie=topic.category,
            titel=topic.title,
            omschrijving=topic.description,
            straat=None,
            plaats=self._town.name,
            breedtegraad=latitude,
            lengtegraad=longitude,
            eenheid=self._unit,
            vertrouwelijk=random.random() < 0.03,
            pleegtijdstip=at - timedelta(hours=random.randrange(1, 72)),
            aangemaakt_op=at,
            gewijzigd_op=course[-1][1],
        )
        self._involve(number)
        return number

    def _follow(self, number: str, course: Sequence[str], at: datetime) -> list[tuple[str, datetime]]:
        """The status history, as far as it has come."""
        followed: list[tuple[str, datetime]] = []
        for code in course:
            if followed:
                at = _daytime(at + timedelta(hours=self._random.expovariate(1 / 70)), self._random)
            if followed and at >= END:
                break
            self._history.put(
                INCIDENT_STATUS,
                volgnummer=self._history.number_of(INCIDENT_STATUS),
                incident_nummer=number,
                status_cd=code,
                vorige_status_cd=followed[-1][0] if followed else None,
                notitie=NOTES.get(code),
                tijdstip=at,
                medewerker_nr=_employee(self._unit, self._random) if followed else None,
            )
            followed.append((code, at))
        return followed

    def _involve(self, number: str) -> None:
        """The reporter, and sometimes somebody else."""
        history, random = self._history, self._random
        involved = [(self._person["bsn"], REPORTER)]
        if random.random() < 0.25:
            involved.append((history.somebody(random), random.choice(_OTHER_ROLES)))
        for bsn, role in involved:
            serial = history.number_of(BETROKKENE)
            history.put(BETROKKENE, volgnummer=serial, incident_nummer=number, bsn=bsn, rol_cd=role)

    def _phone(self, channel: str, *, known: bool) -> str | None:
        """What the telephone exchange showed."""
        if channel not in ("0900-8844", "112", "WHATSAPP"):
            return None
        return self._person.get("telefoonnummer") if known else phone(self._random)

    def _somewhere(self) -> tuple[float, float]:
        """A place in the citizen's town: within some three kilometres."""
        random, town = self._random, self._town
        return round(town.latitude + random.gauss(0, 0.012), 5), round(town.longitude + random.gauss(0, 0.018), 5)


def _reference_rows(seed: int) -> Rows:
    """Channels, employees and the register's words."""
    pools, random = names(seed), _random(seed, 0, "employees")
    employees: list[Row] = []
    for unit_index, unit in enumerate(UNITS):
        for index in range(EMPLOYEES_PER_UNIT):
            prefix, family = random.choice(pools.family)
            name = " ".join(part for part in (random.choice(pools.given), prefix, family) if part)
            number = f"P{100_000 + unit_index * 1000 + index}"
            employees.append({"personeelsnummer": number, "naam": name, "eenheid": unit.code})
    channels: list[Row] = [
        {"code": code, "naam": name, "soort_cd": medium, "spoed": urgent, "actief": "J"}
        for code, name, medium, urgent, _ in CHANNELS
    ]
    words: list[Row] = [{"code": code, "omschrijving": label} for code, label in STATUSES]
    return {KANAAL: channels, MEDEWERKER: employees, STATUSCODE: words}


def _employee(unit: str, random: Random) -> str:
    index = next(index for index, each in enumerate(UNITS) if each.code == unit)
    return f"P{100_000 + index * 1000 + random.randrange(EMPLOYEES_PER_UNIT)}"


def _random(seed: int, serial: int, purpose: str) -> Random:
    """Numbers of its own for each citizen and purpose, so that more citizens leave the first ones as they are."""
    return Random(f"{seed}/{serial}/{purpose}")


def _daytime(at: datetime, random: Random) -> datetime:
    """The same day or the next, at an hour at which people call, to the second; never earlier."""
    hour = min(23, max(0, int(random.gauss(14, 4))))
    wanted = at.replace(hour=hour, minute=random.randrange(60), second=random.randrange(60), microsecond=0)
    return wanted if wanted >= at else wanted + timedelta(days=1)

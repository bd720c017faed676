"""The linker: the same facts give the same journeys, however they arrive, and wherever the linker dies.

The sources are in memory; the journeys are written to a real database.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from sources.demo.people import bsns
from sources.linking.matching import Changes
from sources.linking.rules import Happening, Owner, Rules, StatusLine, linked
from sources.linking.storing import LogPosition
from sources.ports import Sources
from sources.records import (
    Channel,
    Citizen,
    Contact,
    Direction,
    EntryKind,
    Involvement,
    Medium,
    Report,
    ReportKind,
    ReportStatus,
    StatusChange,
)
from sources.sealing import bsn_of
from sources.sql.journey_store import SqlJourneyStore
from sources.sql.journeys import CHANNEL, ENTRY, HANDOVER, JOURNEY, NEWS
from sources.sql.migrating import migrate
from subscriptions.linker import Linker, Pace
from support.back_ends import SEALER, Opened, rows_of, run, write
from support.memory_sources import Facts, memory_sources

BSNS = tuple(bsns(8))
CHANNELS = tuple(Channel(code, code, Medium.CHAT, urgent=False, open=True) for code in ("APP", "BALIE", "X"))
RULES = Rules(active_days=10, closed_days=6, starting_channels=frozenset({"APP", "BALIE"}))
START = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
NOW = START + timedelta(days=40)
CLEARED = [
    "DELETE FROM journey_entry",
    "DELETE FROM journey_channel",
    "DELETE FROM handover",
    "DELETE FROM journey_news",
    "DELETE FROM journey",
    "DELETE FROM linker_position",
    "UPDATE linker SET until = '2000-01-01 00:00:00.000000'",
]

moments = st.integers(0, 39 * 2).map(lambda half: NOW - timedelta(hours=12 * half + 1))
people = st.sampled_from([*BSNS, None, None])
lately = st.integers(0, 5)
"""Which contact or report, counted from the newest."""

FATES = (
    *("lives", "lives", "lives", "dies before it writes", "dies after it wrote"),
    *("finds its place gone", "finds its place gone, and dies after it wrote"),
)
fates = st.sampled_from(FATES)


@dataclass
class World:
    """What the back-ends hold, as it comes to be there."""

    facts: Facts = field(default_factory=lambda: Facts(citizens=[Citizen(bsn, bsn) for bsn in BSNS]))

    def contact(self, at: datetime, bsn: str | None, channel: int, *, inbound: bool) -> None:
        direction = Direction.INBOUND if inbound else Direction.OUTBOUND
        key = len(self.facts.contacts) + 1
        self.facts.contacts.append(
            Contact(key, direction, at, CHANNELS[channel], subject=f"contact {key}", citizen_bsn=bsn)
        )

    def report(self, at: datetime, bsn: str | None, about: int | None) -> None:
        number = f"R{len(self.facts.reports) + 1}"
        received = ReportStatus.RECEIVED
        self.facts.reports.append(
            Report(number, ReportKind.TIP, f"report {number}", received, "", at, at, citizen_bsn=bsn)
        )
        self._involve(number)
        self._status(number, at, received)
        if about is not None and self.facts.contacts:
            self.link(about, 0)

    def link(self, contact: int, report: int) -> None:
        if self.facts.contacts and self.facts.reports:
            key = self.facts.contacts[-1 - contact % len(self.facts.contacts)].key
            number = self.facts.reports[-1 - report % len(self.facts.reports)].number
            self.facts.subjects[len(self.facts.subjects) + 1] = (key, number)

    def status(self, report: int, at: datetime, status: ReportStatus) -> None:
        if self.facts.reports:
            self._status(self.facts.reports[-1 - report % len(self.facts.reports)].number, at, status)

    def reporter(self, report: int, bsn: str) -> None:
        """A report's reporter becomes known: a line among those involved."""
        if self.facts.reports:
            index = -1 - report % len(self.facts.reports)
            if self.facts.reports[index].citizen_bsn is None:
                self.facts.reports[index] = msgspec.structs.replace(self.facts.reports[index], citizen_bsn=bsn)
                self._involve(self.facts.reports[index].number)

    def identify(self, contact: int, bsn: str) -> None:
        """An unknown caller becomes known: no log tells of it, and only some are looked at again (docs/journeys.md).

        One whom a link has put on a journey stays there, one over a channel that begins no journey stays on none.
        """
        linked = {key for key, _ in self.facts.subjects.values()}
        since = NOW - timedelta(days=RULES.active_days)
        recent = [
            index
            for index, each in enumerate(self.facts.contacts)
            if each.citizen_bsn is None
            and each.occurred_at >= since
            and each.key not in linked
            and each.channel is not None
            and each.channel.code in RULES.starting_channels
        ]
        if recent:
            index = recent[-1 - contact % len(recent)]
            self.facts.contacts[index] = msgspec.structs.replace(self.facts.contacts[index], citizen_bsn=bsn)

    def _involve(self, number: str) -> None:
        self.facts.involvements.append(Involvement(len(self.facts.involvements) + 1, number))

    def _status(self, number: str, at: datetime, status: ReportStatus) -> None:
        key = len(self.facts.status_changes) + 1
        self.facts.status_changes.append(StatusChange(key, number, status, status.value, at))


Event = Callable[[World], None]

events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        lambda at, bsn, channel, inbound: lambda world: world.contact(at, bsn, channel, inbound=inbound),
        moments,
        people,
        st.integers(0, 2),
        st.booleans(),
    ),
    st.builds(
        lambda at, bsn, about: lambda world: world.report(at, bsn, about),
        moments,
        people,
        st.none() | lately,
    ),
    st.builds(lambda c, r: lambda world: world.link(c, r), lately, lately),
    st.builds(
        lambda r, at, status: lambda world: world.status(r, at, status),
        lately,
        moments,
        st.sampled_from(ReportStatus),
    ),
    st.builds(lambda r, bsn: lambda world: world.reporter(r, bsn), lately, st.sampled_from(BSNS)),
    st.builds(lambda c, bsn: lambda world: world.identify(c, bsn), lately, st.sampled_from(BSNS)),
)
turns = st.lists(st.tuples(st.lists(events, min_size=1, max_size=6), st.integers(1, 5), fates), min_size=4, max_size=10)


def crowded(random: Random) -> Sequence[Any]:
    """A dense history, in which most of what can meet does: hypothesis prefers short ones."""

    def moment() -> datetime:
        return NOW - timedelta(hours=12 * random.randrange(80) + 1)

    def someone() -> str | None:
        return random.choice([*BSNS, None, None])

    def come_to_light(world: World) -> None:
        """Last of all, so that nothing that happens later mends what this has done."""
        which = random.randrange(6)
        match random.randrange(3):
            case 0:
                world.reporter(which, random.choice(BSNS))
            case 1:
                world.identify(which, random.choice(BSNS))
            case _:
                world.link(which, random.randrange(6))

    def happen(world: World) -> None:
        recent, which = random.randrange(3), random.randrange(5)
        match which:
            case 0 | 1:
                world.contact(moment(), someone(), random.randrange(3), inbound=random.random() < 0.7)
            case 2:
                world.report(moment(), someone(), random.choice([None, 0, 1]))
            case 3:
                world.link(recent, random.randrange(3))
            case _:
                world.status(recent, moment(), random.choice(list(ReportStatus)))

    told = [([happen] * random.randrange(1, 8), random.randrange(1, 6), random.choice(FATES)) for _ in range(8)]
    return [*told, ([come_to_light] * 3, 5, random.choice(FATES))]


class Died(Exception):
    """The linker's process is gone."""


class MortalStore(SqlJourneyStore):
    """A store whose process may die at a write."""

    fate = "lives"

    async def write(
        self, holder: str, changes: Changes, positions: Mapping[str, LogPosition], lines: Sequence[StatusLine] = ()
    ) -> None:
        if "dies before it writes" in self.fate:
            raise Died
        await super().write(holder, changes, positions, lines)
        if "dies after it wrote" in self.fate:
            raise Died


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An empty journey database."""
    address = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('journeys') / 'journeys.db'}"
    run(migrate(address))
    return address


@given(turns)
@settings(max_examples=50, deadline=None)
def test_any_batches_and_any_deaths_give_the_journeys_of_the_facts(url: str, turns: Sequence[Any]) -> None:
    stored, expected = asyncio.run(_lived_through(url, turns))
    note(f"stored:   {stored}\nexpected: {expected}")
    assert stored == expected


@pytest.mark.parametrize("seed", range(25))
def test_a_crowded_history_gives_the_journeys_of_the_facts(url: str, seed: int) -> None:
    stored, expected = asyncio.run(_lived_through(url, crowded(Random(seed))))
    assert stored == expected


async def _lived_through(url: str, turns: Sequence[tuple[Sequence[Event], int, str]]) -> tuple[Any, Any]:
    await write(url, *CLEARED)
    world, clock = World(), _Clock()
    urls = dict.fromkeys(("persons", "servicemodule", "incidents", "journeys"), url)
    async with Opened(urls) as opened:
        for happened, batch, fate in turns:
            for event in happened:
                event(world)
            clock.now += timedelta(seconds=60)
            if "finds its place gone" in fate:
                await write(url, "UPDATE linker_position SET mark = '1000000', history = NULL")
            await _linked_for_a_while(url, _over(world, opened), clock, batch, fate)
        await _linked_for_a_while(url, _over(world, opened), clock, 3, "lives", rounds=20)
    assert await _left_untold(url, world.facts) == set()
    return await _as_stored(url), _as_they_should_be(world.facts)


class _Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def _over(world: World, opened: Sources) -> Sources:
    """The back-ends in memory, the journeys in their database."""
    return replace(
        memory_sources(world.facts, SEALER),
        journeys=opened.journeys,
        journey_entries=opened.journey_entries,
        journey_channels=opened.journey_channels,
        handovers=opened.handovers,
    )


async def _linked_for_a_while(
    url: str, sources: Sources, clock: _Clock, batch: int, fate: str, rounds: int = 1
) -> None:
    """A linker's life: some rounds, or until it dies."""
    left = rounds

    async def sleep(_seconds: float) -> None:
        nonlocal left
        left -= 1
        clock.now += timedelta(seconds=60)
        if left <= 0:
            raise Died

    async with MortalStore(url) as store:
        store.fate = fate
        pace = Pace(batch=batch)
        with suppress(Died):
            await Linker(sources, store, SEALER, rules=RULES, pace=pace, sleep=sleep, clock=clock).run()


async def _left_untold(url: str, facts: Facts) -> set[tuple[int, str, int]]:
    """What is on a journey, and was not told there; what was told twice, its table refuses."""
    told = {(row["journey_id"], row["kind"], row["key"]) for row in await rows_of(url, NEWS)}
    entries = await rows_of(url, ENTRY)
    here = {row["key"]: row["journey_id"] for row in entries if row["kind"] == "R"}
    expected = {(row["journey_id"], row["kind"], int(row["key"])) for row in entries if row["kind"] != "R"}
    return (expected | {(here[line.report_number], "S", line.key) for line in facts.status_changes}) - told


async def _as_stored(url: str) -> list[Any]:
    channels: dict[int, list[tuple[int, str]]] = {}
    for row in await rows_of(url, CHANNEL):
        channels.setdefault(row["journey_id"], []).append((row["ordinal"], row["code"]))
    entries: dict[int, set[Any]] = {}
    handed = {str(row["id"]): (row["journey_id"], row["at"]) for row in await rows_of(url, HANDOVER)}
    for row in await rows_of(url, ENTRY):
        if row["kind"] == "H":
            assert handed.pop(row["key"]) == (row["journey_id"], row["at"])
        else:
            entries.setdefault(row["journey_id"], set()).add((row["kind"], row["key"], row["at"]))
    assert handed == {}
    handovers: dict[int, list[Any]] = {}
    for row in await rows_of(url, HANDOVER):
        handovers.setdefault(row["journey_id"], []).append((row["at"], row["from_channel"], row["to_channel"]))
    return sorted(
        (
            sorted(entries[row["id"]]),
            None if row["citizen_key"] is None else bsn_of(SEALER, row["citizen_key"]),
            row["state"],
            (row["opened_at"], row["last_active_at"], row["closed_at"]),
            [code for _, code in sorted(channels.get(row["id"], []))],
            sorted(handovers.get(row["id"], [])),
        )
        for row in await rows_of(url, JOURNEY)
    )


def _as_they_should_be(facts: Facts) -> list[Any]:
    """The rules, applied to everything at once."""
    happenings = [_contacted(contact, facts) for contact in facts.contacts]
    happenings += [
        Happening(EntryKind.REPORT, each.number, each.filed_at, _owner_of_report(each, facts)) for each in facts.reports
    ]
    lines = [StatusLine(each.report_number, each.at, each.status, each.key) for each in facts.status_changes]
    return sorted(
        (
            sorted((entry.kind.value, entry.key, _naive(entry.at)) for entry in trip.entries),
            trip.owner.bsn,
            trip.state(NOW, RULES).value,
            (
                _naive(trip.opened_at),
                _naive(trip.last_active_at),
                _naive(trip.closes_at(RULES)) if trip.state(NOW, RULES).value == "CLOSED" else None,
            ),
            trip.channels,
            sorted((_naive(each.at), each.from_channel, each.to_channel) for each in trip.passages),
        )
        for trip in linked(happenings, lines, RULES)
    )


def _contacted(contact: Contact, facts: Facts) -> Happening:
    about = [number for key, number in facts.subjects.values() if key == contact.key]
    reports = [next(each for each in facts.reports if each.number == number) for number in about]
    owners = [_owner_of_report(report, facts) for report in reports]
    mine = (
        Owner(EntryKind.CONTACT, str(contact.key)) if contact.citizen_bsn is None else Owner(None, contact.citizen_bsn)
    )
    if contact.citizen_bsn is None and owners:
        mine = next((owner for owner in owners if owner.bsn), owners[0])
    return Happening(
        EntryKind.CONTACT,
        str(contact.key),
        contact.occurred_at,
        mine,
        next((number for number, owner in zip(about, owners, strict=True) if owner == mine), None),
        contact.channel.code if contact.channel else None,
        None,
        contact.direction is Direction.INBOUND,
    )


def _owner_of_report(report: Report, facts: Facts) -> Owner:
    if report.citizen_bsn is not None:
        return Owner(None, report.citizen_bsn)
    linked_to = {key for key, number in facts.subjects.values() if number == report.number}
    callers = [each for each in facts.contacts if each.key in linked_to and each.citizen_bsn]
    first = min(callers, key=lambda each: (each.occurred_at, each.key), default=None)
    return Owner(EntryKind.REPORT, report.number) if first is None else Owner(None, str(first.citizen_bsn))


def _naive(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.replace(tzinfo=None)

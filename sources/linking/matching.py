"""What is to be stored, so that the journey database holds these journeys: as little as makes the difference.

A journey keeps its id for as long as most of it stays together.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sources.linking.gathering import Fact, numbers_among
from sources.linking.rules import Passage, Rules, StatusLine, Trip
from sources.paging import ALL
from sources.ports import Sources
from sources.records import EntryKind, Handover, Journey, JourneyEntry, JourneyState
from sources.scope import EVERYTHING

NEW = 0
"""The key of a journey that is not stored yet."""


@dataclass(frozen=True)
class Stored:
    """A journey as it is stored; `entries` are its contacts and reports."""

    journey: Journey
    entries: Mapping[Fact, JourneyEntry]
    channels: Sequence[str]
    handovers: Sequence[Handover]


@dataclass(frozen=True)
class JourneyChange:
    """What becomes of one journey. `channels` is None where they did not change.

    What is lost is gone before anything is gained, so that a contact may move from one journey to another.
    """

    journey: Journey
    channels: Sequence[str] | None = None
    gained: Sequence[tuple[Fact, datetime]] = ()
    lost: Sequence[JourneyEntry] = ()
    passed: Sequence[Passage] = ()
    withdrawn: Sequence[Handover] = ()


@dataclass(frozen=True)
class Changes:
    """What one batch changes. `retired` are the keys of journeys that nothing is left of.

    `histories`: what happened to the reports that come onto a journey.
    """

    journeys: Sequence[JourneyChange] = ()
    retired: Sequence[int] = ()
    histories: Sequence[StatusLine] = ()


@dataclass(frozen=True)
class Judging:
    """What a journey's own row depends on besides its facts. `seal` gives a citizen's key of a BSN."""

    rules: Rules
    now: datetime
    seal: Callable[[str], str] = field(repr=False)

    def journey(self, trip: Trip, key: int) -> Journey:
        """The row of a journey."""
        state, closes_at, bsn = trip.state(self.now, self.rules), trip.closes_at(self.rules), trip.owner.bsn
        return Journey(
            key=key,
            state=state,
            opened_at=trip.opened_at,
            last_active_at=trip.last_active_at,
            closed_at=closes_at if state is JourneyState.CLOSED else None,
            closes_at=closes_at,
            citizen_key=None if bsn is None else self.seal(bsn),
        )


async def stored_with(facts: Iterable[Fact], bsns: Sequence[str], sources: Sources) -> list[Stored]:
    """Every journey that holds one of these facts, or is one of these citizens'."""
    contacts, reports = numbers_among(facts)
    pages = [
        *await sources.journeys.of_parents("contact", [str(number) for number in contacts], ALL, EVERYTHING),
        *await sources.journeys.of_parents("report", reports, ALL, EVERYTHING),
        *await sources.journeys.of_parents("citizen", bsns, ALL, EVERYTHING),
    ]
    found = {row.key: row for page in pages for row in page.rows}
    entries = await sources.journey_entries.of_parents("journey", list(found), ALL, EVERYTHING)
    channels = await sources.journey_channels.of_parents("journey", list(found), ALL, EVERYTHING)
    handovers = await sources.handovers.of_parents("journey", list(found), ALL, EVERYTHING)
    return [
        Stored(journey, _facts(on.rows), passed.rows, handed.rows)
        for journey, on, passed, handed in zip(found.values(), entries, channels, handovers, strict=True)
    ]


def changes_to(
    stored: Sequence[Stored], trips: Sequence[Trip], lines: Sequence[StatusLine], judging: Judging
) -> Changes:
    """From what is stored to what should be. The trips must cover all that the stored journeys hold."""
    matched = _matched(stored, trips)
    found = (_change(trip, matched.get(place), judging) for place, trip in enumerate(trips))
    changes = [change for change in found if change is not None]
    kept = {each.journey.key for each in matched.values()}
    gained = {fact for change in changes for fact, _ in change.gained}
    return Changes(
        changes,
        [each.journey.key for each in stored if each.journey.key not in kept],
        [line for line in lines if (EntryKind.REPORT, line.report) in gained],
    )


def _matched(stored: Sequence[Stored], trips: Sequence[Trip]) -> dict[int, Stored]:
    """The stored journey that each trip goes on with, by the trip's place: the one with most in common first."""
    places = {(entry.kind, entry.key): place for place, trip in enumerate(trips) for entry in trip.entries}
    common: dict[tuple[int, int], int] = {}
    for index, each in enumerate(stored):
        for fact in each.entries.keys() & places.keys():
            common[index, places[fact]] = common.get((index, places[fact]), 0) + 1
    ranked = sorted(common, key=lambda pair: (-common[pair], stored[pair[0]].journey.key, pair[1]))
    matched: dict[int, Stored] = {}
    taken: set[int] = set()
    for index, place in ranked:
        if index not in taken and place not in matched:
            matched[place] = stored[index]
            taken.add(index)
    return matched


def _change(trip: Trip, before: Stored | None, judging: Judging) -> JourneyChange | None:
    """What makes a stored journey into this one; None when nothing does."""
    wanted = {(entry.kind, entry.key): entry.at for entry in trip.entries}
    if before is None:
        return JourneyChange(judging.journey(trip, NEW), trip.channels, tuple(wanted.items()), (), tuple(trip.passages))
    stays = {fact for fact, entry in before.entries.items() if wanted.get(fact) == entry.at}
    passed, withdrawn = _handovers(trip, before)
    change = JourneyChange(
        journey=judging.journey(trip, before.journey.key),
        channels=None if trip.channels == list(before.channels) else trip.channels,
        gained=tuple((fact, at) for fact, at in wanted.items() if fact not in stays),
        lost=tuple(entry for fact, entry in before.entries.items() if fact not in stays),
        passed=passed,
        withdrawn=withdrawn,
    )
    return None if change == JourneyChange(before.journey) else change


def _handovers(trip: Trip, before: Stored) -> tuple[tuple[Passage, ...], tuple[Handover, ...]]:
    """Those that are new, and those that are not true any more."""
    there: dict[object, list[Handover]] = {}
    for each in before.handovers:
        there.setdefault((each.at, each.from_channel, each.to_channel, each.agent_key), []).append(each)
    passed: list[Passage] = []
    for passage in trip.passages:
        same = there.get((passage.at, passage.from_channel, passage.to_channel, passage.agent))
        if same:
            same.pop()
        else:
            passed.append(passage)
    return tuple(passed), tuple(each for left in there.values() for each in left)


def _facts(entries: Iterable[JourneyEntry]) -> dict[Fact, JourneyEntry]:
    return {(each.kind, each.entry_key): each for each in entries if each.kind is not EntryKind.HANDOVER}

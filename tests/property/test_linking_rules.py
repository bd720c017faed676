"""Journeys by the rules: each is one owner's, nothing is on two, and the order of telling does not matter."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sources.linking.rules import Happening, Owner, Rules, StatusLine, Trip, linked
from sources.records import EntryKind, ReportStatus

RULES = Rules(active_days=30, closed_days=20, starting_channels=frozenset({"APP", "BALIE"}))
START = datetime(2026, 1, 1, tzinfo=UTC)
OWNERS = [Owner(None, "a"), Owner(None, "b"), Owner(EntryKind.REPORT, "1")]
days = st.integers(0, 200).map(lambda number: START + timedelta(days=number))


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Happening], list[StatusLine]]:
    happenings: list[Happening] = []
    for index in range(draw(st.integers(1, 25))):
        kind = draw(st.sampled_from([EntryKind.CONTACT, EntryKind.REPORT]))
        owner, at = draw(st.sampled_from(OWNERS)), draw(days)
        if kind is EntryKind.REPORT:
            happenings.append(Happening(kind, str(index), at, owner))
            continue
        channel = draw(st.sampled_from(["APP", "BALIE", "X"]))
        report = draw(st.none() | st.integers(0, 25).map(str))
        happenings.append(Happening(kind, str(index), at, owner, report, channel))
    statuses = st.builds(StatusLine, st.integers(0, 25).map(str), days, st.sampled_from(ReportStatus))
    return happenings, draw(st.lists(statuses, max_size=10, unique_by=lambda line: (line.report, line.at)))


def told(trips: list[Trip]) -> list[object]:
    return sorted(([entry.key for entry in trip.entries], trip.last_active_at, trip.closes_at(RULES)) for trip in trips)


@given(histories(), st.integers())
def test_the_order_in_which_facts_are_told_does_not_matter(
    history: tuple[list[Happening], list[StatusLine]], seed: int
) -> None:
    happenings, lines = history
    expected = told(linked(happenings, lines, RULES))
    Random(seed).shuffle(happenings)
    Random(seed).shuffle(lines)
    assert told(linked(happenings, lines, RULES)) == expected


@given(histories())
def test_everything_is_on_one_journey_save_what_may_not_begin_one(
    history: tuple[list[Happening], list[StatusLine]],
) -> None:
    happenings, lines = history
    placed = [entry.key for trip in linked(happenings, lines, RULES) for entry in trip.entries]
    assert len(placed) == len(set(placed))
    left = [each for each in happenings if each.key not in placed]
    assert {each.channel for each in left} <= {"X"}


@given(histories())
def test_a_journey_is_one_owners_and_in_order_and_has_all_contacts_of_its_reports(
    history: tuple[list[Happening], list[StatusLine]],
) -> None:
    happenings, lines = history
    trips = linked(happenings, lines, RULES)
    for trip in trips:
        assert {entry.owner for entry in trip.entries} == {trip.owner}
        assert [entry.at for entry in trip.entries] == sorted(entry.at for entry in trip.entries)
        assert trip.last_active_at >= trip.entries[-1].at
        channels = [entry.channel for entry in trip.entries if entry.channel]
        assert len(trip.passages) == sum(before != after for before, after in pairwise(channels))
    place = {entry.key: number for number, trip in enumerate(trips) for entry in trip.entries}
    reports = {each.key: each for each in happenings if each.kind is EntryKind.REPORT}
    for each in happenings:
        if each.report in reports and reports[each.report].owner == each.owner:
            assert place[each.key] == place[each.report]

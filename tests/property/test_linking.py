"""Journeys by the rules: everything is on exactly one, and the order in which it is told does not matter."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sources.linking import Happening, Rules, linked
from sources.records import EntryKind

RULES = Rules(active_days=30)
START = datetime(2026, 1, 1, tzinfo=UTC)


@st.composite
def histories(draw: st.DrawFn) -> list[Happening]:
    moments = draw(st.lists(st.integers(0, 200), min_size=1, max_size=25, unique=True))
    history = []
    for index, day in enumerate(moments):
        kind = draw(st.sampled_from(list(EntryKind)[:2]))
        citizen = draw(st.sampled_from(["a", "b", None]))
        links = tuple(draw(st.lists(st.sampled_from([str(n) for n in range(len(moments))]), max_size=2)))
        at = START + timedelta(days=day)
        channel = draw(st.sampled_from(["APP", "BALIE"])) if kind is EntryKind.CONTACT else None
        history.append(Happening(kind, str(index), at, citizen, links, None, channel))
    return history


@given(histories(), st.randoms())
def test_every_happening_is_on_one_journey_whatever_the_order(history: list[Happening], random: object) -> None:
    trips = linked(history, (), RULES)
    assert sorted(entry.key for trip in trips for entry in trip.entries) == sorted(each.key for each in history)
    shuffled = list(history)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert [[entry.key for entry in trip.entries] for trip in linked(shuffled, (), RULES)] == [
        [entry.key for entry in trip.entries] for trip in trips
    ]


@given(histories())
def test_a_journey_is_one_citizens_and_in_order(history: list[Happening]) -> None:
    for trip in linked(history, (), RULES):
        assert {entry.citizen for entry in trip.entries} <= {trip.citizen, None}
        assert [entry.at for entry in trip.entries] == sorted(entry.at for entry in trip.entries)
        assert trip.last_active_at == trip.entries[-1].at
        channels = [entry.channel for entry in trip.entries if entry.channel]
        assert len(trip.passages) == sum(before != after for before, after in pairwise(channels))

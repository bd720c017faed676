"""What a journey is about, as its sources tell: the subject of its oldest contact or report that has one."""

from datetime import UTC, datetime, timedelta

import pytest

from resolvers.context import Context, Services
from resolvers.journeys import subjects
from sources.records import (
    Contact,
    Direction,
    EntryKind,
    Journey,
    JourneyEntry,
    JourneyState,
    Report,
    ReportKind,
    ReportStatus,
)
from sources.sealing import Sealer
from support.houses import AGENT
from support.memory_sources import Facts, memory_sources

SEALER = Sealer({1: b"k" * 64}, current=1)
START = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
TITLE = "R"
"""Stands for a report, whose title it is, in the order of a journey's entries; other texts stand for contacts."""


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], None),
        ([None, ""], None),
        (["first", "second"], "first"),
        ([None, "", "third", TITLE], "third"),
        ([TITLE, "later"], TITLE),
        ([None, TITLE, "later"], TITLE),
        ([None] * 9 + ["tenth", TITLE], "tenth"),
        ([None] * 10 + ["eleventh", TITLE], TITLE),
        ([None] * 10 + ["eleventh"], None),
    ],
)
async def test_the_subject_is_that_of_the_oldest_entry_that_has_one(
    entries: list[str | None], expected: str | None
) -> None:
    sources = memory_sources(journey_of(entries), SEALER)
    context = Context(services=Services(sources, SEALER, None), viewer=AGENT)  # type: ignore[arg-type]
    assert await subjects(await sources.journeys.by_ids([1, 1], context.scope), context) == [expected, expected]  # type: ignore[arg-type]


def journey_of(entries: list[str | None]) -> Facts:
    facts = Facts(journeys=[Journey(1, JourneyState.OPEN, START, START)])
    for key, subject in enumerate(entries, start=1):
        at = START + timedelta(days=key)
        if subject == TITLE:
            facts.reports.append(Report(TITLE, ReportKind.TIP, TITLE, ReportStatus.RECEIVED, "", at, at))
            facts.entries.append(JourneyEntry(key, 1, EntryKind.REPORT, TITLE, at))
        else:
            facts.contacts.append(Contact(key, Direction.INBOUND, at, subject=subject))
            facts.entries.append(JourneyEntry(key, 1, EntryKind.CONTACT, str(key), at))
    return facts

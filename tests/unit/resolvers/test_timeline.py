"""A timeline's page where some of what its sources keep cannot be read."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace as with_

from engine.batching import Partial
from resolvers.context import Context, Services
from resolvers.paging import Connection
from resolvers.timeline import timeline
from sources.errors import RecordMalformed
from sources.paging import Page, PageRequest
from sources.records import (
    Contact,
    Direction,
    EntryKind,
    Handover,
    Journey,
    JourneyEntry,
    JourneyState,
    Key,
    Report,
    ReportKind,
    ReportStatus,
    StatusChange,
)
from sources.scope import Scope
from subscriptions.hub import Hub
from support.back_ends import SEALER
from support.houses import AGENT
from support.memory_sources import Facts, memory_sources

START = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
UNREAD = 11
"""The key of the oldest contact, status change and handover of the first journey."""


class Watched:
    """A collection in which one record cannot be read. `asked`: the parents of each page, and how many of each."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.asked: list[tuple[Sequence[Key], int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def by_ids(self, ids: Sequence[Key], scope: Scope) -> Sequence[Any]:
        found = await self.inner.by_ids(ids, scope)
        return [self._error() if key == UNREAD else each for key, each in zip(ids, found, strict=True)]

    async def of_parents(
        self, link: str, parent_ids: Sequence[Key], page: PageRequest, scope: Scope, filter: Any = None
    ) -> Sequence[Page[Any]]:
        if page.limit is not None:
            self.asked.append((parent_ids, page.limit))
        pages = await self.inner.of_parents(link, parent_ids, page, scope, filter)
        return [self._read(each) for each in pages]

    def _read(self, page: Page[Any]) -> Page[Any]:
        read = [(row, place) for row, place in zip(page.rows, page.positions, strict=True) if row.key != UNREAD]
        if len(read) == len(page.rows):
            return page
        return with_(page, rows=[row for row, _ in read], positions=[at for _, at in read], malformed=[self._error()])

    def _error(self) -> RecordMalformed:
        return RecordMalformed(self.inner.source, "field")


async def test_only_a_journey_whose_page_is_short_is_looked_at_further() -> None:
    sources = memory_sources(two_journeys(), SEALER)
    contacts, entries = Watched(sources.contacts), Watched(sources.journey_entries)
    changes, handovers = Watched(sources.status_changes), Watched(sources.handovers)
    watched: Any = {
        "contacts": contacts,
        "journey_entries": entries,
        "status_changes": changes,
        "handovers": handovers,
    }
    context = Context(services=Services(replace(sources, **watched), SEALER, Hub({})), viewer=AGENT)
    journeys = await sources.journeys.by_ids([1, 2], context.scope)
    short, full = await timeline(journeys, context, page=PageRequest(limit=1))  # type: ignore[arg-type]
    assert entries.asked == [([1, 2], 2), ([1], 11)]
    assert changes.asked == [(["R1", "R2"], 1), (["R1"], 10)]
    assert handovers.asked == [([1, 2], 1), ([1], 10)]
    assert isinstance(full, Connection)
    assert [edge.node.key for edge in full.edges] == [21]
    assert isinstance(short, Partial)
    assert len(short.errors) == 3
    assert [edge.node.key for edge in short.value.edges] == [12]


def two_journeys() -> Facts:
    """Each with a report, and three contacts, status changes and handovers of the same three hours."""
    facts = Facts()
    for journey in (1, 2):
        number = f"R{journey}"
        facts.journeys.append(Journey(journey, JourneyState.OPEN, START, START))
        facts.reports.append(Report(number, ReportKind.TIP, "", ReportStatus.RECEIVED, "", START, START))
        facts.entries.append(JourneyEntry(100 * journey, journey, EntryKind.REPORT, number, START))
        for hour in (1, 2, 3):
            key, at = 10 * journey + hour, START + timedelta(hours=hour)
            facts.contacts.append(Contact(key, Direction.INBOUND, at))
            facts.entries.append(JourneyEntry(1000 + key, journey, EntryKind.CONTACT, str(key), at))
            facts.status_changes.append(StatusChange(key, number, ReportStatus.RECEIVED, "", at))
            facts.handovers.append(Handover(key, journey, at))
    return facts

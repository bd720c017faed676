"""Live updates: from changes in the sources' logs to events for one viewer.

Whether the viewer may see a change is decided anew for each, in a fresh context, from the source.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

from resolvers.context import Context
from resolvers.errors import CursorRejected, NotFound, SlowConsumer
from resolvers.ids import source_key
from resolvers.journeys import REPORTS, contact_key
from resolvers.paging import open_cursor, seal_cursor
from resolvers.reports import ReportBy, number_of
from resolvers.timeline import TimelineRecord
from sources.errors import SourceUnavailable
from sources.paging import ALL, PageRequest
from sources.ports import Collection
from sources.records import (
    Contact,
    Direction,
    EntryKind,
    Handover,
    JourneyEntry,
    Key,
    Report,
    ReportKind,
    ReportStatus,
    StatusChange,
)
from subscriptions.hub import Event, StreamOverflowed

KIND = "live"
RETRY_SECONDS = 0.5
"""How soon a change asks again for a source that is away."""

T = TypeVar("T")

_ONE = PageRequest(limit=1)

STATUSES, CONTACTS, ENTRIES = "statuses", "contacts", "entries"
"""The logs by name, as cursors and the hub know them."""


@dataclass(frozen=True)
class ReportWatch:
    status: tuple[ReportStatus, ...] | None = None
    kind: tuple[ReportKind, ...] | None = None
    unit: str | None = None


@dataclass(frozen=True)
class ContactWatch:
    channel: tuple[str, ...] | None = None
    direction: Direction | None = None
    unit: str | None = None


@dataclass(frozen=True)
class ReportStatusEvent:
    cursor: str
    change: StatusChange


@dataclass(frozen=True)
class ContactEvent:
    cursor: str
    contact_key: int


@dataclass(frozen=True)
class JourneyEvent:
    cursor: str
    journey_key: int
    entry: Contact | StatusChange | Handover


async def take_live_cursor(context: Context) -> None:
    """Remembers where the logs end, before the operation reads any source."""
    try:
        context.live_positions = await context.services.hub.ends()
    except Exception as error:
        context.live_positions = error


def live_cursor(roots: Sequence[None], context: Context) -> Sequence[str | Exception | None]:
    positions = context.live_positions
    if positions is None or isinstance(positions, Exception):
        return [positions] * len(roots)
    return [seal_cursor(context.sealer, KIND, positions)] * len(roots)


async def report_status_changed(
    context: Context, *, report: ReportBy, after: str | None = None
) -> AsyncIterator[ReportStatusEvent]:
    """Status changes of one report; NotFound when there is none that the viewer may see."""
    number = number_of(report, context)
    if number is None or not await _visible(context.sources.reports, number, context):
        raise NotFound("There is no such report.")
    async for event in _events(context, [STATUSES], after):
        change = cast(StatusChange, event.record)
        if change.report_number == number and await _visible_in_time(context.sources.reports, number, context):
            yield ReportStatusEvent(_cursor(context, event), change)


async def report_status_changes(
    context: Context, *, filter: ReportWatch | None = None, after: str | None = None
) -> AsyncIterator[ReportStatusEvent]:
    """Status changes of every report that the viewer may see and that matches before or after the change."""
    watch = filter or ReportWatch()
    async for event in _events(context, [STATUSES], after):
        change = cast(StatusChange, event.record)
        if not _status_matches(change, watch):
            continue
        report = await _visible_in_time(context.sources.reports, change.report_number, context)
        if report is not None and _report_matches(report, watch):
            yield ReportStatusEvent(_cursor(context, event), change)


async def contact_registered(
    context: Context, *, filter: ContactWatch | None = None, after: str | None = None
) -> AsyncIterator[ContactEvent]:
    """New contacts that the viewer may see and that match."""
    watch = filter or ContactWatch()
    async for event in _events(context, [CONTACTS], after):
        contact = cast(Contact, event.record)
        if _contact_matches(contact, watch) and await _visible_in_time(context.sources.contacts, contact.key, context):
            yield ContactEvent(_cursor(context, event), contact.key)


async def journey_updated(context: Context, *, id: str, after: str | None = None) -> AsyncIterator[JourneyEvent]:
    """New timeline entries of one journey; NotFound when there is none that the viewer may see."""
    found = source_key(id, context, only="Journey")
    if found is None or not await _visible(context.sources.journeys, found[1], context):
        raise NotFound("There is no such journey.")
    key = cast(int, found[1])
    async for event in _events(context, [STATUSES, ENTRIES], after):
        for entry in await _patiently(partial(_timeline_entries, event, key, context)):
            if await _visible_in_time(context.sources.journeys, key, context):
                yield JourneyEvent(_cursor(context, event), key, entry)


async def report_of_event(events: Sequence[ReportStatusEvent], context: Context) -> Sequence[object]:
    return await context.records(context.sources.reports, [event.change.report_number for event in events])


async def contact_of_event(events: Sequence[ContactEvent], context: Context) -> Sequence[object]:
    return await context.records(context.sources.contacts, [event.contact_key for event in events])


async def journey_of_event(events: Sequence[JourneyEvent], context: Context) -> Sequence[object]:
    return await context.records(context.sources.journeys, [event.journey_key for event in events])


async def _events(context: Context, logs: Sequence[str], after: str | None) -> AsyncIterator[Event]:
    start = _positions(context, logs, after)
    async with context.services.hub.follow(start) as events:
        try:
            async for event in events:
                yield event
        except StreamOverflowed as overflow:
            raise SlowConsumer(seal_cursor(context.sealer, KIND, overflow.positions)) from overflow


def _positions(context: Context, logs: Sequence[str], after: str | None) -> Mapping[str, int | None]:
    if after is None:
        return dict.fromkeys(logs)
    positions = open_cursor(context.sealer, KIND, after)
    if not isinstance(positions, dict) or not all(log in positions for log in logs):
        raise CursorRejected("after")
    return {log: cast(dict[str, int], positions)[log] for log in logs}


def _cursor(context: Context, event: Event) -> str:
    return seal_cursor(context.sealer, KIND, event.positions)


async def _visible(collection: Collection[Any, Any], key: Key, context: Context) -> Any:
    """The record, if the viewer may see it now; read anew, whatever was read before."""
    found = (await context.fresh().records(collection, [key]))[0]
    if isinstance(found, BaseException):
        raise found
    return found


async def _visible_in_time(collection: Collection[Any, Any], key: Key, context: Context) -> Any:
    """The record, if the viewer may see it, as soon as its source can tell."""
    return await _patiently(partial(_visible, collection, key, context))


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer of a source that may be away for a while: a change waits for it, and is never lost.

    The stream's queue fills meanwhile; that it is bounded is what ends a wait that takes too long.
    """
    while True:
        try:
            return await ask()
        except SourceUnavailable:
            await asyncio.sleep(RETRY_SECONDS)


def _status_matches(change: StatusChange, watch: ReportWatch) -> bool:
    return watch.status is None or change.status in watch.status or change.previous in watch.status


def _report_matches(report: Report, watch: ReportWatch) -> bool:
    return (watch.kind is None or report.kind in watch.kind) and (watch.unit is None or report.unit == watch.unit)


def _contact_matches(contact: Contact, watch: ContactWatch) -> bool:
    code = contact.channel.code if contact.channel else None
    unit = contact.handled_by.unit if contact.handled_by else None
    return (
        (watch.channel is None or code in watch.channel)
        and (watch.direction is None or contact.direction is watch.direction)
        and (watch.unit is None or unit == watch.unit)
    )


async def _timeline_entries(event: Event, journey_key: int, context: Context) -> Sequence[TimelineRecord]:
    """What an event adds to this journey's timeline; nothing when it is another's or not for the viewer."""
    if event.log == STATUSES:
        return await _status_change(event, journey_key, context)
    entry = cast(JourneyEntry, event.record)
    if entry.journey_key != journey_key:
        return []
    if entry.kind is EntryKind.REPORT:
        return await _passed_history(event, entry.entry_key, context)
    sources, number = context.sources, contact_key(entry)
    collection = sources.contacts if entry.kind is EntryKind.CONTACT else sources.handovers
    found = None if number is None else await _visible(collection, number, context)
    return [] if found is None else [found]


async def _status_change(event: Event, journey_key: int, context: Context) -> Sequence[StatusChange]:
    """A report's new status, if the stream has heard already that the report is on this journey."""
    change = cast(StatusChange, event.record)
    pages = await context.sources.journey_entries.of_parents(
        "key", [change.report_number], _ONE, context.scope, REPORTS
    )
    is_here = any(row.journey_key == journey_key and row.key <= event.positions[ENTRIES] for row in pages[0].rows)
    return [change] if is_here and await _visible(context.sources.reports, change.report_number, context) else []


async def _passed_history(event: Event, number: str, context: Context) -> Sequence[StatusChange]:
    """What happened to a report before it came onto the journey: the changes that the stream has passed over."""
    (page,) = await context.sources.status_changes.of_parents("report", [number], ALL, context.scope)
    return [change for change in page.rows if change.key <= event.positions[STATUSES]]

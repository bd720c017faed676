"""Live updates: from changes in the sources' logs to events for one viewer.

Whether the viewer may see a change is decided anew for each, in a fresh context, from the source.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar, cast

from resolvers.context import Context
from resolvers.errors import CursorExpired, NotFound, SlowConsumer
from resolvers.ids import source_key
from resolvers.live_cursors import StreamKind, sealed_for_every_field
from resolvers.reports import ReportBy, number_of
from resolvers.timeline import TimelineRecord
from sources.errors import MarkExpired, SourceUnavailable
from sources.ports import Collection
from sources.records import (
    Contact,
    Direction,
    Handover,
    JourneyNews,
    Key,
    NewsKind,
    Report,
    ReportKind,
    ReportStatus,
    StatusChange,
)
from subscriptions.hub import Event, StreamOverflowed

RETRY_SECONDS = 0.5
"""How soon a change asks again for a source that is away."""

T = TypeVar("T")

STATUSES, CONTACTS, JOURNEYS = "statuses", "contacts", "journeys"
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
        context.live_standing = await context.services.hub.standing()
    except Exception as error:
        context.live_standing = error


def live_cursor(roots: Sequence[None], context: Context) -> Sequence[str | Exception | None]:
    standing = context.live_standing
    if standing is None or isinstance(standing, Exception):
        return [standing] * len(roots)
    return [sealed_for_every_field(context.sealer, standing)] * len(roots)


async def report_status_changed(
    context: Context, *, report: ReportBy, after: str | None = None
) -> AsyncIterator[ReportStatusEvent]:
    """Status changes of one report; NotFound when there is none that the viewer may see."""
    number = number_of(report, context)
    if number is None or not await _visible(context.sources.reports, number, context):
        raise NotFound("There is no such report.")
    async for event, cursor in _events(context, StreamKind("reportStatusChanged", STATUSES, number), after):
        change = cast(StatusChange, event.record)
        if change.report_number == number and await _visible_in_time(context.sources.reports, number, context):
            yield ReportStatusEvent(cursor(), change)


async def report_status_changes(
    context: Context, *, filter: ReportWatch | None = None, after: str | None = None
) -> AsyncIterator[ReportStatusEvent]:
    """Status changes of every report that the viewer may see and that matches before or after the change."""
    watch = filter or ReportWatch()
    async for event, cursor in _events(context, StreamKind("reportStatusChanges", STATUSES), after):
        change = cast(StatusChange, event.record)
        if not _status_matches(change, watch):
            continue
        report = await _visible_in_time(context.sources.reports, change.report_number, context)
        if report is not None and _report_matches(report, watch):
            yield ReportStatusEvent(cursor(), change)


async def contact_registered(
    context: Context, *, filter: ContactWatch | None = None, after: str | None = None
) -> AsyncIterator[ContactEvent]:
    """New contacts that the viewer may see and that match."""
    watch = filter or ContactWatch()
    async for event, cursor in _events(context, StreamKind("contactRegistered", CONTACTS), after):
        contact = cast(Contact, event.record)
        if _contact_matches(contact, watch) and await _visible_in_time(context.sources.contacts, contact.key, context):
            yield ContactEvent(cursor(), contact.key)


async def journey_updated(context: Context, *, id: str, after: str | None = None) -> AsyncIterator[JourneyEvent]:
    """What happens on one journey, as the linker tells it; NotFound when there is none that the viewer may see."""
    found = source_key(id, context, only="Journey")
    if found is None or not await _visible(context.sources.journeys, found[1], context):
        raise NotFound("There is no such journey.")
    key = cast(int, found[1])
    async for event, cursor in _events(context, StreamKind("journeyUpdated", JOURNEYS, key), after):
        news = cast(JourneyNews, event.record)
        if news.journey_key == key and await _visible_in_time(context.sources.journeys, key, context):
            entry = await _patiently(partial(_told, news, context))
            if entry is not None:
                yield JourneyEvent(cursor(), key, entry)


async def report_of_event(events: Sequence[ReportStatusEvent], context: Context) -> Sequence[object]:
    return await context.records(context.sources.reports, [event.change.report_number for event in events])


async def contact_of_event(events: Sequence[ContactEvent], context: Context) -> Sequence[object]:
    return await context.records(context.sources.contacts, [event.contact_key for event in events])


async def journey_of_event(events: Sequence[JourneyEvent], context: Context) -> Sequence[object]:
    return await context.records(context.sources.journeys, [event.journey_key for event in events])


async def _events(
    context: Context, kind: StreamKind, after: str | None
) -> AsyncIterator[tuple[Event, Callable[[], str]]]:
    """Each event, and what makes the cursor after it. What an answer has shown before `after` does not come again."""
    standing = kind.opened(context.sealer, after)
    try:
        async with context.services.hub.follow(standing.positions) as events:
            async for event in events:
                was_shown, standing = standing.has_shown(event), standing.after(event)
                if not was_shown:
                    yield event, partial(kind.sealed, context.sealer, standing)
    except StreamOverflowed as overflow:
        raise SlowConsumer(kind.sealed(context.sealer, replace(standing, positions=overflow.positions))) from overflow
    except MarkExpired as error:
        raise CursorExpired from error


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


async def _told(news: JourneyNews, context: Context) -> TimelineRecord | None:
    """What the news is of, unless it is gone or not for the viewer."""
    sources = context.sources
    if news.kind is not NewsKind.STATUS_CHANGE:
        collection = sources.contacts if news.kind is NewsKind.CONTACT else sources.handovers
        return await _visible(collection, news.news_key, context)
    change: StatusChange | None = await _visible(sources.status_changes, news.news_key, context)
    is_seen = change is not None and await _visible(sources.reports, change.report_number, context)
    return change if is_seen else None

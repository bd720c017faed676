"""What changes in the sources' logs are to the streams of one viewer.

Whether the viewer may see a change is decided anew for each, in a fresh context, from the source. The functions for
each log take changes, each with what a stream follows, and give in the same order an event, None where the stream gets
nothing, or an exception that ends it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from resolvers.context import Context
from resolvers.live_cursors import StreamKind
from sources.errors import RecordMalformed, SourceUnavailable
from sources.ports import Collection, Place
from sources.records import (
    Contact,
    Direction,
    Handover,
    Journey,
    JourneyNews,
    Key,
    NewsKind,
    Report,
    ReportKind,
    ReportStatus,
    StatusChange,
)
from subscriptions.hub import Event, Standing

RETRY_SECONDS = 0.5
"""How soon a change asks again for a source that is away."""

STATUSES, CONTACTS, JOURNEYS = "statuses", "contacts", "journeys"
"""The logs by name, as cursors and the hub know them."""

EVERY_STATUS = StreamKind("reportStatusChanges", STATUSES)
EVERY_CONTACT = StreamKind("contactRegistered", CONTACTS)


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
    place: Place
    change: StatusChange


@dataclass(frozen=True)
class ContactEvent:
    cursor: str
    place: Place
    contact_key: int


@dataclass(frozen=True)
class JourneyEvent:
    cursor: str
    place: Place
    journey_key: int
    entry: Contact | StatusChange | Handover


async def status_events(asked: Sequence[tuple[Event, str]], context: Context) -> Sequence[Any]:
    """What changes are to streams that each follow one report."""
    found = await _seen(STATUSES, context.sources.reports, [number for _, number in asked], context)
    return [
        _status_event(StreamKind("reportStatusChanged", STATUSES, number), event, context)
        if isinstance(report, Report)
        else report
        for (event, number), report in zip(asked, found, strict=True)
    ]


async def matching_status_events(asked: Sequence[tuple[Event, ReportWatch]], context: Context) -> Sequence[Any]:
    """What changes are to streams that each watch some reports."""
    keys = [event.record.report_number if _status_matches(event.record, watch) else None for event, watch in asked]
    found = await _seen(STATUSES, context.sources.reports, keys, context)
    return [
        _matching(report, watch, event, context) if isinstance(report, Report) else report
        for (event, watch), report in zip(asked, found, strict=True)
    ]


def _matching(report: Report, watch: ReportWatch, event: Event, context: Context) -> ReportStatusEvent | None:
    if not _report_matches(report, watch):
        return None
    return _status_event(EVERY_STATUS, event, context)


def _status_event(kind: StreamKind, event: Event, context: Context) -> ReportStatusEvent:
    return ReportStatusEvent(_cursor(kind, event, context), event.place, event.record)


async def matching_contact_events(asked: Sequence[tuple[Event, ContactWatch]], context: Context) -> Sequence[Any]:
    """What new contacts are to streams that each watch some."""
    keys = [event.record.key if _contact_matches(event.record, watch) else None for event, watch in asked]
    found = await _seen(CONTACTS, context.sources.contacts, keys, context)
    return [
        ContactEvent(_cursor(EVERY_CONTACT, event, context), event.place, contact.key)
        if isinstance(contact, Contact)
        else contact
        for (event, _), contact in zip(asked, found, strict=True)
    ]


async def journey_events(asked: Sequence[tuple[Event, int]], context: Context) -> Sequence[Any]:
    """What news is to streams that each follow one journey."""
    found = await _seen(JOURNEYS, context.sources.journeys, [key for _, key in asked], context)
    entries = await asyncio.gather(
        *(
            _told(event.record, context) if isinstance(journey, Journey) else _itself(journey)
            for (event, _), journey in zip(asked, found, strict=True)
        )
    )
    return [
        entry
        if entry is None or isinstance(entry, Exception)
        else JourneyEvent(_cursor(StreamKind("journeyUpdated", JOURNEYS, key), event, context), event.place, key, entry)
        for (event, key), entry in zip(asked, entries, strict=True)
    ]


def _cursor(kind: StreamKind, event: Event, context: Context) -> str:
    return kind.sealed(context.sealer, Standing(event.positions))


async def _itself(found: Any) -> Any:
    return found


async def visible(collection: Collection[Any, Any], key: Key, context: Context) -> Any:
    """The record, if the viewer may see it now; read anew, whatever was read before."""
    found = (await context.fresh().records(collection, [key]))[0]
    if isinstance(found, BaseException):
        raise found
    return found


async def _seen(
    log: str, collection: Collection[Any, Any], keys: Sequence[Key | None], context: Context
) -> Sequence[Any]:
    """The records that the viewer may see, as soon as their source can tell: a change waits for it, and is never lost.

    They stay in the context, so that the answer shows the same ones. Later changes wait meanwhile, in queues that are
    bounded: a stream whose queue is full ends. A record that cannot be read is reported and counts as absent: as an
    error it would end every stream at this change, and again whenever one resumes.
    """
    while True:
        found = await context.records(collection, keys)
        away = next((each for each in found if isinstance(each, SourceUnavailable)), None)
        if away is None:
            return _readable(log, found, context)
        context.services.hub.report_wait(log, away)
        await asyncio.sleep(RETRY_SECONDS)
        context.fetching.pop(id(collection), None)


def _readable(log: str, found: Sequence[Any], context: Context) -> Sequence[Any]:
    """What was found, with nothing in the place of what cannot be read, which is reported."""
    for malformed in {each for each in found if isinstance(each, RecordMalformed)}:
        context.services.hub.report(log, malformed)
    return [None if isinstance(each, RecordMalformed) else each for each in found]


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


async def _told(news: JourneyNews, context: Context) -> Any:
    """What the news is of; None where it is gone or not for the viewer, and the failure where its source has one."""
    sources = context.sources
    if news.kind is not NewsKind.STATUS_CHANGE:
        collection = sources.contacts if news.kind is NewsKind.CONTACT else sources.handovers
        return (await _seen(JOURNEYS, collection, [news.news_key], context))[0]
    (change,) = await _seen(JOURNEYS, sources.status_changes, [news.news_key], context)
    if not isinstance(change, StatusChange):
        return change
    (report,) = await _seen(JOURNEYS, sources.reports, [change.report_number], context)
    return change if isinstance(report, Report) else report

"""Live updates: from changes in the sources' logs to events for one viewer.

Whether the viewer may see a change is decided anew for each, in a fresh context, from the source.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Any, cast

from resolvers.context import Context
from resolvers.errors import CursorExpired, NotFound, SlowConsumer
from resolvers.ids import source_key
from resolvers.live_cursors import StreamKind, sealed_for_every_field
from resolvers.reports import ReportBy, number_of
from sources.errors import MarkExpired, RecordMalformed, SourceUnavailable
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
from subscriptions.hub import Event, Standing, StreamOverflowed
from subscriptions.sharing import Following

RETRY_SECONDS = 0.5
"""How soon a change asks again for a source that is away."""

_NUMBER, _JOURNEY = attrgetter("report_number"), attrgetter("journey_key")

STATUSES, CONTACTS, JOURNEYS = "statuses", "contacts", "journeys"
"""The logs by name, as cursors and the hub know them."""

_STATUS_CHANGES = StreamKind("reportStatusChanges", STATUSES)
_CONTACTS = StreamKind("contactRegistered", CONTACTS)


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
    following = Following(STATUSES, number, _status_events, subject_of=_NUMBER)
    async for event in _events(context, StreamKind("reportStatusChanged", STATUSES, number), following, after):
        yield event


async def report_status_changes(
    context: Context, *, filter: ReportWatch | None = None, after: str | None = None
) -> AsyncIterator[ReportStatusEvent]:
    """Status changes of every report that the viewer may see and that matches before or after the change."""
    following = Following(STATUSES, filter or ReportWatch(), _matching_status_events)
    async for event in _events(context, _STATUS_CHANGES, following, after):
        yield event


async def contact_registered(
    context: Context, *, filter: ContactWatch | None = None, after: str | None = None
) -> AsyncIterator[ContactEvent]:
    """New contacts that the viewer may see and that match."""
    following = Following(CONTACTS, filter or ContactWatch(), _matching_contact_events)
    async for event in _events(context, _CONTACTS, following, after):
        yield event


async def journey_updated(context: Context, *, id: str, after: str | None = None) -> AsyncIterator[JourneyEvent]:
    """What happens on one journey, as the linker tells it; NotFound when there is none that the viewer may see."""
    found = source_key(id, context, only="Journey")
    if found is None or not await _visible(context.sources.journeys, found[1], context):
        raise NotFound("There is no such journey.")
    key = cast("int", found[1])
    following = Following(JOURNEYS, key, _journey_events, subject_of=_JOURNEY)
    async for event in _events(context, StreamKind("journeyUpdated", JOURNEYS, key), following, after):
        yield event


async def report_of_event(events: Sequence[ReportStatusEvent], context: Context) -> Sequence[object]:
    return await context.records(context.sources.reports, [event.change.report_number for event in events])


async def contact_of_event(events: Sequence[ContactEvent], context: Context) -> Sequence[object]:
    return await context.records(context.sources.contacts, [event.contact_key for event in events])


async def journey_of_event(events: Sequence[JourneyEvent], context: Context) -> Sequence[object]:
    return await context.records(context.sources.journeys, [event.journey_key for event in events])


async def _events(context: Context, kind: StreamKind, following: Following, after: str | None) -> AsyncIterator[Any]:
    """What a stream gets alone: everything, or what it missed, where it goes on in a group afterwards.

    What an answer has shown before `after`, and comes yet, is for this stream not to be told: it waits for that alone.
    """
    standing, membership, is_member = kind.opened(context.sealer, after), context.membership, False
    while True:
        if membership is not None and not is_member and not standing.shown_is_left:
            with _expiry():
                await membership.join(following, partial(_reach, context, kind, standing, after))
            is_member = True
            if after is None:
                return
        async with aclosing(_followed(context, kind, standing, until_now=is_member)) as events:
            async for event in events:
                was_shown, standing = standing.has_shown(event), standing.after(event)
                found = None if was_shown else await _found(following, event, context)
                if found is not None:
                    yield replace(found, cursor=kind.sealed(context.sealer, standing))
                if membership is not None and not (is_member or standing.shown_is_left):
                    break
            else:
                if membership is None or not is_member or membership.has_caught_up():
                    return


async def _reach(context: Context, kind: StreamKind, standing: Standing, after: str | None) -> str:
    """Has the log read to where the stream stands, for whoever follows it. Gives the cursor of that place."""
    hub = context.services.hub
    if after is None:
        return kind.sealed(context.sealer, Standing({kind.log: hub.mark(kind.log)}))
    async with hub.follow(standing.positions, until_now=True):
        return after


async def _followed(
    context: Context, kind: StreamKind, standing: Standing, *, until_now: bool
) -> AsyncGenerator[Event]:
    with _expiry():
        try:
            async with context.services.hub.follow(standing.positions, until_now=until_now) as events:
                async for event in events:
                    yield event
        except StreamOverflowed as overflow:
            cursor = kind.sealed(context.sealer, replace(standing, positions=overflow.positions))
            raise SlowConsumer(cursor) from overflow


@contextmanager
def _expiry() -> Generator[None]:
    """A position that a log can no longer honour is, to the client, its cursor."""
    try:
        yield
    except MarkExpired as error:
        raise CursorExpired from error


async def _found(following: Following, event: Event, context: Context) -> Any:
    """What one change is to one stream."""
    if following.subject_of is not None and following.subject_of(event.record) != following.subject:
        return None
    (found,) = await following.events([(event, following.subject)], context.fresh())
    if isinstance(found, Exception):
        raise found
    return found


async def _status_events(asked: Sequence[tuple[Event, str]], context: Context) -> Sequence[Any]:
    """What changes are to streams that each follow one report."""
    found = await _seen(STATUSES, context.sources.reports, [number for _, number in asked], context)
    return [
        _status_event(StreamKind("reportStatusChanged", STATUSES, number), event, context)
        if isinstance(report, Report)
        else report
        for (event, number), report in zip(asked, found, strict=True)
    ]


async def _matching_status_events(asked: Sequence[tuple[Event, ReportWatch]], context: Context) -> Sequence[Any]:
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
    return _status_event(_STATUS_CHANGES, event, context)


def _status_event(kind: StreamKind, event: Event, context: Context) -> ReportStatusEvent:
    return ReportStatusEvent(_cursor(kind, event, context), event.place, event.record)


async def _matching_contact_events(asked: Sequence[tuple[Event, ContactWatch]], context: Context) -> Sequence[Any]:
    """What new contacts are to streams that each watch some."""
    keys = [event.record.key if _contact_matches(event.record, watch) else None for event, watch in asked]
    found = await _seen(CONTACTS, context.sources.contacts, keys, context)
    return [
        ContactEvent(_cursor(_CONTACTS, event, context), event.place, contact.key)
        if isinstance(contact, Contact)
        else contact
        for (event, _), contact in zip(asked, found, strict=True)
    ]


async def _journey_events(asked: Sequence[tuple[Event, int]], context: Context) -> Sequence[Any]:
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


async def _visible(collection: Collection[Any, Any], key: Key, context: Context) -> Any:
    """The record, if the viewer may see it now; read anew, whatever was read before."""
    found = (await context.fresh().records(collection, [key]))[0]
    if isinstance(found, BaseException):
        raise found
    return found


async def _seen(
    log: str, collection: Collection[Any, Any], keys: Sequence[Key | None], context: Context
) -> Sequence[Any]:
    """The records that the viewer may see, as soon as their source can tell: a change waits for it, and is never lost.

    The answer shows the same ones. What comes meanwhile waits; that it is bounded is what ends a wait that takes too
    long. One that cannot be read is reported, and is absent: it would end the stream of everybody for good, as no
    cursor comes past it.
    """
    while True:
        found = await context.records(collection, keys)
        if not any(isinstance(each, SourceUnavailable) for each in found):
            return _readable(log, found, context)
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

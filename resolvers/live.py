"""Live updates: a subscription's stream, from where its cursor stands or from now on, alone or in a group."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any, cast

from resolvers.context import Context
from resolvers.errors import CursorExpired, NotFound, SlowConsumer
from resolvers.ids import source_key
from resolvers.live_cursors import StreamKind, sealed_for_every_field
from resolvers.live_events import (
    CONTACTS,
    EVERY_CONTACT,
    EVERY_STATUS,
    JOURNEYS,
    STATUSES,
    ContactEvent,
    ContactWatch,
    JourneyEvent,
    ReportStatusEvent,
    ReportWatch,
    journey_events,
    matching_contact_events,
    matching_status_events,
    status_events,
    visible,
)
from resolvers.reports import ReportBy, number_of
from sources.errors import MarkExpired
from subscriptions.hub import Event, Standing, StreamOverflowed
from subscriptions.sharing import Following

MOST_TOGETHER = 100
"""Changes that a stream alone looks at together. Those behind the first wait until the client has taken it, and are
what they were then: the fewer, the less old.
"""

CHANGE_POINTS = 5
"""What a change costs a stream that looks at it alone: some 25 microseconds, whoever and whatever it is about."""

_NUMBER, _JOURNEY = attrgetter("report_number"), attrgetter("journey_key")


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
    if number is None or not await visible(context.sources.reports, number, context):
        raise NotFound("There is no such report.")
    following = Following(STATUSES, number, status_events, subject_of=_NUMBER)
    async for event in _events(context, StreamKind("reportStatusChanged", STATUSES, number), following, after):
        yield event


async def report_status_changes(
    context: Context, *, filter: ReportWatch | None = None, after: str | None = None
) -> AsyncIterator[ReportStatusEvent]:
    """Status changes of every report that the viewer may see and that matches before or after the change."""
    following = Following(STATUSES, filter or ReportWatch(), matching_status_events)
    async for event in _events(context, EVERY_STATUS, following, after):
        yield event


async def contact_registered(
    context: Context, *, filter: ContactWatch | None = None, after: str | None = None
) -> AsyncIterator[ContactEvent]:
    """New contacts that the viewer may see and that match."""
    following = Following(CONTACTS, filter or ContactWatch(), matching_contact_events)
    async for event in _events(context, EVERY_CONTACT, following, after):
        yield event


async def journey_updated(context: Context, *, id: str, after: str | None = None) -> AsyncIterator[JourneyEvent]:
    """What happens on one journey, as the linker tells it; NotFound when there is none that the viewer may see."""
    found = source_key(id, context, only="Journey")
    if found is None or not await visible(context.sources.journeys, found[1], context):
        raise NotFound("There is no such journey.")
    key = cast("int", found[1])
    following = Following(JOURNEYS, key, journey_events, subject_of=_JOURNEY)
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
        followed = _followed(context, kind, standing, until_now=is_member)
        async with aclosing(followed), aclosing(_found(following, followed, context)) as events:
            async for event, looked_at in events:
                found, standing = None if standing.has_shown(event) else looked_at, standing.after(event)
                if isinstance(found, Exception):
                    raise found
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
    # Rows that were shown already are waited for whatever they are about.
    subject = None if standing.shown_is_left else kind.subject
    hub = context.services.hub
    with _expiry():
        try:
            async with hub.follow(standing.positions, until_now=until_now, subject=subject) as events:
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


async def _found(
    following: Following, events: AsyncIterator[Event], context: Context
) -> AsyncGenerator[tuple[Event, Any]]:
    """Each change with what it is to one stream. Those that are there at the same time are looked at together."""
    together: list[Event] = []
    async for event in events:
        together.append(event)
        if not event.more or len(together) == MOST_TOGETHER:
            for each in zip(together, await _each_found(following, together, context), strict=True):
                yield each
            together = []


async def _each_found(following: Following, events: Sequence[Event], context: Context) -> Sequence[Any]:
    subject, subject_of = following.subject, following.subject_of
    wanted = [event for event in events if subject_of is None or subject_of(event.record) == subject]
    await context.services.pay(context, CHANGE_POINTS * len(events))
    if not wanted:
        return [None] * len(events)
    found = await following.events([(event, subject) for event in wanted], context.fresh())
    of_event = dict(zip(map(id, wanted), found, strict=True))
    return [of_event.get(id(event)) for event in events]

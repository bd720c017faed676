"""Live updates: what may be subscribed to, and what hangs on its events."""

from collections.abc import AsyncIterator, Sequence
from operator import attrgetter
from typing import cast

from resolvers.context import Context
from resolvers.errors import NotFound
from resolvers.ids import key_of
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
from resolvers.live_streams import events_of
from resolvers.reports import ReportBy, number_of
from subscriptions.sharing import Following

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
    async for event in events_of(context, StreamKind("reportStatusChanged", STATUSES, number), following, after):
        yield event


async def report_status_changes(
    context: Context, *, filter: ReportWatch | None = None, after: str | None = None
) -> AsyncIterator[ReportStatusEvent]:
    """Status changes of every report that the viewer may see and that matches before or after the change."""
    following = Following(STATUSES, filter or ReportWatch(), matching_status_events)
    async for event in events_of(context, EVERY_STATUS, following, after):
        yield event


async def contact_registered(
    context: Context, *, filter: ContactWatch | None = None, after: str | None = None
) -> AsyncIterator[ContactEvent]:
    """New contacts that the viewer may see and that match."""
    following = Following(CONTACTS, filter or ContactWatch(), matching_contact_events)
    async for event in events_of(context, EVERY_CONTACT, following, after):
        yield event


async def journey_updated(context: Context, *, id: str, after: str | None = None) -> AsyncIterator[JourneyEvent]:
    """What happens on one journey, as the linker tells it; NotFound when there is none that the viewer may see."""
    key = cast("int | None", key_of(id, context, "Journey"))
    if key is None or not await visible(context.sources.journeys, key, context):
        raise NotFound("There is no such journey.")
    following = Following(JOURNEYS, key, journey_events, subject_of=_JOURNEY)
    async for event in events_of(context, StreamKind("journeyUpdated", JOURNEYS, key), following, after):
        yield event


async def report_of_event(events: Sequence[ReportStatusEvent], context: Context) -> Sequence[object]:
    return await context.records(context.sources.reports, [event.change.report_number for event in events])


async def contact_of_event(events: Sequence[ContactEvent], context: Context) -> Sequence[object]:
    return await context.records(context.sources.contacts, [event.contact_key for event in events])


async def journey_of_event(events: Sequence[JourneyEvent], context: Context) -> Sequence[object]:
    return await context.records(context.sources.journeys, [event.journey_key for event in events])

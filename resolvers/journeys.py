"""Journeys, their entries kept elsewhere, and their handovers."""

import asyncio
from collections.abc import Sequence
from operator import itemgetter
from typing import TypeVar

from engine.batching import Partial
from resolvers.context import Context
from resolvers.following import Reached, Route, nearest
from resolvers.ids import key_of
from resolvers.paging import Connection, followed, root_connection
from resolvers.records import alone
from sources.errors import RecordMalformed
from sources.filters import EntryFilter, JourneyFilter
from sources.paging import ALL, Page, PageRequest, Position
from sources.ports import Sources
from sources.records import (
    Channel,
    Contact,
    EntryKind,
    Handover,
    Journey,
    JourneyEntry,
    Key,
    Report,
)
from sources.sealing import bsn_of

R = TypeVar("R")

CONTACTS = EntryFilter((EntryKind.CONTACT.value,))
REPORTS = EntryFilter((EntryKind.REPORT.value,))
_NEWEST = PageRequest(limit=1)
_OLDEST_CONTACTS = PageRequest(limit=10, backwards=True)
_OLDEST_REPORT = PageRequest(limit=1, backwards=True)


async def journey(roots: Sequence[None], context: Context, *, id: str) -> Sequence[object]:
    return await alone(context, context.sources.journeys, key_of(id, context, "Journey"), len(roots))


async def journeys(
    roots: Sequence[None], context: Context, *, page: PageRequest, filter: JourneyFilter | None = None
) -> Sequence[Connection[Journey] | Partial[Connection[Journey]]]:
    """Journeys, last active first."""
    found = await root_connection("Journey", context.sources.journeys, context, page, filter)
    return [found] * len(roots)


async def journeys_of(link: str, keys: Sequence[str], context: Context) -> Sequence[Journey | Exception | None]:
    """The journey that each contact or report belongs to; None while it is in none."""
    pages = await context.sources.journeys.of_parents(link, keys, _NEWEST, context.scope)
    return [_only(page) for page in pages]


async def subjects(
    journeys: Sequence[Journey], context: Context
) -> Sequence[str | Partial[str | None] | Exception | None]:
    """The subject of the oldest entry of each journey that has one, of those that the viewer may see.

    Looks at the ten oldest contacts and the oldest report, which always has a title.
    """
    sources, keys = context.sources, _keys(journeys)
    contacts, reports = await asyncio.gather(
        nearest(to_contacts(sources), keys, _OLDEST_CONTACTS, context),
        nearest(to_reports(sources), keys, _OLDEST_REPORT, context),
    )
    return [_subject(*of_journey) for of_journey in zip(contacts, reports, strict=True)]


async def citizen(journeys: Sequence[Journey], context: Context) -> Sequence[object]:
    """The citizen of each journey; None while the citizen is unknown."""
    bsns = [None if each.citizen_key is None else bsn_of(context.sealer, each.citizen_key) for each in journeys]
    return await context.records(context.sources.citizens, bsns)


async def channels(journeys: Sequence[Journey], context: Context) -> Sequence[Sequence[Channel] | Exception]:
    """The channels that each journey has passed, in order of first use."""
    pages = await context.sources.journey_channels.of_parents("journey", _keys(journeys), ALL, context.scope)
    found = iter(await context.records(context.sources.channels, [code for page in pages for code in page.rows]))
    return [_all_or_failure([next(found) for _ in page.rows]) for page in pages]


async def contacts(
    journeys: Sequence[Journey], context: Context, *, page: PageRequest
) -> Sequence[Connection[Contact] | Partial[Connection[Contact]] | BaseException]:
    """The contacts of each journey, newest first."""
    return await followed("JourneyContact", to_contacts(context.sources), _keys(journeys), context, page)


async def reports(
    journeys: Sequence[Journey], context: Context, *, page: PageRequest
) -> Sequence[Connection[Report] | Partial[Connection[Report]] | BaseException]:
    """The reports of each journey, newest first."""
    return await followed("JourneyReport", to_reports(context.sources), _keys(journeys), context, page)


async def channel_handed_from(handovers: Sequence[Handover], context: Context) -> Sequence[object]:
    return await context.records(context.sources.channels, [handover.from_channel for handover in handovers])


async def channel_handed_to(handovers: Sequence[Handover], context: Context) -> Sequence[object]:
    return await context.records(context.sources.channels, [handover.to_channel for handover in handovers])


async def agent_of_handover(handovers: Sequence[Handover], context: Context) -> Sequence[object]:
    return await context.records(context.sources.agents, [handover.agent_key for handover in handovers])


def to_contacts(sources: Sources) -> Route[JourneyEntry, Contact]:
    """From a journey to its contacts, newest first."""
    return Route(sources.journey_entries, "journey", sources.contacts, contact_key, CONTACTS)


def to_reports(sources: Sources) -> Route[JourneyEntry, Report]:
    """From a journey to its reports, newest first."""
    return Route(sources.journey_entries, "journey", sources.reports, lambda entry: entry.entry_key, REPORTS)


def contact_key(entry: JourneyEntry) -> Key | None:
    """The contact's number in an entry; None for one that no servicemodule could have given."""
    return int(entry.entry_key) if entry.entry_key.isascii() and entry.entry_key.isdigit() else None


def _subject(
    contacts: Reached[JourneyEntry, Contact] | Exception, reports: Reached[JourneyEntry, Report] | Exception
) -> str | Partial[str | None] | Exception | None:
    """The failure where a source does not answer; an error besides for each older entry that cannot be read."""
    if isinstance(contacts, Exception):
        return contacts
    if isinstance(reports, Exception):
        return reports
    errors: list[RecordMalformed] = []
    subject: str | None = None
    for _, found in sorted((*_placed(contacts.page), *_placed(reports.page)), key=itemgetter(0)):
        if isinstance(found, RecordMalformed):
            errors.append(found)
            continue
        subject = (found.subject if isinstance(found, Contact) else found.title) or None
        if subject is not None:
            break
    return Partial(subject, errors) if errors else subject


def _placed(page: Page[R]) -> Sequence[tuple[Position, R | RecordMalformed]]:
    return [*zip(page.positions, page.rows, strict=True), *page.unread]


def _keys(journeys: Sequence[Journey]) -> Sequence[int]:
    return [journey.key for journey in journeys]


def _all_or_failure(found: Sequence[Channel | BaseException | None]) -> Sequence[Channel] | Exception:
    failure = next((each for each in found if isinstance(each, Exception)), None)
    return failure or [each for each in found if isinstance(each, Channel)]


def _only(page: Page[Journey]) -> Journey | Exception | None:
    if page.malformed:
        return page.malformed[0]
    return page.rows[0] if page.rows else None

"""A journey's timeline: contacts, status changes and handovers of several sources, merged into one order.

Oldest first by (instant, name of the source, serial in the source). Each source is asked for one batched page;
one that does not answer leaves the others' entries, an error, and its name.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

from engine.batching import Partial
from resolvers.context import Context
from resolvers.following import FURTHER, Reached, counts, nearest
from resolvers.journeys import REPORTS, to_contacts
from resolvers.paging import Connection, Edge, PageInfo, Total
from sources.errors import SourceError
from sources.paging import ALL, Page, PageRequest, Position
from sources.records import Contact, Handover, Journey, JourneyEntry, Key, StatusChange

K = TypeVar("K")

KIND = "Timeline"

TimelineRecord = Contact | StatusChange | Handover

_BEFORE_ANY_SERIAL, _AFTER_ANY_SERIAL = -1, 2**63 - 1


@dataclass(frozen=True)
class Entry:
    """A record and its place: ISO 8601 instant in UTC, name of the source, serial there."""

    place: Position
    record: TimelineRecord


@dataclass(frozen=True)
class Part:
    """What one source has for the page of one journey. `more`: it has further entries in the page's direction.

    `is_short`: these are fewer than the page may need, since rows that cannot be read took their places. `silent`: the
    name of the source, where it did not answer.
    """

    entries: Sequence[Entry] = ()
    more: bool = False
    is_short: bool = False
    errors: Sequence[Exception] = ()
    silent: str | None = None


async def timeline(
    journeys: Sequence[Journey], context: Context, *, page: PageRequest
) -> Sequence[Connection[TimelineRecord] | Partial[Connection[TimelineRecord]]]:
    """A page of each journey's timeline; `incomplete_sources` names the sources that did not answer."""
    keys = [journey.key for journey in journeys]
    parts = await asyncio.gather(
        _contacts(keys, context, page), _status_changes(keys, context, page), _handovers(keys, context, page)
    )
    return [_merged(key, of_journey, page) for key, *of_journey in zip(keys, *parts, strict=True)]


async def _contacts(keys: Sequence[int], context: Context, page: PageRequest) -> Sequence[Part]:
    source = context.sources.contacts.source
    wanted = _newest_first(_request(page, source))

    async def ask(keys: Sequence[int], request: PageRequest) -> Sequence[Part]:
        found = await nearest(to_contacts(context.sources), keys, request, context)
        return [
            Part(errors=[here], silent=source) if isinstance(here, Exception) else _contact_part(here, wanted, source)
            for here in found
        ]

    return await _far_enough(ask, keys, wanted)


def _contact_part(reached: Reached[JourneyEntry, Contact], wanted: PageRequest, source: str) -> Part:
    page = reached.page
    entries = [
        Entry((link.at.isoformat(), source, link.key), contact)
        for link, contact in zip(reached.links, page.rows, strict=True)
    ]
    return Part(entries, page.more, page.more and len(entries) < cast("int", wanted.limit), page.malformed)


async def _status_changes(keys: Sequence[int], context: Context, page: PageRequest) -> Sequence[Part]:
    entries = await context.sources.journey_entries.of_parents("journey", keys, ALL, context.scope, REPORTS)
    linked = [[entry.entry_key for entry in each.rows] for each in entries]
    source = context.sources.status_changes.source
    wanted = _request(page, source)

    async def ask(linked: Sequence[Sequence[str]], request: PageRequest) -> Sequence[Part]:
        numbers = [number for each in linked for number in each]
        try:
            pages = await context.sources.status_changes.of_parents("report", numbers, request, context.scope)
        except SourceError as error:
            return [Part(errors=[error], silent=source) if each else Part() for each in linked]
        of_reports = iter(pages)
        return [_part([next(of_reports) for _ in each], wanted, source) for each in linked]

    return await _far_enough(ask, linked, wanted)


def _part(pages: Sequence[Page[Any]], wanted: PageRequest, source: str) -> Part:
    """What some pages of one source come to together."""
    return Part(
        [Entry((record.at.isoformat(), source, record.key), record) for page in pages for record in page.rows],
        any(page.more for page in pages),
        any(page.more and len(page.rows) < cast("int", wanted.limit) for page in pages),
        [error for page in pages for error in page.malformed],
    )


async def _handovers(keys: Sequence[int], context: Context, page: PageRequest) -> Sequence[Part]:
    handovers = context.sources.handovers
    wanted = _request(page, handovers.source)

    async def ask(keys: Sequence[int], request: PageRequest) -> Sequence[Part]:
        pages = await handovers.of_parents("journey", keys, request, context.scope)
        return [_part([each], wanted, handovers.source) for each in pages]

    return await _far_enough(ask, keys, wanted)


async def _far_enough(
    ask: Callable[[Sequence[K], PageRequest], Awaitable[Sequence[Part]]], journeys: Sequence[K], wanted: PageRequest
) -> Sequence[Part]:
    """What a source has of each journey, asked for more where rows that cannot be read leave the page too few.

    Else the merged page would go on with later entries of other sources, and its cursor pass this one's.
    """
    limit = cast("int", wanted.limit)
    parts = list(await ask(journeys, wanted))
    while short := [place for place, part in enumerate(parts) if part.is_short]:
        limit = FURTHER * max(limit, 1)
        further = await ask([journeys[place] for place in short], wanted.up_to(limit))
        for place, part in zip(short, further, strict=True):
            parts[place] = part
    return parts


def _merged(
    key: int, parts: Sequence[Part], request: PageRequest
) -> Connection[TimelineRecord] | Partial[Connection[TimelineRecord]]:
    entries = sorted((entry for part in parts for entry in part.entries), key=_order)
    kept = request.kept(entries)
    more = len(kept) < len(entries) or any(part.more for part in parts)
    info = PageInfo(KIND, request, [entry.place for entry in kept], more)
    edges: list[Edge[TimelineRecord]] = [Edge(KIND, entry.record, entry.place) for entry in kept]
    silent = [part.silent for part in parts if part.silent is not None]
    made = Connection(edges, info, Total(KIND, key, _count), silent)
    errors = [error for part in parts for error in part.errors]
    return Partial(made, errors) if errors else made


async def _count(journey_keys: Sequence[Key], context: Context) -> Sequence[int]:
    """Contacts and status changes that the viewer may see, and handovers: what the pages hold together."""
    sources, scope = context.sources, context.scope
    contacts = await counts(to_contacts(sources), journey_keys, context)
    reports = await sources.journey_entries.of_parents("journey", journey_keys, ALL, scope, REPORTS)
    linked = [entry.entry_key for page in reports for entry in page.rows]
    changes = iter(await sources.status_changes.count_of_parents("report", linked, scope))
    handovers = await sources.handovers.count_of_parents("journey", journey_keys, scope)
    return [
        of_contacts + sum(next(changes) for _ in of_reports.rows) + passed
        for of_contacts, of_reports, passed in zip(contacts, reports, handovers, strict=True)
    ]


def _request(page: PageRequest, source: str) -> PageRequest:
    """The page as one source is asked for it, in the order of the timeline."""
    return PageRequest(page.limit, _bound(page.after, source), _bound(page.before, source), page.backwards)


def _newest_first(page: PageRequest) -> PageRequest:
    """The same page of a collection that is kept newest first."""
    return PageRequest(page.limit, after=page.before, before=page.after, backwards=not page.backwards)


def _bound(place: Position | None, source: str) -> Position | None:
    """Where a place in the timeline lies in one source: entries of one instant are in the order of the sources."""
    if place is None:
        return None
    at, of_source, serial = cast("tuple[str, str, int]", place)
    if source != of_source:
        serial = _BEFORE_ANY_SERIAL if source > of_source else _AFTER_ANY_SERIAL
    return (datetime.fromisoformat(at), serial)


def _order(entry: Entry) -> tuple[datetime, str, int]:
    at, source, serial = cast("tuple[str, str, int]", entry.place)
    return datetime.fromisoformat(at), source, serial

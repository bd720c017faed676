"""Records that one source links to and another keeps, as if there were none but those that the viewer may see.

A link is read in the viewer's scope, but whether the record behind it may be seen is known only to the record's own
source. So links are read until a page is full of records that may be, and those that lead nowhere have no place.
"""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar, cast

from msgspec import Struct

from resolvers.context import Context
from sources.errors import RecordMalformed
from sources.paging import ALL, Page, PageRequest, Position
from sources.ports import Collection
from sources.records import Key

R = TypeVar("R")
K = TypeVar("K")

FURTHER = 10
"""How many times as many links are read where the first did not fill the page."""


class Path(Struct, Generic[K, R], frozen=True):
    """From a parent to its records: over `links`, of which `key_of` tells the key in `target`; None for nobody's."""

    links: Collection[K, Any]
    link: str
    target: Collection[R, Any]
    key_of: Callable[[K], Key | None]
    filter: Any = None


class Place(Struct, Generic[K, R], frozen=True, gc=False):
    """A link that leads to a record, or the error where one of the two cannot be read."""

    position: Position
    link: K | None
    found: R | RecordMalformed


async def nearest(
    path: Path[K, R], parent_ids: Sequence[Key], page: PageRequest, context: Context
) -> Sequence[Sequence[Place[K, R]] | Exception]:
    """The places on the page of each parent, in the order of the links; the failure where the target has one.

    Two statements for all parents where nothing is hidden. Else parents whose page is not full are looked at again,
    each time further: the records that are known already are not asked for again.
    """
    known: dict[Key, Sequence[Place[K, R]] | Exception] = {}
    wanted = limit = cast("int", page.limit)
    unfinished = list(dict.fromkeys(parent_ids))
    while unfinished:
        pages = await path.links.of_parents(path.link, unfinished, page.up_to(limit), context.scope, path.filter)
        places = await _behind(path, pages, context)
        known.update(zip(unfinished, places, strict=True))
        unfinished = [
            parent
            for parent, links, here in zip(unfinished, pages, places, strict=True)
            if links.more and not isinstance(here, Exception) and len(here) < wanted
        ]
        limit *= FURTHER
    found = (known[parent] for parent in parent_ids)
    return [places if isinstance(places, Exception) else page.kept(places) for places in found]


async def counts(path: Path[Any, Any], parent_ids: Sequence[Key], context: Context) -> Sequence[int]:
    """How many places each parent has. Raises what the target raised."""
    pages = await path.links.of_parents(path.link, parent_ids, ALL, context.scope, path.filter)
    return [len(_or_raised(places)) for places in await _behind(path, pages, context)]


async def _behind(
    path: Path[K, R], pages: Sequence[Page[K]], context: Context
) -> Sequence[Sequence[Place[K, R]] | Exception]:
    found = await context.records(path.target, [path.key_of(row) for page in pages for row in page.rows])
    rest = iter(found)
    found_of = [(page, list(islice(rest, len(page.rows)))) for page in pages]
    if any(issubclass(kind, BaseException) for kind in set(map(type, found))):
        return [_failure_or_places(page, records) for page, records in found_of]
    return [_places(page, records) for page, records in found_of]


def _failure_or_places(page: Page[K], found: Sequence[Any]) -> Sequence[Place[K, Any]] | Exception:
    """One row that cannot be read has its place; a source that did not answer has none."""
    failures = (each for each in found if isinstance(each, Exception) and not isinstance(each, RecordMalformed))
    return next(failures, None) or _places(page, found)


def _places(page: Page[K], found: Sequence[Any]) -> Sequence[Place[K, Any]]:
    if not page.malformed:
        return [
            Place(position, link, record)
            for position, link, record in zip(page.positions, page.rows, found, strict=True)
            if record is not None
        ]
    led = dict(zip(page.positions, zip(page.rows, found, strict=True), strict=True))
    unread = iter(page.malformed)
    places: list[Place[K, Any]] = []
    for position in page.places:
        link, record = led[position] if position in led else (None, next(unread))
        if record is not None:
            places.append(Place(position, link, record))
    return places


def _or_raised(places: Sequence[Place[K, R]] | Exception) -> Sequence[Place[K, R]]:
    if isinstance(places, Exception):
        raise places
    return places

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
from sources.paging import ALL, Page, PageRequest
from sources.ports import Collection
from sources.records import Key

R = TypeVar("R")
K = TypeVar("K")

FURTHER = 10
"""How many times as many links are read where the first did not fill the page."""


class Route(Struct, Generic[K, R], frozen=True):
    """From a parent to its records: the rows of `links` that hang on it, and the records in `target` that these name.

    `key_of` tells the key in `target` from a row of `links`; None for one that cannot be anything's. `link` is the name
    by which `links` knows the parent, `filter` which of its rows count.
    """

    links: Collection[K, Any]
    link: str
    target: Collection[R, Any]
    key_of: Callable[[K], Key | None]
    filter: Any = None


class Reached(Struct, Generic[K, R], frozen=True, gc=False):
    """A page of the records behind a parent's links, at the places of the links. `links`: what led to each row."""

    page: Page[R]
    links: Sequence[K]


async def nearest(
    route: Route[K, R], parent_ids: Sequence[Key], request: PageRequest, context: Context
) -> Sequence[Reached[K, R] | Exception]:
    """The page of each parent, in the order of the links; the failure where the target has one.

    Two statements for all parents where nothing is hidden. Else parents whose page is not full are looked at again,
    each time further: the records that are known already are not asked for again.
    """
    known: dict[Key, Reached[K, R] | Exception] = {}
    wanted = limit = cast("int", request.limit) + 1  # one more tells whether there are any beyond the page
    unfinished = list(dict.fromkeys(parent_ids))
    while unfinished:
        pages = await route.links.of_parents(route.link, unfinished, request.up_to(limit), context.scope, route.filter)
        reached = await _behind(route, pages, context)
        known.update(zip(unfinished, reached, strict=True))
        unfinished = [
            parent
            for parent, links, here in zip(unfinished, pages, reached, strict=True)
            if links.more and not isinstance(here, Exception) and len(here.page.places) < wanted
        ]
        limit *= FURTHER
    found = (known[parent] for parent in parent_ids)
    return [here if isinstance(here, Exception) else _cut(here, request) for here in found]


async def counts(route: Route[Any, Any], parent_ids: Sequence[Key], context: Context) -> Sequence[int]:
    """How many records the links of each parent lead to. Raises what the target raised."""
    pages = await route.links.of_parents(route.link, parent_ids, ALL, context.scope, route.filter)
    return [len(_or_raised(here).page.places) for here in await _behind(route, pages, context)]


async def _behind(
    route: Route[K, R], pages: Sequence[Page[K]], context: Context
) -> Sequence[Reached[K, R] | Exception]:
    found = await context.records(route.target, [route.key_of(row) for page in pages for row in page.rows])
    rest = iter(found)
    found_of = [(page, list(islice(rest, len(page.rows)))) for page in pages]
    kinds = set(map(type, found))
    if any(issubclass(kind, BaseException) for kind in kinds):
        return [_failure_or_reached(page, records) for page, records in found_of]
    if type(None) in kinds or any(page.malformed for page in pages):
        return [_reached(page, records) for page, records in found_of]
    return [
        Reached(Page(cast("list[R]", records), page.positions, places=page.positions), page.rows)
        for page, records in found_of
    ]


def _failure_or_reached(page: Page[K], found: Sequence[Any]) -> Reached[K, Any] | Exception:
    """The failure, where the target did not answer. A single record that cannot be read is an error on the page."""
    failures = (each for each in found if isinstance(each, Exception) and not isinstance(each, RecordMalformed))
    return next(failures, None) or _reached(page, found)


def _reached(page: Page[K], found: Sequence[Any]) -> Reached[K, Any]:
    """The page where some links lead nowhere, or one of the two cannot be read."""
    led = [each for each in zip(page.positions, page.rows, found, strict=True) if each[2] is not None]
    good = [each for each in led if not isinstance(each[2], RecordMalformed)]
    malformed = dict(page.unread) | {place: error for place, _, error in led if isinstance(error, RecordMalformed)}
    leading = {place for place, _, _ in led}
    places = [place for place in page.places if place in leading or place in malformed]
    positions, links, records = zip(*good, strict=True) if good else ((), (), ())
    errors = [malformed[place] for place in places if place in malformed]
    return Reached(Page(records, positions, places=places, malformed=errors), links)


def _cut(reached: Reached[K, R], request: PageRequest) -> Reached[K, R]:
    """As much of the page as was asked for."""
    page = reached.page
    places = request.kept(page.places)
    if len(places) == len(page.places):
        return reached
    malformed = [error for place, error in page.unread if place in places] if page.malformed else ()
    kept = request.up_to(len(places) - len(malformed)).kept
    return Reached(
        Page(kept(page.rows), kept(page.positions), more=True, places=places, malformed=malformed), kept(reached.links)
    )


def _or_raised(reached: Reached[K, R] | Exception) -> Reached[K, R]:
    if isinstance(reached, Exception):
        raise reached
    return reached

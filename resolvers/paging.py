"""Connections (Relay cursor connections): from page arguments to a request, from a source's page to edges.

A cursor is a position sealed for its own kind of connection: it carries no right, tells nothing, and one that was
not made here is refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

import orjson
from msgspec import Struct

from engine.batching import Partial
from resolvers.context import Context
from resolvers.errors import BadUserInput, CursorRejected
from resolvers.following import Route, counts, nearest
from sources.errors import SourceError
from sources.paging import Page, PageRequest, Position
from sources.ports import Collection
from sources.records import Key
from sources.sealing import Sealer, sealed_of, text_of

R = TypeVar("R")
F = TypeVar("F")

Count = Callable[[Sequence[Key], Context], Awaitable[Sequence[int]]]
"""From parents, each given once, to the total of each. The context is an argument, and must not be kept inside: its
loaders keep connections, and since these are hidden from the garbage collector (`gc=False`), a circle of the two would
never be freed.
"""


class Total(Struct, frozen=True, gc=False):
    """How a connection's `totalCount` is found, when it is asked: totals of one group in one call for all parents."""

    group: Hashable
    parent: Key
    count: Count


class PageInfo(Struct, frozen=True, gc=False):
    """Where a page lies. `more`: there are further rows in the direction of the request.

    Rows behind a page are known of by the cursor that the page began at (Relay, section 5.1).
    """

    kind: str
    request: PageRequest
    places: Sequence[Position]
    more: bool

    @property
    def has_next_page(self) -> bool:
        return self.request.before is not None if self.request.backwards else self.more

    @property
    def has_previous_page(self) -> bool:
        return self.more if self.request.backwards else self.request.after is not None

    @property
    def start(self) -> Position | None:
        return self.places[0] if self.places else None

    @property
    def end(self) -> Position | None:
        return self.places[-1] if self.places else None


class Edge(Struct, Generic[R], frozen=True, gc=False):
    kind: str
    node: R
    position: Position


class Connection(Struct, Generic[R], frozen=True, gc=False):
    """A page of records. `incomplete_sources`: those that did not answer, where a page draws on several."""

    edges: Sequence[Edge[R]]
    page_info: PageInfo
    total: Total
    incomplete_sources: Sequence[str] = ()


def page_request(
    context: Context,
    kind: str,
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> PageRequest:
    """The page that the arguments ask for; raises BadUserInput when they contradict or exceed the limit."""
    if first is not None and last is not None:
        raise BadUserInput("Give 'first' or 'last', not both.")
    name, wanted = ("last", last) if last is not None else ("first", first)
    most = context.services.max_page_size
    limit = context.services.page_size if wanted is None else wanted
    if not 0 <= limit <= most:
        raise BadUserInput(f"'{name}' takes a number from 0 to {most}, but got: {limit}.")
    return PageRequest(
        limit=limit,
        after=None if after is None else _position(context.sealer, kind, after, "after"),
        before=None if before is None else _position(context.sealer, kind, before, "before"),
        backwards=last is not None,
    )


def seal_cursor(sealer: Sealer, kind: str, position: object) -> str:
    """A position as an opaque cursor."""
    return text_of(sealer.seal(_purpose(kind), orjson.dumps(position)))


def open_cursor(sealer: Sealer, kind: str, cursor: str) -> Any:
    """What was sealed as a cursor of this kind, or None."""
    sealed = sealed_of(cursor)
    plain = None if sealed is None else sealer.open(_purpose(kind), sealed)
    return None if plain is None else orjson.loads(plain)


def connection(kind: str, page: Page[R], request: PageRequest, total: Total) -> Connection[R] | Partial[Connection[R]]:
    """A source's page as a connection; rows that could not be read are missing, with an error each."""
    edges = [Edge(kind, node, position) for node, position in zip(page.rows, page.positions, strict=True)]
    made = Connection(edges, PageInfo(kind, request, page.places, page.more), total)
    return Partial(made, list(page.malformed)) if page.malformed else made


async def connections_of(
    kind: str,
    collection: Collection[R, F],
    link: str,
    parent_ids: Sequence[Key | None],
    context: Context,
    request: PageRequest,
    filter: F | None = None,
) -> Sequence[Connection[R] | Partial[Connection[R]] | None]:
    """A connection for each parent over the rows that hang on it; None for a parent without a key."""
    known = list(dict.fromkeys(key for key in parent_ids if key is not None))
    pages = dict(zip(known, await collection.of_parents(link, known, request, context.scope, filter), strict=True))
    for page in pages.values():
        context.learn(collection, page.rows)

    async def count(parents: Sequence[Key], context: Context) -> Sequence[int]:
        return await collection.count_of_parents(link, parents, context.scope, filter)

    group = (id(collection), link, filter)
    return [
        None if key is None else connection(kind, pages[key], request, Total(group, key, count)) for key in parent_ids
    ]


async def root_connection(
    kind: str, collection: Collection[R, F], context: Context, request: PageRequest, filter: F | None
) -> Connection[R] | Partial[Connection[R]]:
    """A connection over the whole collection."""

    async def count(parents: Sequence[Key], context: Context) -> Sequence[int]:
        return [await collection.count(context.scope, filter)] * len(parents)

    page = await collection.page(request, context.scope, filter)
    context.learn(collection, page.rows)
    return connection(kind, page, request, Total((id(collection), filter), 0, count))


async def followed(
    kind: str, route: Route[Any, R], parent_ids: Sequence[Key], context: Context, request: PageRequest
) -> Sequence[Connection[R] | Partial[Connection[R]] | BaseException]:
    """A connection for each parent over records that one source links to and another keeps.

    A record that is gone, or that the viewer may not see, leaves no trace: the page is filled with those that follow.
    """
    found = await nearest(route, parent_ids, request, context)

    async def count(parents: Sequence[Key], context: Context) -> Sequence[int]:
        return await counts(route, parents, context)

    group = (id(route.links), route.link, route.filter)
    return [
        here if isinstance(here, Exception) else connection(kind, here.page, request, Total(group, parent, count))
        for parent, here in zip(parent_ids, found, strict=True)
    ]


async def total_counts(connections: Sequence[Connection[Any]], context: Context) -> Sequence[int | Exception]:
    """How many records each connection has over all its pages: one statement for each group, all at the same time."""
    groups: dict[Hashable, dict[Key, Total]] = {}
    for each in connections:
        groups.setdefault(each.total.group, {})[each.total.parent] = each.total
    asked = [_counted(totals, context) for totals in groups.values()]
    found = [await asked[0]] if len(asked) == 1 else await asyncio.gather(*asked)
    numbers = dict(zip(groups, found, strict=True))
    return [numbers[each.total.group][each.total.parent] for each in connections]


async def _counted(totals: Mapping[Key, Total], context: Context) -> Mapping[Key, int | Exception]:
    """The total of each parent of one group; where the source did not answer, its failure."""
    count = next(iter(totals.values())).count
    try:
        return dict(zip(totals, await count(list(totals), context), strict=True))
    except SourceError as error:
        return dict.fromkeys(totals, error)


def cursors(edges: Sequence[Edge[Any]], context: Context) -> Sequence[str]:
    """The cursor of each edge."""
    return [seal_cursor(context.sealer, edge.kind, edge.position) for edge in edges]


def start_cursors(infos: Sequence[PageInfo], context: Context) -> Sequence[str | None]:
    return [None if info.start is None else seal_cursor(context.sealer, info.kind, info.start) for info in infos]


def end_cursors(infos: Sequence[PageInfo], context: Context) -> Sequence[str | None]:
    return [None if info.end is None else seal_cursor(context.sealer, info.kind, info.end) for info in infos]


def _position(sealer: Sealer, kind: str, cursor: str, argument: str) -> Position:
    position = open_cursor(sealer, kind, cursor)
    if not isinstance(position, list):
        raise CursorRejected(argument)
    return tuple(cast("list[str | int]", position))


def _purpose(kind: str) -> bytes:
    return b"cursor:" + kind.encode()

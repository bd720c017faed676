"""How many records a connection has over all its pages: asked once for each group, and only when it is asked."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from weakref import ref

import pytest

from resolvers.context import Context, Services
from resolvers.journeys import contacts, journeys
from resolvers.paging import Connection, Count, PageInfo, Total, connections_of, total_counts
from resolvers.timeline import timeline
from sources.errors import SourceUnavailable
from sources.paging import ALL, PageRequest
from sources.records import Journey, JourneyState, Key
from subscriptions.hub import Hub
from support.back_ends import SEALER
from support.houses import AGENT
from support.memory_sources import Facts, memory_sources

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
JOURNEY = Journey(1, JourneyState.OPEN, NOON, NOON)
SERVICES = Services(memory_sources(Facts(journeys=[JOURNEY]), SEALER), SEALER, Hub({}))
PAGE = PageRequest(limit=1)


def context() -> Context:
    return Context(services=SERVICES, viewer=AGENT)


def connection(group: str, parent: Key, count: Count) -> Connection[Any]:
    nowhere = PageInfo("Any", ALL, (), more=False)
    return Connection([], nowhere, Total(group, parent, count))


async def test_a_parent_is_asked_about_once_however_often_it_stands_there() -> None:
    asked: list[Sequence[Key]] = []

    async def count(parents: Sequence[Key], _context: Context) -> Sequence[int]:
        asked.append(parents)
        return [10 * cast("int", parent) for parent in parents]

    level = [connection("contacts", parent, count) for parent in (1, 2, 1, 1)]
    assert await total_counts(level, context()) == [10, 20, 10, 10]
    assert asked == [[1, 2]]


async def test_groups_do_not_wait_for_each_other() -> None:
    both = asyncio.Barrier(2)

    async def count(parents: Sequence[Key], _context: Context) -> Sequence[int]:
        await both.wait()
        return [7] * len(parents)

    async with asyncio.timeout(5):
        level = [connection("contacts", 1, count), connection("reports", 1, count)]
        assert await total_counts(level, context()) == [7, 7]


async def test_a_group_whose_source_fails_leaves_the_others() -> None:
    failure = SourceUnavailable("incidents")

    async def fail(_parents: Sequence[Key], _context: Context) -> Sequence[int]:
        raise failure

    async def count(parents: Sequence[Key], _context: Context) -> Sequence[int]:
        return [7] * len(parents)

    level = [connection("reports", 1, fail), connection("contacts", 1, count), connection("reports", 2, fail)]
    assert await total_counts(level, context()) == [failure, 7, failure]


async def test_of_nothing_there_are_no_totals() -> None:
    assert await total_counts([], context()) == []


async def _of_root(context: Context) -> object:
    return await journeys([None], context, page=PAGE)


async def _of_parents(context: Context) -> object:
    return await connections_of("Contact", context.sources.contacts, "citizen", ["1"], context, PAGE)


async def _followed(context: Context) -> object:
    return await contacts([JOURNEY], context, page=PAGE)


async def _timeline(context: Context) -> object:
    return await timeline([JOURNEY], context, page=PAGE)


@pytest.mark.parametrize("ask", [_of_root, _of_parents, _followed, _timeline])
async def test_a_context_that_keeps_its_connections_can_be_collected(
    ask: Callable[[Context], Awaitable[object]],
) -> None:
    """As it does when graphql-core executes: what loads a field keeps what it found."""
    of_request = context()
    of_request.loaders["field"] = cast("Any", await ask(of_request))
    left = ref(of_request)
    del of_request
    await asyncio.sleep(0)  # the loop's present callback may hold what was awaited last
    gc.collect()
    assert left() is None

"""A context is gone with its operation, also where something that the collector does not see leads back to it."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, cast
from weakref import ref

import pytest
import strawberry
from msgspec import Struct

from engine.batching import RequestState, batched
from engine.executor import Executor
from engine.prepared import Prepared

OPERATIONS = 5
NO_PLAN = "__schema { queryType { name } }"


class Page(Struct, gc=False):
    """As pages of records are. `context` closes a circle that only the loaders' end opens."""

    context: RequestState
    word: str


async def page(parents: Sequence[Any], context: RequestState) -> Sequence[Page]:
    return [Page(context, "mine") for _ in parents]


async def failing(parents: Sequence[Any], _context: RequestState) -> Sequence[Any]:
    raise LookupError("no page")


@strawberry.type(name="Page")
class PageType:
    word: str
    next: "PageType | None" = batched(page, description="")


@strawberry.type
class Query:
    page: PageType = batched(page, description="")
    failing: PageType = batched(failing, description="")


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def pages(self) -> AsyncGenerator[PageType, None]:
        for _ in range(OPERATIONS):
            yield cast("Any", Page(RequestState(), "an event's"))


@pytest.fixture
def executor() -> Executor:
    schema: Any = strawberry.Schema(query=Query, subscription=Subscription)
    return Executor(schema._schema, encode_error=lambda error: (str(error), {}))


@pytest.mark.parametrize("beside", ["", NO_PLAN])
@pytest.mark.parametrize("asked", ["page { next { word } }", "page { word } failing { word }"])
async def test_no_context_of_a_query_stays(executor: Executor, asked: str, beside: str) -> None:
    prepared = executor.prepare(f"{{ {asked} {beside} }}")
    assert (prepared.plan is None) == bool(beside)

    async def one() -> "ref[RequestState]":
        context = RequestState()
        await executor.execute(prepared, {}, context)
        return ref(context)

    assert await _alive([await one() for _ in range(OPERATIONS)]) == 0


@pytest.mark.parametrize("has_plan", [True, False])
async def test_no_context_of_a_stream_s_event_stays(executor: Executor, *, has_plan: bool) -> None:
    """The stream goes on, and holds none but the last event's."""
    contexts: list[ref[RequestState]] = []

    async def make_context() -> RequestState:
        made = RequestState()
        contexts.append(ref(made))
        return made

    prepared = _subscription(executor, has_plan=has_plan)
    async with aclosing(executor.subscribe(prepared, {"a": True}, make_context)) as stream:
        for _ in range(OPERATIONS):
            answer = (await anext(stream)).response
            assert answer == {"data": {"pages": {"next": {"word": "mine"}}}}
        assert len(contexts) == OPERATIONS + 1
        assert await _alive(contexts) <= 1


@pytest.mark.parametrize("has_plan", [True, False])
async def test_no_context_of_a_batch_of_events_stays(executor: Executor, *, has_plan: bool) -> None:
    prepared = _subscription(executor, has_plan=has_plan)

    async def several() -> "ref[RequestState]":
        context = RequestState()
        events = [Page(context, "an event's") for _ in range(3)]
        assert len(await executor.answers(prepared, {"a": True}, context, events)) == 3
        return ref(context)

    assert await _alive([await several() for _ in range(OPERATIONS)]) == 0


def _subscription(executor: Executor, *, has_plan: bool) -> Prepared:
    """Without a plan, by a fragment that stands under two conditions."""
    again = "" if has_plan else "...F"
    fragment = "fragment F on Page { next { word } }"
    prepared = executor.prepare(
        f"subscription($a: Boolean!) {{ pages {{ ...F @include(if: $a) {again} }} }} {fragment}"
    )
    assert (prepared.plan is not None) == has_plan
    return prepared


async def _alive(contexts: Sequence["ref[RequestState]"]) -> int:
    await asyncio.sleep(0)  # the loop lets go of what was done last
    gc.collect()
    return sum(each() is not None for each in contexts)

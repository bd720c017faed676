"""The executor on a schema of its own, which has nothing to do with the police."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest
import strawberry

from engine.batching import Argument, Partial, RequestState, batched
from engine.executor import EventAnswer, Executor
from engine.responses import RequestRefused, StreamFailed

calls: list[tuple[str, int]] = []


@dataclass(frozen=True)
class Box:
    number: int


async def boxes(roots: Sequence[Any], _context: Any, *, count: int) -> Sequence[list[Box]]:
    return [[Box(number) for number in range(count)] for _ in roots]


async def lid(parents: Sequence[Box], _context: Any) -> Sequence[Any]:
    calls.append(("lid", len(parents)))
    return [ValueError("odd 123456782") if box.number % 2 else f"lid {box.number}" for box in parents]


async def label(parents: Sequence[Box], _context: Any, *, prefix: str | None = None) -> Sequence[str]:
    calls.append((f"label {prefix}", len(parents)))
    return [f"{prefix}{box.number}" for box in parents]


async def worn(parents: Sequence[Box], _context: Any) -> Sequence[Any]:
    return ["worn" if box.number % 2 else Partial("worn", [KeyError("a part")]) for box in parents]


def double(parents: Sequence[Box], _context: Any) -> Sequence[int]:
    return [box.number * 2 for box in parents]


async def torn(parents: Sequence[Any], _context: Any) -> Sequence[Any]:
    return [Partial(["a"], [KeyError("b"), KeyError("c")]) for _ in parents]


async def broken(_parents: Sequence[Any], _context: Any) -> Sequence[Any]:
    raise OSError("the whole batch")


@strawberry.type(name="Box")
class BoxType:
    number: int
    lid: str | None = batched(lid, description="")
    label: str | None = batched(label, description="", arguments={"prefix": Argument(str | None, "")})
    double: int = batched(double, description="")
    worn: str | None = batched(worn, description="")
    broken: int | None = batched(broken, description="")


@strawberry.type
class Query:
    boxes: list[BoxType] = batched(boxes, description="", arguments={"count": Argument(int, "")})
    torn: list[str] | None = batched(torn, description="")


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, info: strawberry.Info, count: int) -> AsyncIterator[int]:
        for number in range(count):
            yield number
        raise LookupError("gone")

    @strawberry.subscription
    async def opened(self, count: int) -> AsyncIterator[BoxType]:
        for number in range(count):
            yield cast("Any", Box(number))


_F = "fragment F on Box { worn }"


def encode(error: Exception) -> tuple[str, dict[str, Any]]:
    return type(error).__name__, {"code": "X"}


@pytest.fixture
def executor() -> Executor:
    calls.clear()
    schema: Any = strawberry.Schema(query=Query, subscription=Subscription)
    return Executor(schema._schema, encode_error=encode, documents=3)


async def run(executor: Executor, query: str, **variables: Any) -> dict[str, Any]:
    return await executor.execute(executor.prepare(query), variables, RequestState())


async def test_a_batched_field_is_asked_once_for_all_its_parents(executor: Executor) -> None:
    answer = await run(executor, '{ boxes(count: 50) { label(prefix: "a") double } }')
    assert calls == [("label a", 50)]
    assert answer["data"]["boxes"][49] == {"label": "a49", "double": 98}


async def test_different_arguments_are_different_batches(executor: Executor) -> None:
    await run(executor, '{ boxes(count: 3) { a: label(prefix: "a") b: label(prefix: "b") again: label(prefix: "a") } }')
    assert sorted(calls) == [("label a", 3), ("label b", 3)]


async def test_a_parent_s_error_is_its_own_and_masked(executor: Executor) -> None:
    answer = await run(executor, "{ boxes(count: 3) { lid } }")
    assert [box["lid"] for box in answer["data"]["boxes"]] == ["lid 0", None, "lid 2"]
    assert answer["errors"] == [
        {
            "message": "ValueError",
            "locations": [{"line": 1, "column": 21}],
            "path": ["boxes", 1, "lid"],
            "extensions": {"code": "X"},
        }
    ]


async def test_a_batch_that_fails_is_every_parents_error(executor: Executor) -> None:
    answer = await run(executor, "{ boxes(count: 2) { broken number } }")
    assert answer["data"]["boxes"] == [{"broken": None, "number": 0}, {"broken": None, "number": 1}]
    assert [error["path"] for error in answer["errors"]] == [["boxes", 0, "broken"], ["boxes", 1, "broken"]]


@pytest.mark.parametrize("beside", ["", "__typename @include(if: true) __schema { queryType { name } }"])
async def test_a_failure_that_many_fields_have_is_told_of_once(executor: Executor, beside: str) -> None:
    """An encoder writes into a log, which one failing source would fill."""
    told: list[Exception] = []
    executor._encode_error = lambda error: (str(told.append(error) or len(told)), {})
    answer = await run(executor, f"{{ boxes(count: 3) {{ broken again: broken }} torn {beside} }}")
    assert len(answer["errors"]) == 2 * 3 + 2
    assert len(told) == len({id(each) for each in told})
    assert 3 <= len(told) <= 4  # the two of `torn`, and one or two for what is one batch or two


async def test_a_failure_that_many_events_have_is_told_of_once(executor: Executor) -> None:
    told: list[Exception] = []
    executor._encode_error = lambda error: (str(told.append(error) or len(told)), {})
    prepared = executor.prepare("subscription { opened(count: 0) { broken lid } }")
    answers = await executor.answers(prepared, {}, RequestState(), [Box(1), Box(2), Box(3)])
    assert [[error["message"] for error in answer["errors"]] for answer in answers] == [["1", "2"], ["1"], ["1", "3"]]


@pytest.mark.parametrize("beside", ["", "__schema { queryType { name } }"])
async def test_null_by_a_variable_with_a_default_is_the_client_s_mistake(executor: Executor, beside: str) -> None:
    """It passes validation (GraphQL specification, section 5.8.5), and the argument gets no value."""
    answer = await run(executor, f"query($count: Int = 1) {{ boxes(count: $count) {{ number }} {beside} }}", count=None)
    assert answer["data"] is None
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "BAD_USER_INPUT"}]
    assert answer["errors"][0]["path"] == ["boxes"]


@pytest.mark.parametrize("beside", ["", "__schema { queryType { name } }"])
async def test_a_context_is_gone_with_its_operation(executor: Executor, beside: str) -> None:
    """Also where graphql-core's loaders hold what was loaded, and that may lead back to the context."""
    context = RequestState()
    prepared = executor.prepare(f"{{ boxes(count: 2) {{ label }} torn {beside} }}")
    answer = await executor.execute(prepared, {}, context)
    assert len(answer["errors"]) == 2
    assert context.loaders == {}
    assert context.partial_errors == []


async def test_what_one_event_lacks_is_no_error_of_the_next(executor: Executor) -> None:
    """Where graphql-core answers the events of a batch, one after another in one context."""
    spread = "...F @include(if: $a) ...F @include(if: $b)"
    prepared = executor.prepare(f"subscription($a: Boolean!, $b: Boolean!) {{ opened(count: 0) {{ {spread} }} }} {_F}")
    assert prepared.plan is None
    answers = await executor.answers(prepared, {"a": True, "b": True}, RequestState(), [Box(0), Box(1), Box(2)])
    assert [len(each.get("errors", ())) for each in answers] == [1, 0, 1]


async def test_a_partial_value_comes_with_its_errors(executor: Executor) -> None:
    answer = await run(executor, "{ torn }")
    assert answer["data"] == {"torn": ["a"]}
    assert [(error["path"], error["message"]) for error in answer["errors"]] == [(["torn"], "KeyError")] * 2


def test_documents_are_remembered_within_bounds_invalid_ones_too(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = executor.prepare("{ torn }")
    assert executor.prepare("{ torn }").document is prepared.document
    errors = []
    for _ in range(2):
        with pytest.raises(RequestRefused) as caught:
            executor.prepare("{ nothing }")
        errors.append(caught.value.errors)
    assert errors[0] is errors[1]
    for number in range(5):
        executor.prepare(f"{{ torn a{number}: torn }}")
    assert executor.prepare("{ torn }").document is not prepared.document


def test_long_documents_are_remembered_in_smaller_number(executor: Executor) -> None:
    """The executor of these tests remembers three, of a thousand characters each."""
    first = executor.prepare("{ torn }")
    executor.prepare("{ torn } #" + "x" * 2_000)
    assert executor.prepare("{ torn }").document is first.document
    executor.prepare("{ torn } #" + "y" * 2_990)
    assert executor.prepare("{ torn }").document is not first.document


def test_root_fields_are_found_through_fragments_each_looked_into_once(executor: Executor) -> None:
    spreads = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40))
    prepared = executor.prepare(f"{{ ...F0 ... on Query {{ torn }} }} {spreads} fragment F40 on Query {{ x: torn }}")
    assert prepared.root_fields == {"torn"}


async def test_a_stream_gives_a_fresh_context_to_each_event_and_tells_how_it_ended(executor: Executor) -> None:
    contexts: list[RequestState] = []

    async def make_context() -> RequestState:
        contexts.append(RequestState())
        return contexts[-1]

    prepared = executor.prepare("subscription S($n: Int!) { ticks(count: $n) }")
    stream = executor.subscribe(prepared, {"n": 2}, make_context)
    assert [await anext(stream) for _ in range(2)] == [EventAnswer(n, {"data": {"ticks": n}}) for n in range(2)]
    with pytest.raises(StreamFailed) as caught:
        await anext(stream)
    assert caught.value.errors == [{"message": "LookupError", "extensions": {"code": "X"}}]
    assert len({id(context) for context in contexts}) == 3


async def test_variables_that_do_not_fit_refuse_the_stream(executor: Executor) -> None:
    async def make_context() -> RequestState:
        return RequestState()

    prepared = executor.prepare("subscription S($n: Int!) { ticks(count: $n) }")
    with pytest.raises(RequestRefused) as caught:
        await anext(executor.subscribe(prepared, {"n": "Jansen 900000004"}, make_context))
    (error,) = caught.value.errors
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert "Jansen" not in error["message"]
    assert "'$n'" in error["message"]


@pytest.mark.parametrize("numbers", [[2], [2, 4, 6], [1, 2, 3], [1, 1, 2, 1], []])
async def test_several_events_are_answered_as_each_alone(executor: Executor, numbers: list[int]) -> None:
    prepared = executor.prepare("subscription { opened(count: 1) { number lid } }")
    events = [Box(number) for number in numbers]
    alone = [(await executor.answers(prepared, {}, RequestState(), [event]))[0] for event in events]
    assert await executor.answers(prepared, {}, RequestState(), events) == alone
    assert [answer["data"]["opened"]["number"] for answer in alone] == numbers
    assert ["errors" in answer for answer in alone] == [number % 2 == 1 for number in numbers]


async def test_several_events_ask_a_resolver_once(executor: Executor) -> None:
    prepared = executor.prepare("subscription { opened(count: 1) { lid } }")
    calls.clear()
    await executor.answers(prepared, {}, RequestState(), [Box(2), Box(4), Box(6)])
    # One fails, and the other is not asked again.
    await executor.answers(prepared, {}, RequestState(), [Box(1), Box(4)])
    assert calls == [("lid", 3), ("lid", 2)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("subscription($n: Int!) { opened(count: $n) { number } }", set[str]()),
        ("subscription($n: Int!, $p: String) { opened(count: $n) { label(prefix: $p) } }", {"p"}),
        ("subscription($n: Int!, $i: Boolean!) { opened(count: $n) { number @include(if: $i) lid } }", {"i"}),
        ("subscription($n: Int!) { ... on Subscription { opened(count: $n) { number } } }", {"n"}),
        ("subscription($n: Int!) { ...F } fragment F on Subscription { opened(count: $n) { number } }", {"n"}),
    ],
)
def test_variables_of_the_answer_are_told_from_those_of_the_source(
    executor: Executor, query: str, expected: set[str]
) -> None:
    assert executor.prepare(query).inner_variables == expected

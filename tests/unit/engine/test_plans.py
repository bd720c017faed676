"""Plans: what is worked out once, what is asked how often, and what is left to graphql-core."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import strawberry
from strawberry.extensions import FieldExtension, SchemaExtension
from strawberry.permission import BasePermission

from engine.batching import METADATA_KEY, Argument, Batched, Partial, RequestState, batched
from engine.executor import Executor
from engine.guards import guard
from engine.ignored import FeatureIgnored
from engine.plan import Selection
from engine.responses import RequestRefused


async def at_once(_label: str) -> None: ...


@dataclass
class Context(RequestState):
    """`calls`: each question to a resolver, with its number of parents. `before` is awaited by those that wait."""

    calls: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    before: Callable[[str], Awaitable[object]] = at_once
    allowed: bool = True


@dataclass(frozen=True)
class Node:
    path: str
    own: str = "mine"

    @property
    def size(self) -> int:
        if self.path == "b":
            raise LookupError("no size")
        return len(self.path)


def children(number: int, label: str) -> Any:
    async def resolve(parents: Sequence[Node | None], context: Context) -> Sequence[list[Node]]:
        context.calls.append((label, len(parents)))
        await context.before(label)
        start = [parent.path if parent else "" for parent in parents]
        return [[Node(path + letter) for letter in "abcd"[:number]] for path in start]

    return resolve


async def word(parents: Sequence[Node], context: Context, *, words: list[str]) -> Sequence[str]:
    words.append("spoilt")
    return [words[0]] * len(parents)


async def short(parents: Sequence[Node], _context: Context) -> Sequence[int]:
    return [1] * (len(parents) - 1)


def strict(parents: Sequence[Node], context: Context) -> Sequence[str]:
    if any(parent.path == "b" for parent in parents):
        raise ValueError("not b")
    return [parent.path for parent in parents]


async def hidden(parents: Sequence[Node], context: Context) -> Sequence[str]:
    context.calls.append(("hidden", len(parents)))
    return ["seen"] * len(parents)


async def torn(parents: Sequence[Node], _context: Context) -> Sequence[Any]:
    return [Partial(["x"], [ValueError(f"torn {parent.path}")]) if parent.path == "a" else ["y"] for parent in parents]


def refuse(context: Context) -> Exception | None:
    context.calls.append(("guard", 0))
    return None if context.allowed else PermissionError("not yours")


@strawberry.type(name="Node")
class NodeType:
    path: str
    size: int | None
    own: str | None
    left: list["NodeType"] = batched(children(2, "left"), description="")
    right: list["NodeType"] = batched(children(1, "right"), description="")
    word: str = batched(word, description="", arguments={"words": Argument(list[str], "")})
    short: int | None = batched(short, description="")
    strict: str | None = batched(strict, description="")
    hidden: str | None = batched(hidden, description="")
    torn: list[str] | None = batched(torn, description="")

    @strawberry.field
    def ordinary(self) -> str:
        return "ordinary"


@strawberry.type
class Query:
    left: list[NodeType] = batched(children(2, "left"), description="")
    right: list[NodeType] = batched(children(1, "right"), description="")


@strawberry.type
class Mutation:
    change: list[NodeType] = batched(children(1, "change"), description="")


def core(**parts: Any) -> Any:
    schema: Any = strawberry.Schema(**parts)
    return schema._schema


def guarded() -> Any:
    schema = core(query=Query, mutation=Mutation)
    for name in ("hidden", "own"):
        guard(schema.type_map["Node"].fields[name], refuse)
    return schema


@pytest.fixture(scope="module")
def executor() -> Executor:
    return Executor(guarded(), encode_error=lambda error: (str(error), {}))


async def ask(executor: Executor, query: str, context: Context | None = None, **variables: Any) -> dict[str, Any]:
    prepared = executor.prepare(query)
    assert prepared.plan is not None
    return await executor.execute(prepared, variables, context or Context())


async def test_each_batched_field_is_asked_once_a_level_however_many_parents_it_has(executor: Executor) -> None:
    context = Context()
    await ask(executor, "{ left { left { left { path } } } }", context)
    assert context.calls == [("left", 1), ("left", 2), ("left", 4)]


async def test_places_of_one_level_that_ask_the_same_of_the_same_parents_share_the_question(executor: Executor) -> None:
    context = Context()
    answer = await ask(executor, "{ left { a: right { path } b: right { size } } }", context)
    assert context.calls == [("left", 1), ("right", 2)]
    assert answer["data"]["left"][1] == {"a": [{"path": "ba"}], "b": [{"size": 2}]}


async def test_fields_of_one_level_wait_for_their_sources_together(executor: Executor) -> None:
    together = asyncio.Barrier(2)

    async def meet(_label: str) -> None:
        await together.wait()

    answer = await ask(executor, "{ left { path } right { path } }", Context(before=meet))
    assert answer == {"data": {"left": [{"path": "a"}, {"path": "b"}], "right": [{"path": "a"}]}}


async def test_cancelling_an_answer_cancels_what_it_waits_for(executor: Executor) -> None:
    started, ended = asyncio.Barrier(3), []

    async def wait(label: str) -> None:
        try:
            await started.wait()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append(label)
            raise

    task = asyncio.create_task(ask(executor, "{ left { path } right { path } }", Context(before=wait)))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == ["left", "right"]


async def test_a_guard_is_asked_once_for_all_parents_and_before_the_resolver(executor: Executor) -> None:
    context = Context(allowed=False)
    answer = await ask(executor, "{ left { hidden path own } }", context)
    assert context.calls == [("left", 1), ("guard", 0)]
    assert answer["data"]["left"][1] == {"hidden": None, "path": "b", "own": None}
    assert [(each["message"], each["path"]) for each in answer["errors"]] == [
        ("not yours", ["left", index, key]) for index in (0, 1) for key in ("hidden", "own")
    ]


async def test_an_attribute_that_raises_costs_that_parent_its_field(executor: Executor) -> None:
    answer = await ask(executor, "{ left { size path right { path } } }")
    assert answer["data"]["left"] == [
        {"size": 1, "path": "a", "right": [{"path": "aa"}]},
        {"size": None, "path": "b", "right": [{"path": "ba"}]},
    ]
    assert [(each["message"], each["path"]) for each in answer["errors"]] == [("no size", ["left", 1, "size"])]


async def test_a_resolver_that_computes_and_raises_is_asked_for_each_parent_alone(executor: Executor) -> None:
    answer = await ask(executor, "{ left { strict } }")
    assert answer["data"]["left"] == [{"strict": "a"}, {"strict": None}]


async def test_too_few_results_are_an_error_of_every_parent(executor: Executor) -> None:
    answer = await ask(executor, "{ left { short } }")
    assert answer["data"]["left"] == [{"short": None}] * 2
    assert {each["message"] for each in answer["errors"]} == {
        "Received wrong number of results in dataloader, expected: 2, received: 1"
    }


async def test_a_partial_value_has_its_errors_at_its_place(executor: Executor) -> None:
    answer = await ask(executor, "{ left { torn } }")
    assert answer["data"]["left"] == [{"torn": ["x"]}, {"torn": ["y"]}]
    assert [(each["message"], each["path"]) for each in answer["errors"]] == [("torn a", ["left", 0, "torn"])]


async def test_keys_are_in_the_order_of_the_document_and_merged(executor: Executor) -> None:
    query = "{ left { right { path } size ...P __typename } left { right { size } } } fragment P on Node { path size }"
    answer = await ask(executor, query)
    assert [list(each) for each in answer["data"]["left"]] == [["right", "size", "path", "__typename"]] * 2
    assert list(answer["data"]["left"][0]["right"][0]) == ["path", "size"]


@pytest.mark.parametrize("words", ['["once"]', "$words"])
async def test_no_request_sees_what_another_did_to_its_arguments(executor: Executor, words: str) -> None:
    declared = "($words: [String!]!)" if words == "$words" else ""
    for _ in range(2):
        answer = await ask(executor, f"query Q{declared} {{ left {{ word(words: {words}) }} }}", words=["once"])
        assert answer["data"]["left"] == [{"word": "once"}] * 2


async def test_one_plan_serves_every_value_of_the_variables(executor: Executor) -> None:
    query = """query Q($a: Boolean!, $b: Boolean! = false) {
        left { path @include(if: $a) ... @skip(if: $a) { right { size } } right @include(if: $b) { path } }
    }"""
    plan = executor.prepare(query).plan
    answers = {}
    for a in (True, False):
        for b in (True, False):
            answers[a, b] = (await ask(executor, query, a=a, b=b))["data"]["left"][0]
    assert executor.prepare(query).plan is plan
    assert answers == {
        (True, True): {"path": "a", "right": [{"path": "aa"}]},
        (True, False): {"path": "a"},
        (False, True): {"right": [{"size": 2, "path": "aa"}]},
        (False, False): {"right": [{"size": 2}]},
    }


def test_each_fragment_is_worked_out_once_for_a_type(executor: Executor) -> None:
    """Were it not, these forty would be worked out a million million times."""
    fragments = [f"fragment F{n} on Node {{ a: left {{ ...F{n + 1} }} b: left {{ ...F{n + 1} }} }}" for n in range(40)]
    query = f"{{ left {{ ...F0 }} }} {' '.join(fragments)} fragment F40 on Node {{ path }}"
    plan = executor.prepare(query).plan
    assert plan is not None
    assert len(_selections(plan.selection)) == 2 + 2 * 40


def _selections(start: Selection) -> set[Selection]:
    found, waiting = {start}, [start]
    while waiting:
        below = {each.only_selection for each in waiting.pop().fields if each.only_selection} - found
        found |= below
        waiting += below
    return found


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("{ __schema { queryType { name } } }", {"__schema": {"queryType": {"name": "Query"}}}),
        ("{ left { ordinary } }", {"left": [{"ordinary": "ordinary"}] * 2}),
        ("mutation { change { path } }", {"change": [{"path": "a"}]}),
        (
            "query Q($a: Boolean! = true) { left { ...P @skip(if: $a) ...P } } fragment P on Node { path }",
            {"left": [{"path": "a"}, {"path": "b"}]},
        ),
        ("{ " + "left { " * 70 + "path" + " }" * 71, None),
    ],
)
async def test_what_plans_do_not_cover_graphql_core_answers(
    executor: Executor, query: str, data: dict[str, Any] | None
) -> None:
    prepared = executor.prepare(query)
    assert prepared.plan is None
    if data is not None:
        assert await executor.execute(prepared, {}, Context()) == {"data": data}


async def test_a_condition_that_is_null_is_refused(executor: Executor) -> None:
    prepared = executor.prepare("query Q($a: Boolean = true) { left { path @include(if: $a) } }")
    with pytest.raises(RequestRefused) as refused:
        await executor.execute(prepared, {"a": None}, Context())
    assert refused.value.errors[0]["extensions"] == {"code": "BAD_USER_INPUT"}


class Permission(BasePermission):
    message = "no"

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        return False


class Louder(FieldExtension):
    def resolve(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        return next_(source, info, **kwargs).upper()


def _query(**parts: Any) -> type:
    field_: Any = strawberry.field(resolver=lambda: "x", metadata={METADATA_KEY: Batched(strict, {})}, **parts)
    return strawberry.type(type("Query", (), {"field": field_, "__annotations__": {"field": str}}))


@pytest.mark.parametrize("parts", [{"permission_classes": [Permission]}, {"extensions": [Louder()]}])
def test_a_batched_field_with_what_plans_would_ignore_stops_the_start(parts: dict[str, Any]) -> None:
    schema = core(query=_query(**parts))
    with pytest.raises(FeatureIgnored, match=r"Query\.field is batched and has permission classes or field extensions"):
        Executor(schema, encode_error=lambda error: (str(error), {}))


def test_extensions_of_the_schema_stop_the_start() -> None:
    with pytest.raises(FeatureIgnored, match="the schema has extensions"):
        Executor(core(query=_query(), extensions=[SchemaExtension]), encode_error=lambda error: (str(error), {}))


def test_a_resolver_that_was_replaced_stops_the_start() -> None:
    schema = core(query=_query())
    schema.query_type.fields["field"].resolve = lambda _root, _info: "other"
    with pytest.raises(FeatureIgnored, match=r"Query\.field has a resolver that something else was put before"):
        Executor(schema, encode_error=lambda error: (str(error), {}))


def test_a_type_that_has_to_be_awaited_stops_the_start() -> None:
    @strawberry.type
    class Slow:
        name: str

        @classmethod
        async def is_type_of(cls, _value: object, _info: Any) -> bool:
            return True

    with pytest.raises(FeatureIgnored, match=r"Slow\.is_type_of has to be awaited"):
        Executor(core(query=_query(), types=[Slow]), encode_error=lambda error: (str(error), {}))

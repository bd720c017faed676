"""A document that is asked again from a cursor on, however it says where to begin."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import strawberry
from graphql import print_ast

from engine.executor import Executor
from subscriptions.resuming import Resuming

CURSOR = "the cursor"


@strawberry.type
class Query:
    one: int = 1


@strawberry.type
class Event:
    begun: str

    @strawberry.field
    def wrong(self) -> str | None:
        raise ZeroDivisionError

    @strawberry.field
    def echo(self, text: str = "") -> str:
        return text


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def begin(self, name: str = "", after: str | None = None) -> AsyncGenerator[Event, None]:
        yield Event(begun=f"{name} after {after}")


@pytest.fixture
def executor() -> Executor:
    return Executor(strawberry.Schema(Query, subscription=Subscription)._schema, encode_error=lambda _: ("", {}))


async def nothing() -> object:
    return None


async def answered(executor: Executor, query: str, variables: dict[str, Any], name: str | None = None) -> Any:
    prepared, given = Resuming().resumed(executor.prepare(query, name), variables, CURSOR)
    return [event.response async for event in executor.subscribe(prepared, given, nothing)]


@pytest.mark.parametrize(
    ("query", "variables", "data"),
    [
        ("subscription { begin { begun } }", {}, {"begin": {"begun": f" after {CURSOR}"}}),
        ('subscription { begin(after: "x", name: "n") { begun } }', {}, {"begin": {"begun": f"n after {CURSOR}"}}),
        (
            "subscription S($a: String) { b: begin(after: $a) { begun } }",
            {"a": "old"},
            {"b": {"begun": f" after {CURSOR}"}},
        ),
        (
            'subscription S($a: String = "old", $n: String!) { begin(name: $n, after: $a) { begun } }',
            {"n": "n"},
            {"begin": {"begun": f"n after {CURSOR}"}},
        ),
        (
            "subscription S($a: String!) { begin(name: $a, after: $a) { begun echo(text: $a) } }",
            {"a": "mine"},
            {"begin": {"begun": f"mine after {CURSOR}", "echo": "mine"}},
        ),
        (
            "subscription S($a: String) { begin(after: $a) { begun } ... { begin(after: $a) { echo } } }",
            {},
            {"begin": {"begun": f" after {CURSOR}", "echo": ""}},
        ),
        (
            "subscription { ...A } fragment A on Subscription { ...B } fragment B on Subscription { begin { begun } }",
            {},
            {"begin": {"begun": f" after {CURSOR}"}},
        ),
        (
            "subscription S($lastEventId: String!) { begin(name: $lastEventId) { begun } }",
            {"lastEventId": "taken", "lastEventId_": "unused"},
            {"begin": {"begun": f"taken after {CURSOR}"}},
        ),
    ],
)
async def test_it_begins_after_the_cursor_and_is_otherwise_the_same(
    executor: Executor, query: str, variables: dict[str, Any], data: Any
) -> None:
    assert await answered(executor, query, variables) == [{"data": data}]


async def test_another_operation_of_the_document_stays_as_it_was(executor: Executor) -> None:
    query = "subscription S { begin { begun } } subscription T { begin(after: null) { begun } }"
    assert await answered(executor, query, {}, "S") == [{"data": {"begin": {"begun": f" after {CURSOR}"}}}]
    prepared, _ = Resuming().resumed(executor.prepare(query, "S"), {}, CURSOR)
    assert "begin(after: null)" in print_ast(prepared.document)


def test_nothing_is_parsed_or_compiled_again_and_all_cursors_have_one_operation(executor: Executor) -> None:
    prepared = executor.prepare("subscription { begin { begun } }")
    misses = executor.documents.counts.misses
    resuming = Resuming()
    first, _ = resuming.resumed(prepared, {}, "one")
    for name in ("lastEventId", "lastEventId_", "anything"):
        second, variables = resuming.resumed(prepared, {name: 1}, "another")
        assert second is first
        assert variables == {name: 1} | {"lastEventId": "another"}
    assert (first.plan, first.price) == (prepared.plan, prepared.price)
    assert executor.documents.counts.misses == misses


@pytest.mark.parametrize(
    "query", ["subscription { begin { begun } }", "subscription S($a: String) { begin(after: $a) { begun } }"]
)
def test_how_an_operation_is_resumed_is_forgotten_with_it(query: str, without_collector: None) -> None:
    executor = Executor(
        strawberry.Schema(Query, subscription=Subscription)._schema, encode_error=lambda _: ("", {}), documents=1
    )
    resuming = Resuming()
    resuming.resumed(executor.prepare(query), {}, CURSOR)
    assert len(resuming._ways) == 1
    executor.prepare("{ one }")
    assert len(resuming._ways) == 0


async def test_errors_tell_where_they_are_in_the_client_s_own_text(executor: Executor) -> None:
    query = 'subscription { begin(name: "x", after: null) { begun wrong } }'
    (answer,) = await answered(executor, query, {})
    assert answer["errors"][0]["locations"] == [{"line": 1, "column": query.index("wrong") + 1}]

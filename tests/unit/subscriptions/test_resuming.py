"""A document that is asked again from a cursor on, however it says where to begin."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import strawberry
from graphql import print_ast

from engine.executor import Executor
from subscriptions.resuming import resumed

CURSOR = "the cursor"


@strawberry.type
class Query:
    one: int = 1


@strawberry.type
class Event:
    begun: str

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
    prepared, given = resumed(executor, executor.prepare(query, name), variables, CURSOR)
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
    prepared, _ = resumed(executor, executor.prepare(query, "S"), {}, CURSOR)
    assert "begin(after: null)" in print_ast(prepared.document)


def test_a_document_is_compiled_once_for_all_cursors(executor: Executor) -> None:
    prepared = executor.prepare("subscription { begin { begun } }")
    first, _ = resumed(executor, prepared, {}, "one")
    misses = executor.documents.counts.misses
    second, variables = resumed(executor, prepared, {}, "another")
    assert second is first
    assert executor.documents.counts.misses == misses
    assert list(variables.values()) == ["another"]

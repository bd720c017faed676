"""Null for an argument that may not be, by a variable that may (GraphQL specification, section 5.8.5)."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import strawberry

from engine.executor import Executor
from engine.responses import RequestRefused
from support import zoo


def refuse_to_encode(error: Exception) -> tuple[str, dict[str, Any]]:
    """An encoder takes what it gets for our fault, and logs it."""
    raise AssertionError(error)


@pytest.fixture
def executor() -> Executor:
    return Executor(zoo.schema(), encode_error=refuse_to_encode)


@pytest.mark.parametrize(
    ("declared", "given", "place"),
    [
        ("By = {key: 900000004}", "by: $null", "'by' has invalid value"),
        ("Int = 900000004", "by: {ranges: [{least: $null}]}", "'by' has invalid value at .ranges[0].least"),
        ("Int = 900000004", "by: {key: 1}, within: {least: $null}", "'within' has invalid value at .least"),
    ],
)
async def test_it_is_the_client_s_mistake_with_a_plan_and_without(
    executor: Executor, declared: str, given: str, place: str
) -> None:
    answers: list[Any] = []
    for beside in ("", "__schema { queryType { name } }"):
        prepared = executor.prepare(f"query($null: {declared}) {{ resident({given}) {{ __typename }} {beside} }}")
        assert (prepared.plan is None) == bool(beside)
        answers.append(await executor.execute(prepared, {"null": None}, zoo.ZooContext(seed=1)))
    assert answers[0]["errors"] == answers[1]["errors"]
    assert answers[0]["data"]["resident"] is answers[1]["data"]["resident"] is None
    (error,) = answers[0]["errors"]
    assert (error["path"], error["extensions"]) == (["resident"], {"code": "BAD_USER_INPUT"})
    assert error["message"].startswith(f"Argument {place}: Expected variable '$null'")
    assert "900000004" not in str(answers)


@strawberry.type
class Query:
    ready: bool = True


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, ids: list[strawberry.ID]) -> AsyncGenerator[int, None]:
        for number, _ in enumerate(ids):
            yield number


async def test_it_refuses_a_stream() -> None:
    schema: Any = strawberry.Schema(query=Query, subscription=Subscription)
    executor = Executor(schema._schema, encode_error=refuse_to_encode)

    async def make_context() -> object:
        return zoo.ZooContext()

    prepared = executor.prepare('subscription($id: ID = "x") { ticks(ids: [$id]) }')
    with pytest.raises(RequestRefused) as refused:
        await anext(executor.subscribe(prepared, {"id": None}, make_context))
    assert [each["extensions"] for each in refused.value.errors] == [{"code": "BAD_USER_INPUT"}]

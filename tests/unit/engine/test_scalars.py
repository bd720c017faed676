"""Each value of each kind, read in place by generated code, is written as graphql-core writes it or fails as there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
import strawberry
from graphql import OperationDefinitionNode, execute_sync, parse
from graphql.execution.values import VariableValues

from engine.batching import RequestState, batched
from engine.breadth_first import execute
from engine.compiling import Compiler


@strawberry.enum
class Colour(Enum):
    RED = 1
    BLUE = "blue"


@dataclass(frozen=True)
class Same:
    """Every attribute has the same value."""

    value: Any

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.value


VALUES = [
    *(None, "", "a", "12", "1.5", "true", 0, -1, 2**31 - 1, 2**31, -(2**31), 10**30, 0.0, 1.0, 1.5, float("nan")),
    *(float("inf"), True, False, Decimal("1.5"), Colour.RED, Colour.BLUE, [], {}, b"x", ValueError("given"), object),
    *(datetime(2026, 5, 12, 9, 30, tzinfo=UTC), date(2026, 5, 12)),
]


def sames(roots: Sequence[None], _context: Any) -> Sequence[list[Same]]:
    return [[Same(value) for value in VALUES]] * len(roots)


@strawberry.type(name="Same")
class SameType:
    text: str | None
    id: strawberry.ID | None
    whole: int | None
    fraction: float | None
    truth: bool | None
    colour: Colour | None
    instant: datetime | None
    day: date | None
    anything: strawberry.scalars.JSON | None


@strawberry.type
class Query:
    sames: list[SameType] = batched(sames, description="")


FIELDS = ("text", "id", "whole", "fraction", "truth", "colour", "instant", "day", "anything")


@pytest.mark.parametrize("asked", [*FIELDS, " ".join(FIELDS)])
async def test_every_value(asked: str) -> None:
    schema: Any = strawberry.Schema(Query)
    document = parse(f"{{ sames {{ {asked} }} }}")
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    expected = execute_sync(schema._schema, document, context_value=RequestState())
    answer = await execute(Compiler(schema._schema).plan(document, operation), VariableValues({}, {}), RequestState())
    assert answer.data == expected.data
    assert list(map(str, answer.errors)) == list(map(str, expected.errors or []))

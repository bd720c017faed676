"""Variables that do not fit: what is said of them is short, whatever they hold."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import pytest
import strawberry

from engine.executor import Executor
from engine.responses import RequestRefused, Response


@strawberry.enum
class Colour(Enum):
    RED = 1


@strawberry.input
class Box:
    colour: Colour | None = None
    size: int | None = None


@strawberry.type
class Query:
    @strawberry.field
    def boxes(self, like: list[Box]) -> int:
        return len(like)


EXECUTOR = Executor(strawberry.Schema(Query)._schema, encode_error=lambda _: ("", {}))


async def _refused(like: Any, query: str = "query Q($like: [Box!]!) { boxes(like: $like) }") -> Sequence[Response]:
    with pytest.raises(RequestRefused) as refused:
        await EXECUTOR.execute(EXECUTOR.prepare(query), {"like": like}, None)
    return refused.value.errors


@pytest.mark.parametrize("value", ["O'Brien", "'", "a' does not exist 'b", "'" * 250_000])
async def test_an_apostrophe_in_a_value_gives_nothing_of_it_away(value: str) -> None:
    (error,) = await _refused({"colour": value})
    assert (
        error["message"] == "Variable '$like' has invalid value at .colour: The value does not exist in 'Colour' enum."
    )


async def test_a_name_that_is_no_field_is_told_shortened() -> None:
    (error,) = await _refused([{"x" * 250_000: 1}])
    assert error["message"].endswith(
        f"at [0]: Expected value of type 'Box' not to include unknown field '{'x' * 100}…'."
    )


async def test_twenty_errors_are_enough() -> None:
    errors = await _refused([{"size": "Jansen"}] * 300)
    assert len(errors) == 21
    assert (
        errors[0]["message"]
        == "Variable '$like' has invalid value at [0].size: Int cannot represent non-integer value."
    )
    assert "Jansen" not in str(errors)


async def test_what_only_graphql_core_executes_is_refused_in_the_same_words() -> None:
    query = "query Q($like: [Box!]!) { boxes(like: $like) __schema { queryType { name } } }"
    assert EXECUTOR.prepare(query).plan is None
    assert await _refused([{"colour": "O'Brien"}], query) == await _refused([{"colour": "O'Brien"}])

"""Values that do not fit: found where graphql-core finds them and told in its words, without what it prints of them."""

from typing import Any, NewType
from unittest.mock import patch

import pytest
import strawberry
from graphql import GraphQLError, ValuesOfCorrectTypeRule, build_schema, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import scalar

from engine.executor import Executor
from engine.literal_misfits import FittingValues
from engine.responses import RequestRefused, Response, invalid

SCHEMA = build_schema("""
    directive @oneOf on INPUT_OBJECT
    directive @at(n: Int!) on FIELD
    scalar Anything
    type Query { field(n: Int, m: Int!, s: String, i: ID, t: Boolean, f: Float, c: Colour, a: Anything, l: [Int!],
      k: [[Int]!]!, b: Box, o: Key): Int }
    enum Colour { RED BLUE }
    input Box { n: Int, m: Int!, l: [Int!], c: Colour, box: Box, key: Key, d: Int = 3, e: Int! = 4 }
    input Key @oneOf { n: Int, s: String, box: Box }
""")

leaves = st.sampled_from(
    ['"x"', '""', "1", "-7", "2147483648", "1.5", "true", "RED", "GREEN", "null", "$v", "{}", "[]"]
)
names = st.sampled_from(["n", "m", "s", "l", "c", "box", "key", "d", "e", "unknown"])
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: f"[{' '.join(each)}]")
        | st.dictionaries(names, inner, max_size=4).map(
            lambda each: f"{{{' '.join(f'{name}: {value}' for name, value in each.items())}}}"
        )
    ),
    max_leaves=6,
)
arguments = st.dictionaries(
    st.sampled_from(["n", "m", "s", "i", "t", "f", "c", "a", "l", "k", "b", "o", "unknown"]), values, max_size=4
)


def _wrong(text: str, rule: Any) -> list[Response]:
    """What a client sees of the errors; None is graphql-core's word for null."""
    found = [invalid(error) for error in validate(SCHEMA, parse(text), [rule], max_errors=1_000, hide_suggestions=True)]
    return [{**each, "message": each["message"].replace("to be None", "to be null")} for each in found]


@settings(max_examples=500)
@given(arguments, values, values)
def test_the_same_is_wrong_as_graphql_core_says(given: dict[str, str], default: str, decided: str) -> None:
    written = " ".join(f"{name}: {value}" for name, value in given.items())
    text = f"query Q($v: Box = {default.replace('$v', '1')}) {{ field({written} m: 1) @at(n: {decided}) }}"
    found, known = _wrong(text, FittingValues), _wrong(text, ValuesOfCorrectTypeRule)
    assert all("locations" in each for each in found)
    # graphql-core does not always know where a list or an object stands that a scalar does not take.
    assert [{**each, "locations": other.get("locations")} for each, other in zip(found, known, strict=True)] == [
        {**each, "locations": each.get("locations")} for each in known
    ]


def test_nothing_is_printed() -> None:
    many = " ".join(f"f{each}: 1" for each in range(600))
    for argument in ("b", "n", "c", "k"):
        document = parse(f"{{ field(m: 1, {argument}: {{{many}}}) }}")
        with patch("graphql.language.printer.reduce", side_effect=AssertionError):
            assert validate(SCHEMA, document, [FittingValues], max_errors=20)


def _no_day(_given: object) -> object:
    raise GraphQLError("That is no day.")


Day = NewType("Day", str)
CONFIG = StrawberryConfig(scalar_map={Day: scalar(name="Day", parse_value=_no_day)})


@strawberry.type
class Query:
    @strawberry.field
    def born(self, id: strawberry.ID, after: Day | None = None) -> int:
        return 1


def _executor() -> Executor:
    return Executor(strawberry.Schema(Query, config=CONFIG)._schema, encode_error=lambda _: ("", {}))


def _refused(query: str) -> Response:
    with pytest.raises(RequestRefused) as refused:
        _executor().prepare(query)
    (error,) = refused.value.errors
    return error


def test_a_scalar_s_own_error_says_where_its_value_stands() -> None:
    error = _refused('{ born(id: 1, after: "Jansen") }')
    assert error["locations"] == [{"line": 1, "column": 22}]
    assert error["message"] == "That is no day."


def test_null_is_called_null() -> None:
    assert _refused("{ born(id: null) }")["message"] == "Expected value of non-null type 'ID!' not to be null."


async def test_null_in_a_variable_is_called_null() -> None:
    executor = _executor()
    with pytest.raises(RequestRefused) as refused:
        await executor.execute(executor.prepare("query Q($id: ID!) { born(id: $id) }"), {"id": None}, None)
    expected = "Variable '$id' has invalid value: Expected value of non-null type 'ID!' not to be null."
    assert refused.value.errors[0]["message"] == expected


@pytest.mark.parametrize(
    "query", ["{}", "{ born {} }", "query Q {}", "{ ... on Query {} }", "{ born } fragment F on Query {}"]
)
def test_braces_with_nothing_in_them_are_an_error_of_syntax(query: str) -> None:
    assert _refused(query)["extensions"] == {"code": "GRAPHQL_PARSE_FAILED"}

"""Variables are coerced as graphql-core does it, whatever is given for them, and refused as clients see its words."""

from collections.abc import Mapping
from typing import Any, cast

import pytest
from graphql import GraphQLError, GraphQLScalarType, OperationDefinitionNode, build_schema, parse
from graphql.execution.values import VariableValues, get_variable_values
from hypothesis import given
from hypothesis import strategies as st

from engine.responses import unfit
from engine.variables import OperationVariables

SCHEMA = build_schema("""
    type Query { field: Int }
    enum Colour { RED BLUE }
    directive @oneOf on INPUT_OBJECT
    input Size { height: Int! width: Int = 3 key: Key colours: [Colour!] }
    input Key @oneOf { n: Int s: String }
    scalar Day
    scalar Text
""")


def _day(value: object) -> str:
    if value != "MONDAY":
        raise GraphQLError("Day takes MONDAY.")
    return "monday"


cast("GraphQLScalarType", SCHEMA.get_type("Day")).coerce_input_value = _day
cast("GraphQLScalarType", SCHEMA.get_type("Text")).coerce_input_value = str

TYPES = ["String", "ID", "Int", "Float", "Boolean", "Colour", "Day", "Text", "[Int]", "[Colour!]", "Size", "[Key!]"]
DEFAULTS = {"String": '"a"', "Int": "1", "Colour": "RED", "Day": '"MONDAY"', "Boolean": "null", "Size": "{height: 1}"}

types = st.builds(str.__add__, st.sampled_from(TYPES), st.sampled_from(["", "!"]))
leaves = st.sampled_from([None, "", "RED", "MONDAY", "PINK", 0, 1, 2**31, 2**53, -0.0, 0.5, 1.0, True, False])
keys = leaves | st.dictionaries(st.sampled_from(["n", "s", "x"]), leaves)
sizes = st.dictionaries(
    st.sampled_from(["height", "width", "key", "colours", "x"]), keys | st.lists(leaves, max_size=2)
)
values = leaves | st.lists(keys, max_size=2) | sizes


@st.composite
def operations(draw: st.DrawFn) -> tuple[str, Mapping[str, Any]]:
    """The variables of an operation, and what is given for them."""
    definitions: list[str] = []
    given: dict[str, Any] = {"unknown": 1} if draw(st.booleans()) else {}
    for index, type_ in enumerate(draw(st.lists(types, min_size=1, max_size=3))):
        default = DEFAULTS.get(type_.rstrip("!"))
        is_left_to_it = default is not None and not (type_.endswith("!") and default == "null") and draw(st.booleans())
        definitions.append(f"$v{index}: {type_}{f' = {default}' if is_left_to_it else ''}")
        if draw(st.integers(0, 3)):
            given[f"v{index}"] = draw(values)
    return ", ".join(definitions), given


def _told(found: object) -> object:
    if not isinstance(found, VariableValues):
        return sorted(unfit(cast("list[GraphQLError]", found)).errors, key=str)
    sources = {name: (each.signature.name, repr(each.value)) for name, each in found.sources.items()}
    return {name: (type(each), each) for name, each in found.coerced.items()}, sources


def compare(definitions: str, given: Mapping[str, Any]) -> None:
    operation = parse(f"query ({definitions}) {{ field }}").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    expected = get_variable_values(
        SCHEMA, operation.variable_definitions or (), dict(given), max_errors=50, hide_suggestions=True
    )
    assert _told(OperationVariables(SCHEMA, operation).coerced(given)) == _told(expected)


@given(operations())
def test_variables_are_coerced_as_graphql_core_does_it(asked: tuple[str, Mapping[str, Any]]) -> None:
    compare(*asked)


@pytest.mark.parametrize(
    ("definitions", "given"),
    [
        ("$v: Text!", {}),
        ("$v: Text!", {"v": None}),
        ("$v: Text", {}),
        ("$v: Text", {"v": None}),
        ("$v: String", {"v": 1}),
        ("$v: Int!", {"v": 2**31}),
        ('$v: String! = "a"', {}),
        ('$v: String! = "a"', {"v": None}),
        ("$v: Missing", {"v": 1}),
        ("$v: Query", {"v": 1}),
        ("$v: [[Int]]", {"v": [[1], 2, None]}),
        ("$v: [[Int]]", {"v": [[1], [2, "a"], None]}),
        ("$v: [Int!]", {"v": ["a"] * 19}),
    ],
)
def test_values_at_the_edges(definitions: str, given: Mapping[str, Any]) -> None:
    compare(definitions, given)

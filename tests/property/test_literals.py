"""Arguments are read as graphql-core does it, whatever stands in the document and is given for its variables."""

from collections.abc import Mapping
from typing import Any, cast

import pytest
from graphql import (
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    build_schema,
    get_argument_values,
    parse,
    validate,
)
from graphql.execution.values import VariableValues, get_variable_values
from hypothesis import event, given
from hypothesis import strategies as st

from engine.literals import Unusual, WrittenMembers, written_members

SCHEMA = build_schema("""
    directive @oneOf on INPUT_OBJECT
    type Query { field(n: Int, m: Int!, s: String, c: Colour, l: [Int], k: [Int!]!, b: Box, o: Key, d: Int = 3): Int }
    enum Colour { RED BLUE }
    input Box { n: Int, m: Int!, l: [Int!], c: Colour, box: Box, key: Key, d: Int = 3 }
    input Key @oneOf { n: Int, s: String, box: Box }
""")
QUERY = cast("Any", SCHEMA.query_type).fields["field"]
VARIABLES = {"n": "Int", "m": "Int!", "s": "String", "c": "Colour", "l": "[Int]", "k": "[Int!]!", "t": "String!"}
GOOD = {"n": 1, "m": 2, "s": "s", "c": "RED", "l": [1, None], "k": [1], "t": "t"}

numbers, required_numbers = st.sampled_from(["1", "2", "null", "$n", "$m"]), st.sampled_from(["1", "$m"])
texts, required_texts = st.sampled_from(['"a"', "null", "$s", "$t"]), st.sampled_from(['"a"', "$t"])
colours = st.sampled_from(["RED", "null", "$c"])
lists = st.sampled_from(["1", "[1, 2]", "[]", "[1, null]", "null", "$l", "$k", "[$n]", "[$m, 1]", "[$n, $m]"])
required_lists = st.sampled_from(["1", "[1, 2]", "[]", "$k", "[$m, 1]"])


def objects(
    optional: Mapping[str, st.SearchStrategy[str]], required: Mapping[str, st.SearchStrategy[str]]
) -> st.SearchStrategy[str]:
    return st.fixed_dictionaries(dict(required), optional=dict(optional)).map(
        lambda given: "{" + ", ".join(f"{name}: {value}" for name, value in given.items()) + "}"
    )


def keys(box: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    choices: dict[str, st.SearchStrategy[str]] = {"n": required_numbers, "s": required_texts, "box": box}
    return st.one_of([objects({}, {name: each}) for name, each in choices.items()])


def boxes(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    listed = required_lists | st.just("null")
    optional = {"n": numbers, "l": listed, "c": colours, "box": inner | st.just("null"), "key": keys(inner)}
    return objects({**optional, "d": numbers}, {"m": required_numbers})


box = st.recursive(st.sampled_from(["{m: 1}", "{m: $m, d: 1, n: $n}"]), boxes, max_leaves=3)
OPTIONAL = {
    "n": numbers,
    "s": texts,
    "c": colours,
    "l": lists,
    "b": box | st.just("null"),
    "o": keys(box),
    "d": numbers,
}
REQUIRED = {"m": required_numbers, "k": required_lists}
arguments = objects(OPTIONAL, REQUIRED).map(lambda written: written[1:-1])
values = st.fixed_dictionaries(
    {name: st.just(GOOD[name]) for name in ("m", "k", "t")},
    optional={name: st.sampled_from([GOOD[name], None]) for name in ("n", "s", "c", "l")},
)


def _expected(node: FieldNode, variables: VariableValues) -> object:
    try:
        return get_argument_values(QUERY, node, variables)
    except GraphQLError as error:
        return error.message


def compare(written: str, given: Mapping[str, Any]) -> bool:
    """Whether the arguments could be read at all without graphql-core; where they can, it says the same of them."""
    wanted = [name for name in VARIABLES if f"${name}" in written]
    declared = ", ".join(f"${name}: {VARIABLES[name]}" for name in wanted)
    document = parse(f"query {f'({declared})' if declared else ''} {{ field {f'({written})' if written else ''} }}")
    assert not validate(SCHEMA, document)
    operation = cast("OperationDefinitionNode", document.definitions[0])
    variables = get_variable_values(SCHEMA, operation.variable_definitions or (), dict(given))
    assert isinstance(variables, VariableValues)
    node = cast("FieldNode", operation.selection_set.selections[0])
    found = written_members(QUERY.args, {each.name.value: each.value for each in node.arguments or ()})
    if found is None:
        return False
    expected = _expected(node, variables)
    try:
        read = found.read(variables.coerced)
    except Unusual:
        return False
    assert (read, repr(read)) == (expected, repr(expected))
    return True


@given(arguments, values)
def test_arguments_are_read_as_graphql_core_does_it(written: str, given: Mapping[str, Any]) -> None:
    event(f"read: {compare(written, given)}")


USUAL = [
    "m: 1, k: [1], d: 3",
    "m: $m, k: $k, d: 3, n: $n, s: $s",
    "m: 1, k: 1, d: 1, o: {n: $m}",
    "m: 1, k: [$m], d: 1, b: {m: $m, l: [1, $m], d: 1, box: {m: 1, d: 2}, key: {s: $t}}",
]


@pytest.mark.parametrize("written", USUAL)
@pytest.mark.parametrize("given", [GOOD, {"m": 2, "k": [], "t": "t"}])
def test_what_is_usual_is_read_without_graphql_core(written: str, given: Mapping[str, Any]) -> None:
    assert compare(written, given)


def test_what_can_be_changed_is_made_anew() -> None:
    node = cast("Any", parse("{ field(m: 1, k: [1], b: {m: 1, d: 1}, d: 1) }").definitions[0]).selection_set.selections
    found = written_members(QUERY.args, {each.name.value: each.value for each in node[0].arguments})
    assert isinstance(found, WrittenMembers)
    first, second = found.read({}), found.read({})
    assert first == second
    assert first["k"] is not second["k"]
    assert first["b"] is not second["b"]

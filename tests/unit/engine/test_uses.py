"""What an operation uses of a schema."""

from typing import Any, cast

import pytest
from graphql import OperationDefinitionNode, build_schema, parse

from engine.uses import Uses

SCHEMA = build_schema(
    """
    type Query { named(id: ID, where: Where): Named things(first: Int, where: [Where!]): [Thing!]! }
    input Where { name: String, inner: Where }
    interface Named { name: String }
    type Thing implements Named { name: String size(unit: String): Int other: Thing }
    """
)


def used(document: str, operation: int = 0, **variables: Any) -> set[str]:
    parsed = parse(document)
    return set(Uses(SCHEMA, parsed, cast("OperationDefinitionNode", parsed.definitions[operation])).by(variables))


def test_fields_and_arguments_by_their_types() -> None:
    assert used('{ things(first: 1) { name size(unit: "cm") } }') == {
        "Query.things",
        "Query.things(first:)",
        "Thing.name",
        "Thing.size",
        "Thing.size(unit:)",
    }


def test_aliases_introspection_and_directives_are_no_uses() -> None:
    assert used(
        "query($on: Boolean!) { a: things { __typename b: name @include(if: $on) } __schema { types { name } } }"
    ) == {
        "Query.things",
        "Thing.name",
    }


def test_a_field_of_an_interface_is_the_interface_s() -> None:
    assert used("{ named { name ... on Thing { other { name } } } }") == {
        "Query.named",
        "Named.name",
        "Thing.other",
        "Thing.name",
    }


def test_input_fields_in_literals() -> None:
    assert used('{ things(where: [{ inner: { name: "x" } }]) { name } }') == {
        "Query.things",
        "Query.things(where:)",
        "Where.inner",
        "Where.name",
        "Thing.name",
    }


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ([{"name": "x"}], {"Where.name"}),
        ([{"inner": {"inner": {"name": None}}}, {"inner": None}], {"Where.inner", "Where.name"}),
        ({"name": "x"}, {"Where.name"}),
        ([{"nothing": {"name": "x"}}, 5, None], set[str]()),
        (None, set[str]()),
        ("x", set[str]()),
    ],
)
def test_input_fields_in_variables(where: Any, found: set[str]) -> None:
    always = {"Query.things", "Query.things(where:)", "Thing.name"}
    assert (
        used("query($where: [Where!], $n: Int) { things(where: $where) { name } }", where=where, n=1) == always | found
    )


def test_input_fields_in_the_default_of_a_variable() -> None:
    assert used('query($where: [Where!] = {name: "x"}) { things(where: $where) { name } }') == {
        "Query.things",
        "Query.things(where:)",
        "Where.name",
        "Thing.name",
    }


def test_another_operation_of_the_document_is_not_used() -> None:
    document = "query A { things { ...F } } query B { named { name } } fragment F on Thing { name }"
    assert used(document, 0) == {"Query.things", "Thing.name"}
    assert used(document, 1) == {"Query.named", "Named.name"}

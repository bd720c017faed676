"""What an operation uses of a schema."""

from graphql import build_schema, parse

from engine.uses import uses

SCHEMA = build_schema(
    """
    type Query { named(id: ID, where: Where): Named things(first: Int, where: [Where!]): [Thing!]! }
    input Where { name: String, inner: Where }
    interface Named { name: String }
    type Thing implements Named { name: String size(unit: String): Int other: Thing }
    """
)


def used(document: str, operation: int = 0) -> set[str]:
    parsed = parse(document)
    return set(uses(SCHEMA, parsed, parsed.definitions[operation]))  # type: ignore[arg-type]


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


def test_another_operation_of_the_document_is_not_used() -> None:
    document = "query A { things { ...F } } query B { named { name } } fragment F on Thing { name }"
    assert used(document, 0) == {"Query.things", "Thing.name"}
    assert used(document, 1) == {"Query.named", "Named.name", "Thing.name"}

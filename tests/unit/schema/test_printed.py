"""The printed schema is the schema, and every element of it is described."""

from collections.abc import Iterator

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType

from schema.building import PRINTED, build, executable


def test_the_printed_schema_is_the_schema() -> None:
    assert PRINTED.read_text() == build().as_str() + "\n", "run: omniloket schema > schema/schema.graphql"


def test_everything_is_described() -> None:
    assert [name for name, description in _elements() if not description] == []


def _elements() -> Iterator[tuple[str, str | None]]:
    for name, each in executable().type_map.items():
        if name.startswith("__") or name in ("String", "Int", "Float", "Boolean", "ID"):
            continue
        yield name, each.description
        if isinstance(each, GraphQLEnumType):
            yield from ((f"{name}.{value}", found.description) for value, found in each.values.items())
        if isinstance(each, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field_name, field in each.fields.items():
                yield f"{name}.{field_name}", field.description
                for argument_name, argument in getattr(field, "args", {}).items():
                    yield f"{name}.{field_name}({argument_name})", argument.description

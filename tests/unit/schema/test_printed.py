"""The printed schemas are the schema, and every element of it is described."""

import re
from collections.abc import Iterator

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
)

from schema.building import PRINTED, PRINTED_SUBGRAPH, executable, printed, subgraph

GATEWAYS_OWN = {"_Any", "_Entity", "_FieldSet", "_Service", "link__Import", "link__Purpose"}


def test_the_printed_schema_is_the_schema() -> None:
    assert PRINTED.read_text() == printed(), "run: omniloket schema > schema/schema.graphql"


def test_the_printed_subgraph_is_the_schema() -> None:
    assert PRINTED_SUBGRAPH.read_text() == subgraph(), "run: omniloket schema --federation > schema/subgraph.graphql"


def test_front_ends_are_shown_all_that_is_asked_save_what_gateways_ask() -> None:
    shown, served = build_schema(printed()).type_map, executable().type_map
    assert served.keys() - shown.keys() == GATEWAYS_OWN
    for name, each in served.items():
        if isinstance(each, GraphQLObjectType) and name not in GATEWAYS_OWN and not name.startswith("__"):
            own = each.fields.keys() - shown[name].fields.keys()  # type: ignore[attr-defined]
            assert own == ({"_entities", "_service"} if name == "Query" else set())
    assert set(re.findall(r"@\w+", printed())) == {"@access", "@cost", "@listSize", "@oneOf"}


def test_everything_is_described() -> None:
    assert [name for name, description in _elements() if not description] == []


def _elements() -> Iterator[tuple[str, str | None]]:
    for name, each in executable().type_map.items():
        if name.startswith(("__", "link__")) or name in ("_FieldSet", "String", "Int", "Float", "Boolean", "ID"):
            continue
        yield name, each.description
        if isinstance(each, GraphQLEnumType):
            yield from ((f"{name}.{value}", found.description) for value, found in each.values.items())
        if isinstance(each, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field_name, field in each.fields.items():
                yield f"{name}.{field_name}", field.description
                for argument_name, argument in getattr(field, "args", {}).items():
                    yield f"{name}.{field_name}({argument_name})", argument.description

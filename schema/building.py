"""The schema as a whole, and its printed forms."""

from functools import cache
from pathlib import Path
from typing import Any, cast

import strawberry
from graphql import (
    DirectiveNode,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLOneOfDirective,
    GraphQLSchema,
    NameNode,
    Node,
    SchemaDefinitionNode,
    Visitor,
    build_ast_schema,
    is_introspection_type,
    is_specified_scalar_type,
    parse,
    print_directive,
    print_type,
    visit,
)
from strawberry.federation.schema import FederationAny

from schema.federation import ANY, VERSION
from schema.live import Subscription
from schema.query import Query
from schema.scalars import CONFIG

PRINTED = Path(__file__).with_name("schema.graphql")
"""The schema as front-ends know it; a test compares it with what `printed` gives."""

PRINTED_SUBGRAPH = Path(__file__).with_name("subgraph.graphql")
"""The schema as gateways know it; a test compares it with what `subgraph` gives."""

_FEDERATION_DIRECTIVES = {"inaccessible", "key", "shareable"}


@cache
def build(query: type = Query) -> strawberry.Schema:
    """The one schema of the house."""
    return strawberry.federation.Schema(
        query=query,
        subscription=Subscription,
        config=CONFIG,
        scalar_overrides={FederationAny: ANY},
        federation_version=VERSION,
    )


def executable() -> GraphQLSchema:
    """The same schema in graphql-core's terms, as executors take it.

    Strawberry leaves out which inputs are OneOf, and graphql-core would find two fields in one only when it executes.
    """
    schema: GraphQLSchema = cast(Any, build())._schema
    for each in schema.type_map.values():
        if isinstance(each, GraphQLInputObjectType):
            each.is_one_of = cast(Any, each.extensions)["strawberry-definition"].is_one_of
    return schema


def subgraph() -> str:
    """The schema in SDL for gateways: with federation directives."""
    return build().as_str() + "\n"


def printed() -> str:
    """The schema in SDL for front-ends: the same without what federation adds to it."""
    schema = build_ast_schema(visit(parse(subgraph(), no_location=True), _WithoutFederation()))
    types = sorted((each for each in schema.type_map.values() if _is_shown(each)), key=lambda each: each.name)
    return "\n\n".join([print_directive(GraphQLOneOfDirective), *map(print_type, types)]) + "\n"


def _is_shown(type_: GraphQLNamedType) -> bool:
    """Whether a type is the schema's own: neither built in nor introspection's."""
    return not is_specified_scalar_type(type_) and not is_introspection_type(type_)


class _WithoutFederation(Visitor):
    """Removes the directives that a gateway reads, and all whose name begins with an underscore."""

    def enter(self, node: Node, *_: object) -> Any:
        name = getattr(node, "name", None)
        if isinstance(node, SchemaDefinitionNode) or (isinstance(name, NameNode) and name.value.startswith("_")):
            return self.REMOVE
        if isinstance(node, DirectiveNode) and node.name.value in _FEDERATION_DIRECTIVES:
            return self.REMOVE
        return None

"""The schema as a whole, and its printed forms."""

from functools import cache
from pathlib import Path
from typing import Any, cast

import strawberry
from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DirectiveNode,
    DocumentNode,
    GraphQLInputObjectType,
    GraphQLSchema,
    NameNode,
    Node,
    SchemaDefinitionNode,
    Visitor,
    parse,
    print_ast,
    visit,
)
from strawberry.federation.schema import FederationAny

from engine.runtime_types import DEFINITION
from schema.federation import ANY, VERSION
from schema.live import Subscription
from schema.query import Query
from schema.rules import Hidden, check, put_guards
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


def executable(hidden: Hidden | None = None, query: type = Query) -> GraphQLSchema:
    """The same schema in graphql-core's terms, as executors take it: with a guard before each field that needs one.

    `hidden` is what a deployment hides from some roles. Raises RulesBroken.

    Strawberry leaves out which inputs are OneOf, and graphql-core would find two fields in one only when it executes.
    """
    # A schema of its own: the guards of one house are not another's.
    schema: GraphQLSchema = cast("Any", build.__wrapped__(query))._schema
    check(schema, hidden)
    put_guards(schema, hidden)
    for each in schema.type_map.values():
        if isinstance(each, GraphQLInputObjectType):
            each.is_one_of = cast("Any", each.extensions)[DEFINITION].is_one_of
    return schema


def subgraph() -> str:
    """The schema in SDL for gateways: with federation directives."""
    return build().as_str() + "\n"


def printed() -> str:
    """The schema in SDL for front-ends: the same without what federation adds to it, by name."""
    shown: DocumentNode = visit(parse(subgraph(), no_location=True), _WithoutFederation())
    definitions = sorted(shown.definitions, key=_order)
    return "\n\n".join(_spaced(print_ast(each)) for each in definitions) + "\n"


def _order(definition: DefinitionNode) -> tuple[bool, str]:
    """Directives first, then types by name."""
    return not isinstance(definition, DirectiveDefinitionNode), cast("Any", definition).name.value


def _spaced(text: str) -> str:
    """SDL with a blank line before each description that another element precedes."""
    lines: list[str] = []
    is_inside = False
    for line in text.splitlines():
        marks = line.count('"""')
        if marks and not is_inside and lines and not lines[-1].endswith(("{", "(")):
            lines.append("")
        lines.append(line)
        is_inside ^= marks == 1
    return "\n".join(lines)


class _WithoutFederation(Visitor):
    """Removes the directives that a gateway reads, and all whose name begins with an underscore."""

    def enter(self, node: Node, *_: object) -> Any:
        name = getattr(node, "name", None)
        if isinstance(node, SchemaDefinitionNode) or (isinstance(name, NameNode) and name.value.startswith("_")):
            return self.REMOVE
        if isinstance(node, DirectiveNode) and node.name.value in _FEDERATION_DIRECTIVES:
            return self.REMOVE
        return None

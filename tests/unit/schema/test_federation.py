"""What the subgraph says of its entities is what the resolvers answer."""

import re

from graphql import ObjectTypeDefinitionNode, parse, print_ast

from engine.batching import METADATA_KEY, Batched
from engine.runtime_types import DEFINITION
from resolvers.entities import KEYS, MOST
from schema.building import executable, subgraph


def test_entities_have_the_keys_that_the_subgraph_names() -> None:
    keys = {
        each.name.value: tuple(re.findall(r'@key\(fields: "(\w+)"\)', print_ast(each)))
        for each in parse(subgraph()).definitions
        if isinstance(each, ObjectTypeDefinitionNode)
    }
    assert {name: fields for name, fields in keys.items() if fields} == KEYS
    assert f"at most {MOST:,}." in subgraph()


def test_what_a_gateway_asks_is_declared_for_any_executor_as_every_other_root_field() -> None:
    query = executable().query_type
    assert query is not None
    assert {"_entities", "_service"} < query.fields.keys()
    for name, field in query.fields.items():
        assert isinstance(field.extensions[DEFINITION].metadata[METADATA_KEY], Batched), name

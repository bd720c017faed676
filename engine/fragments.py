"""The fragments of a document, and the types that they apply to."""

from typing import Any

from graphql import DocumentNode, FragmentDefinitionNode, GraphQLObjectType, GraphQLSchema, is_abstract_type


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """The fragments that a document defines, by name; of several of one name, which no valid document has, the last."""
    return {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}


def applies(schema: GraphQLSchema, condition: str, type_: GraphQLObjectType) -> bool:
    """DoesFragmentTypeApply (GraphQL specification, section 6.3.2), for a type condition by its name."""
    named: Any = schema.get_type(condition)
    return named is type_ or (is_abstract_type(named) and schema.is_sub_type(named, type_))

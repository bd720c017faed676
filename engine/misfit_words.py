"""What is said of a value that does not fit its type, in a document or in variables: graphql-core's words.

They never hold the value itself. Those about a document end with a full stop, which is not part of them here; those
about variables get theirs from responses.py.
"""

from graphql import GraphQLInputObjectType


def is_null(type_: object) -> str:
    """Null, of a type that is non-null. graphql-core calls it None."""
    return f"Expected value of non-null type '{type_}' not to be null"


def is_no_object(type_: GraphQLInputObjectType) -> str:
    return f"Expected value of type '{type_}' to be an object"


def lacks_field(type_: GraphQLInputObjectType, name: str) -> str:
    return f"Expected value of type '{type_}' to include required field '{name}'"


def has_unknown_field(type_: GraphQLInputObjectType, name: str) -> str:
    return f"Expected value of type '{type_}' not to include unknown field '{name}'"


def is_not_one_of(type_: GraphQLInputObjectType) -> str:
    """A OneOf input with no field, several, or one that is null."""
    return (
        f"Within OneOf Input Object type '{type_}', exactly one field must be specified, and the value for that field"
        " must be non-null"
    )


def is_of_another_type(type_: object) -> str:
    """A scalar or enum that does not take the value, and does not say why."""
    return f"Expected value of type '{type_}'"

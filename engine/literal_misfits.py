"""A rule of validation in place of graphql-core's own: whether values fit their types, found out without printing any.

graphql-core prints the whole value into each message about it, and an object once for each of its unknown fields: one
with 600 of them is printed twenty times, until there are errors enough. Clients never see what is printed
(responses.py). The words are the same otherwise, but for null, which graphql-core calls None; and an error of any
scalar says where its value stands.
"""

from collections.abc import Iterator
from typing import Any, cast

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    ListValueNode,
    Node,
    NullValueNode,
    ObjectValueNode,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableNode,
    is_required_input_field,
    is_specified_scalar_type,
)
from graphql import utilities as core
from graphql.pyutils import Undefined

from engine import misfit_words


class FittingValues(ValuesOfCorrectTypeRule):
    """Literals are of the type that their place wants (GraphQL specification, section 5.6.1)."""

    def is_valid_value_node(self, node: ValueNode, input_type: Any) -> Any:
        if input_type is not None:
            for error in misfits(node, input_type):
                self.report_error(error)
        return self.SKIP


def misfits(node: ValueNode, type_: Any) -> Iterator[GraphQLError]:
    """What does not fit a type in a value, with where it stands. Variables are for other rules."""
    if isinstance(node, VariableNode):
        return
    if isinstance(type_, GraphQLNonNull):
        if isinstance(node, NullValueNode):
            yield _error(misfit_words.is_null(cast("Any", type_)), node)
        else:
            yield from misfits(node, cast("Any", type_).of_type)
    elif isinstance(node, NullValueNode):
        return
    elif isinstance(type_, GraphQLList):
        for each in node.values if isinstance(node, ListValueNode) else [node]:
            yield from misfits(each, cast("Any", type_).of_type)
    elif isinstance(type_, GraphQLInputObjectType):
        yield from _of_object(node, type_)
    else:
        yield from _of_leaf(node, type_)


def _of_object(node: ValueNode, type_: GraphQLInputObjectType) -> Iterator[GraphQLError]:
    if not isinstance(node, ObjectValueNode):
        yield _error(misfit_words.is_no_object(type_), node)
        return
    given = {each.name.value: each.value for each in node.fields}
    for name, field in type_.fields.items():
        if name in given:
            yield from misfits(given[name], field.type)
        elif is_required_input_field(field):
            yield _error(misfit_words.lacks_field(type_, name), node)
    for each in node.fields:
        if each.name.value not in type_.fields:
            yield _error(misfit_words.has_unknown_field(type_, each.name.value), each)
    if type_.is_one_of:
        known = [each.value for each in node.fields if each.name.value in type_.fields]
        if len(known) != 1 or isinstance(known[0], NullValueNode):
            yield _error(misfit_words.is_not_one_of(type_), node)


def _of_leaf(node: ValueNode, type_: Any) -> Iterator[GraphQLError]:
    try:
        value = _coerced(_shown(node, type_), type_)
    except GraphQLError as error:
        yield GraphQLError(error.message, node)
        return
    except Exception:
        value = Undefined  # whatever else a scalar raises says as much
    if value is Undefined:
        yield _error(misfit_words.is_of_another_type(type_), node)


def _error(said: str, node: Node) -> GraphQLError:
    return GraphQLError(f"{said}.", node)


def _shown(node: ValueNode, type_: Any) -> ValueNode:
    """What a type is shown of a value. GraphQL's own types take no lists and objects, and print them to say so."""
    if isinstance(type_, GraphQLEnumType) or is_specified_scalar_type(type_):
        if isinstance(node, ListValueNode):
            return ListValueNode(values=())
        if isinstance(node, ObjectValueNode):
            return ObjectValueNode(fields=())
    return node


def _coerced(node: ValueNode, type_: Any) -> Any:
    """As graphql-core does it where no variable has a value yet. Raises what the type raises."""
    if isinstance(type_, GraphQLEnumType):
        return cast("Any", type_).coerce_input_literal(node, hide_suggestions=True)
    if type_.coerce_input_literal is not None:
        return type_.coerce_input_literal(cast("Any", core).replace_variables(node, None, None))
    return type_.parse_literal(node, None)

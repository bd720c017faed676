"""Values as they stand in a document, coerced as graphql-core does it; what their types are is read once.

graphql-core looks at each type anew for every request. What is seldom is still left to it, and so is what does not fit:
the messages are its own.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, time
from enum import Enum
from typing import Any, cast

import graphql
from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
)
from graphql.pyutils import Undefined

_coerced: Callable[..., Any] = cast("Any", graphql).coerce_input_literal

IMMUTABLE = (str, int, float, Enum, date, time, type(None))

Read = Callable[[Mapping[str, Any]], Any]
"""From the variables of a request, coerced, to a value; Undefined for a variable that was left out. Raises Unusual."""


class Unusual(Exception):
    """A value that graphql-core has to look at."""


class WrittenMembers:
    """Arguments of a field, or fields of an input object, as a document gives them."""

    def __init__(self, members: Sequence[tuple[str, bool, Read]]) -> None:
        self._members = members

    def read(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Those that are given, by name. Raises Unusual."""
        found: dict[str, Any] = {}
        for name, may_be_left_out, read in self._members:
            value = read(variables)
            if value is not Undefined:
                found[name] = value
            elif not may_be_left_out:
                raise Unusual
        return found


def written_members(
    declared: Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField], written: Mapping[str, ValueNode]
) -> WrittenMembers | None:
    """How what is written is read; None where that is left to graphql-core: defaults, and what is wrong."""
    found: list[tuple[str, bool, Read]] = []
    for name, each in cast("Mapping[str, Any]", declared).items():
        type_: Any = each.type
        may_be_left_out = not isinstance(type_, GraphQLNonNull) and not _has_default(each)
        read = _read(written[name], type_) if name in written else None
        if read is not None:
            found.append((each.out_name or name, may_be_left_out, read))
        elif name in written or not may_be_left_out:
            return None
    return WrittenMembers(found) if written.keys() <= declared.keys() else None


def has_variable(value: ValueNode) -> bool:
    """Whether a variable stands in a value, at any depth."""
    if isinstance(value, VariableNode):
        return True
    inside = [*getattr(value, "values", ()), *(each.value for each in getattr(value, "fields", ()))]
    return any(map(has_variable, inside))


def _read(node: ValueNode, type_: Any) -> Read | None:
    if isinstance(node, VariableNode):
        return _of_variable(node.name.value, is_nullable=not isinstance(type_, GraphQLNonNull))
    if not has_variable(node):
        return _of_constant(node, type_)
    inner: Any = cast("Any", type_).of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(node, ListValueNode) and isinstance(inner, GraphQLList):
        return _of_list(node, cast("Any", inner).of_type)
    if isinstance(node, ObjectValueNode) and isinstance(inner, GraphQLInputObjectType):
        return _of_object(node, inner)
    return None


def _of_variable(name: str, *, is_nullable: bool) -> Read:
    def read(variables: Mapping[str, Any]) -> Any:
        value = variables.get(name, Undefined)
        if value is None and not is_nullable:
            raise Unusual
        return value

    return read


def _of_constant(node: ValueNode, type_: Any) -> Read | None:
    """What could be changed is made anew for each request."""
    value = _coerced(node, type_)
    if value is Undefined:
        return None
    if isinstance(value, IMMUTABLE):
        return lambda _variables: value
    return lambda _variables: _coerced(node, type_)


def _of_list(node: ListValueNode, items: Any) -> Read | None:
    found = [_read(each, items) for each in node.values]
    reads = [each for each in found if each is not None]
    if len(reads) < len(found):
        return None

    def read(variables: Mapping[str, Any]) -> Any:
        values = [each(variables) for each in reads]
        if any(value is Undefined for value in values):
            raise Unusual
        return values

    return read


def _of_object(node: ObjectValueNode, type_: GraphQLInputObjectType) -> Read | None:
    inside = written_members(type_.fields, {each.name.value: each.value for each in node.fields})
    if inside is None:
        return None

    def read(variables: Mapping[str, Any]) -> Any:
        found = inside.read(variables)
        if type_.is_one_of and (len(node.fields) != 1 or len(found) != 1 or None in found.values()):
            raise Unusual
        return type_.out_type(found)

    return read


def _has_default(declared: Any) -> bool:
    return declared.default is not None or declared.default_value is not Undefined

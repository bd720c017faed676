"""The arguments of a field, coerced as GraphQL and Strawberry do it: constants once, the others once a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import Enum
from typing import Any, cast

from graphql import FieldNode, GraphQLField, GraphQLNonNull, ValueNode, VariableNode, get_argument_values
from graphql.execution.values import VariableValues
from graphql.pyutils import Undefined
from strawberry.types.field import StrawberryField

from engine.converting import Conversions
from engine.runtime_types import DEFINITION

_IMMUTABLE = (str, int, float, Enum, date, time, type(None))
_NO_VARIABLES = VariableValues({}, {})


@dataclass(frozen=True)
class _Variable:
    """An argument that is a variable, whose values have been coerced already."""

    name: str
    variable: str
    is_nullable: bool
    may_be_left_out: bool


class FieldArguments:
    """What a place in a document gives as a field's arguments.

    Constants are kept where nobody can change them: a resolver gets no list or input object that another request has
    had in its hands.
    """

    def __init__(self, conversions: Conversions, field: GraphQLField, node: FieldNode) -> None:
        self._field = field
        self._node = node
        definition: StrawberryField = cast("Any", field.extensions)[DEFINITION]
        self._arguments = conversions.of_arguments(definition.arguments)
        self._variables = _variables(field, node)
        self._constant: dict[str, Any] | None = None
        if not any(_has_variable(each.value) for each in node.arguments or ()):
            self._constant = self._immutable()

    def given(self, variables: VariableValues) -> dict[str, Any]:
        """The arguments that are given, by their names in Python, for one request; raises what is wrong with them."""
        return self._coerced(variables) if self._constant is None else dict(self._constant)

    def _coerced(self, variables: VariableValues) -> dict[str, Any]:
        found = None if self._variables is None else _taken(self._variables, variables.coerced)
        if found is None:
            found = get_argument_values(self._field, self._node, variables, hide_suggestions=True)
        return self._arguments.given(found)

    def _immutable(self) -> dict[str, Any] | None:
        try:
            found = self._coerced(_NO_VARIABLES)
        except Exception:
            return None  # to be raised anew by each request
        return found if all(isinstance(each, _IMMUTABLE) for each in found.values()) else None


def _variables(field: GraphQLField, node: FieldNode) -> Sequence[_Variable] | None:
    """The arguments, if all that are written are variables; graphql-core looks for every constant anew."""
    written = {each.name.value: each.value for each in node.arguments or ()}
    found: list[_Variable] = []
    for name, argument in field.args.items():
        value, has_default = written.get(name), _has_default(argument)
        if isinstance(value, VariableNode):
            is_nullable = not isinstance(cast("Any", argument).type, GraphQLNonNull)
            found.append(_Variable(name, value.name.value, is_nullable, is_nullable and not has_default))
        elif value is not None or has_default:
            return None
    return found


def _taken(arguments: Sequence[_Variable], values: Mapping[str, Any]) -> dict[str, Any] | None:
    """The values of the arguments, or None where one is not as it should be."""
    taken: dict[str, Any] = {}
    for each in arguments:
        value = values.get(each.variable, Undefined)
        if value is Undefined and each.may_be_left_out:
            continue
        if value is Undefined or (value is None and not each.is_nullable):
            return None
        taken[each.name] = value
    return taken


def _has_default(argument: Any) -> bool:
    return argument.default is not None or argument.default_value is not Undefined


def _has_variable(value: ValueNode) -> bool:
    if isinstance(value, VariableNode):
        return True
    inside = [*getattr(value, "values", ()), *(each.value for each in getattr(value, "fields", ()))]
    return any(_has_variable(each) for each in inside)

"""The arguments of a field, coerced as GraphQL and Strawberry do it: constants once, the others once a request."""

from typing import Any, cast

from graphql import FieldNode, GraphQLField, get_argument_values
from graphql.execution.values import VariableValues
from strawberry.types.field import StrawberryField

from engine.converting import Conversions
from engine.literals import IMMUTABLE, Unusual, has_variable, written_members
from engine.runtime_types import DEFINITION

_NO_VARIABLES = VariableValues({}, {})


class FieldArguments:
    """What a place in a document gives as a field's arguments.

    Constants are kept where nobody can change them: a resolver gets no list or input object that another request has
    had in its hands.
    """

    def __init__(self, conversions: Conversions, field: GraphQLField, node: FieldNode) -> None:
        self._field = field
        self._node = node
        definition: StrawberryField = cast("Any", field.extensions)[DEFINITION]
        self._conversions = conversions.of_arguments(definition.arguments)
        written = {each.name.value: each.value for each in node.arguments or ()}
        self._written = written_members(field.args, written)
        self._constant: dict[str, Any] | None = None
        if not any(map(has_variable, written.values())):
            self._constant = self._immutable()

    def given(self, variables: VariableValues) -> dict[str, Any]:
        """The arguments that are given, by their names in Python, for one request; raises what is wrong with them."""
        return self._coerced(variables) if self._constant is None else dict(self._constant)

    def _coerced(self, variables: VariableValues) -> dict[str, Any]:
        return self._conversions.given(self._values(variables))

    def _values(self, variables: VariableValues) -> dict[str, Any]:
        if self._written is not None:
            try:
                return self._written.read(variables.coerced)
            except Unusual:
                pass
        return get_argument_values(self._field, self._node, variables, hide_suggestions=True)

    def _immutable(self) -> dict[str, Any] | None:
        try:
            found = self._coerced(_NO_VARIABLES)
        except Exception:
            return None  # to be raised anew by each request
        return found if all(isinstance(each, IMMUTABLE) for each in found.values()) else None

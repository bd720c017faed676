"""The values of an operation's variables, coerced as graphql-core does it; what their types are is read once.

graphql-core reads each variable's type from the document anew, which costs several times what taking a text costs.
What is seldom is still left to it. What does not fit is told in its words, without the value.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from graphql import GraphQLError, GraphQLNonNull, GraphQLSchema, OperationDefinitionNode, is_leaf_type
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values
from graphql.pyutils import Undefined, print_path_list

from engine.variable_misfits import misfits

_MOST_ERRORS = 20
"""As many as validation tells of a document."""


@dataclass(frozen=True)
class _Variable:
    """One whose values are scalars or enums, read by `coerce`."""

    signature: GraphQLVariableSignature
    coerce: Callable[[Any], Any]
    is_nullable: bool
    may_be_left_out: bool

    def value(self, given: Any) -> Any:
        """Undefined for what is not there, or does not fit."""
        if given is None or given is Undefined:
            return None if given is None and self.is_nullable else Undefined
        try:
            return self.coerce(given)
        except Exception:
            return Undefined


class OperationVariables:
    """The variables of one operation of a valid document."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definitions = operation.variable_definitions or ()
        self._signatures = [get_variable_signature(schema, each) for each in self._definitions]
        self._variables = _read(self._signatures)

    def coerced(self, given: Mapping[str, Any]) -> VariableValues | Sequence[GraphQLError]:
        """The values for one request, or what is wrong with what was given."""
        found = self._at_once(given) or self._by_core(given, most_errors=0)
        if isinstance(found, VariableValues):
            return found
        return self._errors(given) or self._by_core(given, most_errors=_MOST_ERRORS)

    def _by_core(self, given: Mapping[str, Any], *, most_errors: int) -> VariableValues | Sequence[GraphQLError]:
        return get_variable_values(
            self._schema, self._definitions, dict(given), max_errors=most_errors, hide_suggestions=True
        )

    def _errors(self, given: Mapping[str, Any]) -> Sequence[GraphQLError]:
        """What is wrong with the values. Nothing, where only graphql-core finds it, as of a wrong default."""
        try:
            found = list(islice(self._misfits(given), _MOST_ERRORS + 1))
        except RecursionError:
            return []
        if len(found) > _MOST_ERRORS:
            found[-1] = GraphQLError("Too many errors processing variables, error limit reached. Execution aborted.")
        return found

    def _misfits(self, given: Mapping[str, Any]) -> Iterator[GraphQLError]:
        for definition, signature in zip(self._definitions, self._signatures, strict=True):
            if isinstance(signature, GraphQLError):
                yield signature
                continue
            value = given.get(signature.name, Undefined)
            if value is Undefined and signature.default is not None:
                continue
            for message, path in misfits(value, cast("Any", signature).type):
                said = f"Variable '${signature.name}' has invalid value{print_path_list(path)}: {message}"
                yield GraphQLError(said, definition)

    def _at_once(self, given: Mapping[str, Any]) -> VariableValues | None:
        """The values, if each variable is known here and has one that fits, or may be left out."""
        if self._variables is None:
            return None
        sources: dict[str, VariableValueSource] = {}
        values: dict[str, Any] = {}
        for variable in self._variables:
            name = variable.signature.name
            value = given.get(name, Undefined)
            sources[name] = VariableValueSource(variable.signature, value)
            if value is Undefined and variable.may_be_left_out:
                continue
            values[name] = variable.value(value)
            if values[name] is Undefined:
                return None
        return VariableValues(sources, values)


def _read(signatures: Sequence[GraphQLVariableSignature | GraphQLError]) -> Sequence[_Variable] | None:
    """What is known of the variables, if all are of the kind that is known here."""
    found = [_of(each) for each in signatures if isinstance(each, GraphQLVariableSignature)]
    variables = [each for each in found if each is not None]
    return variables if len(variables) == len(signatures) else None


def _of(signature: GraphQLVariableSignature) -> _Variable | None:
    type_: Any = cast("Any", signature).type
    is_nullable = not isinstance(type_, GraphQLNonNull)
    leaf: Any = type_ if is_nullable else cast("Any", type_).of_type
    if not is_leaf_type(leaf):
        return None
    return _Variable(
        signature, leaf.coerce_input_value, is_nullable, may_be_left_out=is_nullable and signature.default is None
    )

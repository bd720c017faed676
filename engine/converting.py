"""From coerced arguments to the classes that resolvers declare, as Strawberry converts them; types are read once.

Strawberry's `convert_argument` asks of every value anew what its type is. What is seldom (`Maybe`, `GlobalID`, inputs
that build themselves) is still left to it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from typing import Any, cast

from graphql import GraphQLSchema
from strawberry import UNSET
from strawberry.relay import GlobalID
from strawberry.scalars import is_scalar
from strawberry.types.arguments import StrawberryArgument, convert_argument
from strawberry.types.base import (
    StrawberryList,
    StrawberryMaybe,
    StrawberryOptional,
    get_object_definition,
    has_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.lazy_type import LazyType

from engine.runtime_types import DEFINITION

Convert = Callable[[Any], Any]


class Conversions:
    """How the values of each input type of a schema are converted."""

    def __init__(self, schema: GraphQLSchema) -> None:
        converter: Any = cast("Any", schema.extensions)[DEFINITION].schema_converter
        self._scalars: Any = converter.scalar_registry
        self._config: Any = converter.config
        self._inputs: dict[Any, Convert] = {}

    def of_arguments(self, arguments: Sequence[StrawberryArgument]) -> "MemberConversions":
        name_of = self._config.name_converter.from_argument
        return MemberConversions([(name_of(each), each.python_name, self._of(each.type)) for each in arguments])

    def _of(self, type_: Any) -> Convert | None:
        """None for values that stay as they are."""
        if isinstance(type_, StrawberryOptional) and not isinstance(type_, StrawberryMaybe):
            return self._of(type_.of_type)
        if isinstance(type_, LazyType):
            return self._of(cast("Any", type_).resolve_type())
        if isinstance(type_, StrawberryList):
            return self._of_list(type_.of_type)
        if type_ is not GlobalID and (is_scalar(type_, self._scalars) or _is_enum(type_)):
            return None
        if has_object_definition(type_) and get_object_definition(type_, strict=True).from_input is None:
            return self._of_input(type_)
        return lambda value: convert_argument(value, type_, self._scalars, self._config)

    def _of_list(self, items: Any) -> Convert:
        convert = self._of(items)
        if convert is None:
            return _where_there_is_one(list)
        return _where_there_is_one(lambda values: [convert(each) for each in values])

    def _of_input(self, type_: Any) -> Convert:
        if type_ not in self._inputs:
            # An input may hold itself: its members are looked at when the first value of it comes.
            self._inputs[type_] = _where_there_is_one(_Input(type_, lambda: self._members(type_)))
        return self._inputs[type_]

    def _members(self, type_: Any) -> "MemberConversions":
        definition = get_object_definition(type_, strict=True)
        name_of = self._config.name_converter.from_field
        return MemberConversions(
            [
                (name_of(each), each.python_name, self._of(each.resolve_type(type_definition=definition)))
                for each in definition.fields
            ]
        )


class MemberConversions:
    """How the arguments of a field, or the fields of an input, are converted.

    `members`: of each the name in GraphQL, that in Python, and the conversion; None for values that stay as they are.
    """

    def __init__(self, members: Sequence[tuple[str, str, Convert | None]]) -> None:
        self._members = members

    def given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The converted values of those that are given, by their names in Python. `values` are by GraphQL's names."""
        return {
            python_name: values[name] if convert is None else convert(values[name])
            for name, python_name, convert in self._members
            if name in values
        }


class _Input:
    def __init__(self, type_: Any, members: Callable[[], MemberConversions]) -> None:
        self._type = type_
        self._look = members
        self._members: MemberConversions | None = None
        fields: Any = get_object_definition(type_, strict=True).fields
        self._nothing = {
            each.python_name: None
            for each in fields
            if each.default_value is MISSING and each.default_factory is MISSING
        }

    def __call__(self, value: Mapping[str, Any]) -> Any:
        if self._members is None:
            self._members = self._look()
        return self._type(**(self._nothing | self._members.given(value)))


def _where_there_is_one(convert: Convert) -> Convert:
    """Null stays null, and what was left out is left out."""
    return lambda value: value if value is None or value is UNSET else convert(value)


def _is_enum(type_: Any) -> bool:
    return isinstance(type_, StrawberryEnumDefinition) or has_enum_definition(type_)

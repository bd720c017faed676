"""Which object type a value is of.

A Strawberry type may name the class of the records that it shows, as `record`: it then shows every value of that
class, and none besides (its `is_type_of`, if it has one, has to say the same). A level's types are then told by the
values' classes, each looked at once in the life of the process. Without `record`, the schema's own `resolve_type` and
`is_type_of` are asked about each value.
"""

from typing import Any, cast

from graphql import GraphQLAbstractType, GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema
from graphql.pyutils import Undefined

DEFINITION = "strawberry-definition"
"""Where Strawberry keeps its definition among a type's or field's extensions."""

_NO_VALUES = (type(None), type(Undefined))


class RuntimeTypes:
    """The object types that values may be of where the schema says `declared`."""

    def __init__(self, schema: GraphQLSchema, declared: GraphQLObjectType | GraphQLAbstractType) -> None:
        self.declared = declared
        self.is_abstract = not isinstance(declared, GraphQLObjectType)
        self.possible = _possible_types(schema, declared)
        self._records = [_record(each) for each in self.possible]
        self._known: dict[type, GraphQLObjectType | None] = {}

    def of_class(self, kind: type) -> GraphQLObjectType | None:
        """The type of every value of a class. None where each value has to be asked, and of None and exceptions."""
        if kind not in self._known:
            self._known[kind] = self._look(kind)
        return self._known[kind]

    def _look(self, kind: type) -> GraphQLObjectType | None:
        if issubclass(kind, (*_NO_VALUES, BaseException)):
            return None
        if not self.is_abstract and self.possible[0].is_type_of is None:
            return self.possible[0]
        if None in self._records or _is_strawberrys(kind) or _resolves_itself(self.declared):
            return None
        of_record = zip(self._records, self.possible, strict=True)
        return next((each for record, each in of_record if issubclass(kind, cast("type", record))), None)


def _possible_types(
    schema: GraphQLSchema, declared: GraphQLObjectType | GraphQLAbstractType
) -> list[GraphQLObjectType]:
    if isinstance(declared, GraphQLObjectType):
        return [declared]
    return list(cast("Any", schema.get_possible_types(declared)))


def _record(type_: GraphQLObjectType) -> type | None:
    definition: Any = type_.extensions.get(DEFINITION)
    return None if definition is None else getattr(definition.origin, "record", None)


def _is_strawberrys(kind: Any) -> bool:
    """Whether a class is a type of the schema itself, which Strawberry knows better ways to tell."""
    return hasattr(kind, "__strawberry_definition__")


def _resolves_itself(declared: GraphQLObjectType | GraphQLAbstractType) -> bool:
    """Whether an interface has a `resolve_type` of its own rather than Strawberry's."""
    if not isinstance(declared, GraphQLInterfaceType):
        return False
    definition: Any = declared.extensions.get(DEFINITION)
    return definition is None or definition.resolve_type is not None

"""What an operation may cost, told before it runs: about the number of objects that its answer may hold.

The directives are those of IBM's GraphQL Cost Directives specification: `@cost` weighs a type or field, `@listSize`
says how long a list may be, by an argument or by assumption. An object weighs 1 where nothing else is said. A page
weighs 1 more for each row that it may have, which is read whatever is asked of it; and an object 1 more for every ten
values that are asked of it, which bounds how long the largest answers take to make. A price depends on the document,
its variables and the schema alone: it tells nothing of what there is.

An operation is priced once, as a function of its variables; what depends on none of them is added up then. What a
variable leaves out by @skip or @include counts all the same, and of several types the dearest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import strawberry
from graphql import (
    GRAPHQL_MAX_INT,
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    value_from_ast_untyped,
)
from strawberry.schema_directive import Location

from engine.fragments import applies, fragments_of
from engine.runtime_types import DEFINITION

VALUES_A_POINT = 10
"""For each so many scalars and enums that are asked of one object, it weighs 1 more."""

Price = Callable[[Mapping[str, Any]], int]
"""From the values of variables, as they were given, to what the operation may cost."""

_Amount = int | Price

_COST_OF_INTROSPECTION = {"__schema": 1_000, "__type": 100}
"""Points for each of them whole, roughly as measured; what is asked within them is not priced."""


BY_GRAPHQL_CORE = 20
"""How many times as much an object costs that graphql-core gives, because the operation has no plan."""


@strawberry.schema_directive(
    locations=[Location.OBJECT, Location.FIELD_DEFINITION],
    name="cost",
    description="What an object or a field weighs in the price of an operation; an object weighs 1 unless told.",
)
class Cost:
    weight: int


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description="How long a list may be: as one of its slicing arguments says, else as assumed. The fields named in "
    "`sizedFields` are as long, instead of the field itself, which weighs 1 more for each item that is read for them.",
)
class ListSize:
    assumed_size: int
    slicing_arguments: list[str] | None = strawberry.UNSET
    sized_fields: list[str] | None = strawberry.UNSET
    require_one_slicing_argument: bool = False


class Pricing:
    """Prices operations of one schema. `page_size` is how long a page is when the question does not say."""

    def __init__(self, schema: GraphQLSchema, page_size: int) -> None:
        self._schema = schema
        self._page_size = page_size

    def price(self, document: DocumentNode, operation: OperationDefinitionNode, *, is_planned: bool = True) -> Price:
        """The price of an operation of a valid document. Linear in the document: each place once for a type."""
        priced = _Operation(self._schema, self._page_size, document, operation)
        found = priced.price() if is_planned else priced.price_by_graphql_core()
        return found if callable(found) else lambda _variables: found


class _Operation:
    def __init__(
        self, schema: GraphQLSchema, page_size: int, document: DocumentNode, operation: OperationDefinitionNode
    ) -> None:
        self._schema = schema
        self._page_size = page_size
        self._operation = operation
        self._fragments = fragments_of(document)
        self._defaults = {
            each.variable.name.value: value_from_ast_untyped(each.default_value)
            for each in operation.variable_definitions or ()
            if each.default_value is not None
        }
        self._known: dict[tuple[object, ...], _Amount] = {}

    def price(self) -> _Amount:
        return self._selection(self._root, (self._operation.selection_set,), (), 1)

    def price_by_graphql_core(self) -> _Amount:
        """The same of an operation without a plan; introspection costs what it does in any case."""
        asked = self._merged(self._root, (self._operation.selection_set,)).values()
        introspection = sum(_COST_OF_INTROSPECTION.get(nodes[0].name.value, 0) for nodes in asked)
        return _sum([_times(BY_GRAPHQL_CORE, self.price()), -(BY_GRAPHQL_CORE - 1) * introspection])

    @property
    def _root(self) -> GraphQLObjectType:
        return cast("GraphQLObjectType", self._schema.get_root_type(self._operation.operation))

    def _selection(
        self, type_: GraphQLObjectType, sets: Sequence[SelectionSetNode], sized: Sequence[str], size: _Amount
    ) -> _Amount:
        """What one object of a type costs below itself; fields that are `sized` count as often as that."""
        merged = self._merged(type_, sets)
        amounts: list[_Amount] = [sum(self._is_value(type_, nodes[0]) for nodes in merged.values()) // VALUES_A_POINT]
        for nodes in merged.values():
            amount = self._field(type_, nodes)
            amounts.append(_times(size, amount) if nodes[0].name.value in sized else amount)
        return _sum(amounts)

    def _is_value(self, type_: GraphQLObjectType, node: FieldNode) -> bool:
        definition = type_.fields.get(node.name.value)
        return definition is None or not is_composite_type(cast("Any", get_named_type)(definition.type))

    def _merged(self, type_: GraphQLObjectType, sets: Sequence[SelectionSetNode]) -> Mapping[str, Sequence[FieldNode]]:
        merged: dict[str, list[FieldNode]] = {}
        for each in sets:
            for node in self._fields(type_, each, set()):
                merged.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return merged

    def _fields(self, type_: GraphQLObjectType, selections: SelectionSetNode, seen: set[str]) -> Iterator[FieldNode]:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield node
                continue
            inside: Any = node
            if not isinstance(node, InlineFragmentNode):
                name = cast("Any", node).name.value
                if name in seen:
                    continue
                seen.add(name)
                inside = self._fragments[name]
            condition = inside.type_condition
            if condition is None or applies(self._schema, condition.name.value, type_):
                yield from self._fields(type_, inside.selection_set, seen)

    def _field(self, parent: GraphQLObjectType, nodes: Sequence[FieldNode]) -> _Amount:
        name = nodes[0].name.value
        definition = parent.fields.get(name)
        if definition is None:
            return _COST_OF_INTROSPECTION.get(name, 0)
        type_ = cast("Any", get_named_type)(definition.type)
        weight = _weight(definition, type_)
        sets = tuple(node.selection_set for node in nodes if node.selection_set is not None)
        directive = _directive(definition, ListSize)
        if directive is None:
            return _sum([weight, self._below(type_, sets, (), 1)])
        size = self._size(directive, definition, nodes[0])
        if directive.sized_fields:
            return _sum([weight, size, self._below(type_, sets, directive.sized_fields, size)])
        return _times(size, _sum([weight, self._below(type_, sets, (), 1)]))

    def _below(self, type_: Any, sets: Sequence[SelectionSetNode], sized: Sequence[str], size: _Amount) -> _Amount:
        """Of the types that an object may have, the dearest."""
        if not is_composite_type(type_):
            return 0
        key = (type_.name, size, *map(id, sets))
        if key not in self._known:
            possible = self._schema.get_possible_types(type_) if is_abstract_type(type_) else [type_]
            each = [self._selection(cast("Any", one), sets, sized, size) for one in possible]
            self._known[key] = _most(each)
        return self._known[key]

    def _size(self, directive: ListSize, definition: GraphQLField, node: FieldNode) -> _Amount:
        assumed = self._page_size if directive.sized_fields else directive.assumed_size
        names = directive.slicing_arguments or ()
        given = [each for each in node.arguments or () if each.name.value in names]
        lengths = [self._length(each.value, definition.args[each.name.value], assumed) for each in given]
        return _most(lengths) if lengths else assumed

    def _length(self, value: ValueNode, argument: Any, assumed: int) -> _Amount:
        if isinstance(value, VariableNode):
            name = value.name.value
            default = self._defaults.get(name)
            return lambda variables: _counted(variables.get(name, default), assumed)
        if isinstance(value, ListValueNode):
            return len(value.values)
        if isinstance(value, NullValueNode):
            return assumed
        if _is_list(argument.type):
            return 1  # a value by itself, which may be a number that Python would not read
        return max(int(value.value), 0) if isinstance(value, IntValueNode) else assumed


def _is_list(type_: Any) -> bool:
    return isinstance(cast("Any", type_).of_type if isinstance(type_, GraphQLNonNull) else type_, GraphQLList)


def _counted(given: object, assumed: int) -> int:
    """How long a list is by its slicing argument's value. One of a wrong type is refused later, as it is coerced."""
    if isinstance(given, list):
        return len(cast("list[Any]", given))
    if isinstance(given, float) and given.is_integer():
        given = int(given)  # JSON may write 100 as 100.0 or 1e2, which is an Int as well
    return max(given, 0) if type(given) is int and given <= GRAPHQL_MAX_INT else assumed


def _weight(definition: GraphQLField, type_: Any) -> int:
    own = _directive(definition, Cost) or _directive(type_, Cost)
    return own.weight if own is not None else int(is_composite_type(type_))


def _directive(element: Any, kind: Any) -> Any:
    declared: Any = element.extensions.get(DEFINITION)
    return next((each for each in getattr(declared, "directives", None) or () if isinstance(each, kind)), None)


def _sum(amounts: Sequence[_Amount]) -> _Amount:
    fixed = sum(each for each in amounts if isinstance(each, int))
    others = tuple(each for each in amounts if not isinstance(each, int))
    if not others:
        return fixed
    if len(others) == 1:
        (only,) = others
        return lambda variables: fixed + only(variables)
    return lambda variables: fixed + sum([each(variables) for each in others])


def _most(amounts: Sequence[_Amount]) -> _Amount:
    if all(isinstance(each, int) for each in amounts):
        return max(cast("Sequence[int]", amounts), default=0)
    return lambda variables: max(each if isinstance(each, int) else each(variables) for each in amounts)


def _times(size: _Amount, amount: _Amount) -> _Amount:
    if isinstance(size, int):
        if isinstance(amount, int):
            return size * amount
        return lambda variables: size * amount(variables)
    if isinstance(amount, int):
        return lambda variables: size(variables) * amount
    return lambda variables: size(variables) * amount(variables)

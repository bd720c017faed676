"""From an operation of a valid document to its plan.

The work is linear in the document: each set of selections is worked out once for each type that it applies to,
however many fragments lead there. What the executor does not do is found out here, and left to graphql-core.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, cast

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    TypeNameMetaFieldDef,
    VariableNode,
    is_leaf_type,
)

from engine.arguments import FieldArguments
from engine.batching import METADATA_KEY, Batched
from engine.completing import Leaf, ListOf, Objects
from engine.converting import Conversions
from engine.fragments import applies, fragments_of
from engine.generating import unchanged
from engine.guards import guard_of
from engine.plan import Completion, Conditions, Field, Occurrence, Plan, Selection
from engine.runtime_types import DEFINITION, RuntimeTypes

_MOST_SELECTIONS = 2_000
_DEEPEST = 60
"""Bounds of a plan. Only a document that was made to be difficult exceeds them."""

_ALWAYS: Conditions = frozenset()

Asked = tuple[tuple[SelectionSetNode, Conditions], ...]
"""Selection sets that apply to the same objects, each under its conditions."""


class NotCovered(Exception):
    """The operation asks for something that plans do not cover: graphql-core executes it."""


class Compiler:
    """Makes plans for one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.conversions = Conversions(schema)
        self._types: dict[str, RuntimeTypes] = {}
        self._leaves: dict[tuple[str, bool], Leaf] = {}

    def plan(self, document: DocumentNode, operation: OperationDefinitionNode) -> Plan:
        """The plan of an operation; raises NotCovered."""
        if operation.directives or operation.operation is OperationType.MUTATION:
            raise NotCovered
        return _Compilation(self, document, operation).plan()

    def types(self, type_: Any) -> RuntimeTypes:
        """What is known of the types of values, kept over all plans."""
        if type_.name not in self._types:
            self._types[type_.name] = RuntimeTypes(self.schema, type_)
        return self._types[type_.name]

    def leaf(self, type_: GraphQLLeafType, *, nullable: bool) -> Leaf:
        key = type_.name, nullable
        if key not in self._leaves:
            self._leaves[key] = Leaf(type_, unchanged(type_), nullable=nullable)
        return self._leaves[key]


class _Compilation:
    """The making of one plan."""

    def __init__(self, compiler: Compiler, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._compiler = compiler
        self._document = document
        self._operation = operation
        self._fragments = fragments_of(document)
        self._selections: dict[tuple[object, ...], Selection] = {}
        self._deciding: set[str] = set()

    def plan(self) -> Plan:
        operation = self._operation
        root = cast("GraphQLObjectType", self._compiler.schema.get_root_type(operation.operation))
        selection = self._selection(root, ((operation.selection_set, _ALWAYS),), 0)
        every = tuple(self._selections.values())
        plan = Plan(self._compiler.schema, self._document, operation, selection, frozenset(self._deciding), every)
        declared = Counter(each.declaration for each in plan.fields())
        for each in plan.fields():
            each.is_alone = declared[each.declaration] == 1
        plan.reads = _reads(plan.fields())
        return plan

    def _selection(self, type_: GraphQLObjectType, asked: Asked, depth: int) -> Selection:
        key = (type_.name, *((id(node), conditions) for node, conditions in asked))
        found = self._selections.get(key)
        if found is not None:
            return found
        if len(self._selections) == _MOST_SELECTIONS or depth == _DEEPEST:
            raise NotCovered
        selection = self._selections[key] = Selection(type_)
        occurrences = _Collecting(self._compiler.schema, self._fragments, self._deciding, type_).collect(asked)
        fields = [self._field(type_, key, each, depth) for key, each in occurrences.items()]
        selection.fields = fields
        selection.later = [each for each in fields if each.is_asynchronous]
        selection.columns = [each for each in fields if not each.is_asynchronous and not _is_read_in_place(each)]
        selection.guarded = [each for each in fields if each.guard is not None and each.declaration is None]
        selection.is_conditional = any(each.is_conditional for each in fields)
        return selection

    def _field(self, parent: GraphQLObjectType, key: str, occurrences: Sequence[Occurrence], depth: int) -> Field:
        node = occurrences[0].node
        definition = self._definition(parent, node)
        field = Field(
            key=key,
            name=node.name.value,
            parent=parent,
            definition=definition,
            occurrences=occurrences,
            completion=cast("Completion", None),
        )
        if definition is not TypeNameMetaFieldDef:
            self._bind(field, node)
        field.completion = self._completion(field, field.type, _below(occurrences), depth, nullable=True)
        return field

    def _definition(self, parent: GraphQLObjectType, node: FieldNode) -> GraphQLField:
        if node.name.value == "__typename":
            return TypeNameMetaFieldDef
        try:
            return parent.fields[node.name.value]
        except KeyError:
            raise NotCovered from None

    def _bind(self, field: Field, node: FieldNode) -> None:
        """How the field's values are found."""
        definition: Any = cast("Any", field.definition.extensions).get(DEFINITION)
        if definition is None:
            raise NotCovered
        if definition.is_subscription:
            field.read = _itself
            return
        field.guard = guard_of(field.definition)
        field.declaration = cast("Batched | None", definition.metadata.get(METADATA_KEY))
        if field.declaration is not None:
            field.is_asynchronous = field.declaration.is_asynchronous
            field.reads = field.declaration.reads
            field.arguments = FieldArguments(self._compiler.conversions, field.definition, node)
        elif not definition.is_basic_field:
            raise NotCovered
        elif definition.default_resolver is getattr:
            field.attribute = definition.python_name
            field.read = attrgetter(definition.python_name)
            field.reads = (definition.python_name,)
        else:
            field.read = _through(definition.default_resolver, definition.python_name)
            field.reads = None

    def _completion(self, field: Field, type_: Any, below: Asked, depth: int, *, nullable: bool) -> Completion:
        if isinstance(type_, GraphQLNonNull):
            return self._completion(field, cast("Any", type_).of_type, below, depth, nullable=False)
        if isinstance(type_, GraphQLList):
            items = self._completion(field, cast("Any", type_).of_type, below, depth, nullable=True)
            return ListOf(items, field, nullable=nullable)
        if is_leaf_type(type_):
            return self._compiler.leaf(type_, nullable=nullable)
        types = self._compiler.types(type_)
        selections = {each: self._selection(each, below, depth + 1) for each in types.possible}
        if not types.is_abstract:
            field.only_selection = selections[types.possible[0]]
        for each in selections.values():
            each.is_one_of_several |= types.is_abstract
        return Objects(types, selections, field, nullable=nullable)


class _Collecting:
    """CollectFields (GraphQL specification, section 6.3.2) for one type, with conditions in place of values."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: dict[str, FragmentDefinitionNode],
        deciding: set[str],
        type_: GraphQLObjectType,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._deciding = deciding
        self._type = type_
        self._visited: dict[str, Conditions] = {}
        self._found: dict[str, list[Occurrence]] = {}

    def collect(self, asked: Asked) -> dict[str, list[Occurrence]]:
        """The places that ask for each field, by the key of its answer."""
        for node, conditions in asked:
            self._visit(node, conditions)
        return self._found

    def _visit(self, node: SelectionSetNode, conditions: Conditions) -> None:
        for each in node.selections:
            conditions_here = self._conditions(each, conditions)
            if conditions_here is None:
                continue
            if isinstance(each, FieldNode):
                key = each.alias or each.name
                self._found.setdefault(key.value, []).append(Occurrence(each, conditions_here))
            elif isinstance(each, InlineFragmentNode):
                if each.type_condition is None or self._applies(each.type_condition):
                    self._visit(each.selection_set, conditions_here)
            else:
                self._spread(cast("FragmentSpreadNode", each).name.value, conditions_here)

    def _spread(self, name: str, conditions: Conditions) -> None:
        """A fragment counts once, where it is first spread under conditions that hold."""
        fragment = self._fragments[name]
        if not self._applies(fragment.type_condition):
            return
        if name not in self._visited:
            self._visited[name] = conditions
            self._visit(fragment.selection_set, conditions)
        elif not self._visited[name] <= conditions:
            raise NotCovered

    def _applies(self, condition: NamedTypeNode) -> bool:
        return applies(self._schema, condition.name.value, self._type)

    def _conditions(self, node: Any, outer: Conditions) -> Conditions | None:
        """The conditions under which a selection counts; None when it never does."""
        found = outer
        for directive in node.directives or ():
            name = directive.name.value
            if name in ("defer", "stream"):
                raise NotCovered
            if name in ("include", "skip"):
                value = directive.arguments[0].value
                wanted = name == "include"
                if isinstance(value, BooleanValueNode):
                    if value.value is not wanted:
                        return None
                else:
                    variable = cast("VariableNode", value).name.value
                    self._deciding.add(variable)
                    found = found | {(variable, wanted)}
        return None if any((name, not wanted) in found for name, wanted in found) else found


def _below(occurrences: Sequence[Occurrence]) -> Asked:
    """What is asked of a field's objects.

    Where all places have the same conditions, these decide about the field already, and are left out below it.
    """
    alike = len({each.conditions for each in occurrences}) == 1
    return tuple(
        (each.node.selection_set, _ALWAYS if alike else each.conditions)
        for each in occurrences
        if each.node.selection_set is not None
    )


def _reads(fields: Iterable[Field]) -> frozenset[str] | None:
    found: set[str] = set()
    for field in fields:
        if field.reads is None:
            return None
        found.update(name if "." in name else f"{field.parent.name}.{name}" for name in field.reads)
    return frozenset(found)


def _is_read_in_place(field: Field) -> bool:
    return field.declaration is None and isinstance(field.completion, Leaf)


def _itself(value: object) -> object:
    return value


def _through(resolver: Callable[[Any, str], Any], name: str) -> Callable[[Any], Any]:
    return lambda parent: resolver(parent, name)

"""Which parts of a schema an operation asks for, by their coordinates (GraphQL specification, section 3.14)."""

from collections.abc import Mapping, Set
from typing import Any, cast

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    ObjectFieldNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_input_object_type,
    type_from_ast,  # pyright: ignore[reportUnknownVariableType] - its lists are of anything
    visit,
)

from engine.occurrences import spread


class Uses:
    """The fields, arguments and input fields of an operation, and of the fragments that it spreads.

    A field of an interface is that of the interface.
    """

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        types = TypeInfo(schema)
        collecting = _Collecting(types)
        for each in (operation, *spread(document, operation)):
            visit(each, TypeInfoVisitor(types, collecting))
        self._always = frozenset(collecting.found)
        self._inputs: dict[str, Any] = {}
        for each in operation.variable_definitions or ():
            type_: Any = cast("Any", type_from_ast(schema, each.type))
            if is_input_object_type(cast("Any", get_named_type)(type_)):
                self._inputs[each.variable.name.value] = type_

    def by(self, variables: Mapping[str, Any]) -> Set[str]:
        """What is used with these variables: what the document says, and the input fields that are given in them."""
        found = set(self._always) if self._inputs else self._always
        for name, type_ in self._inputs.items():
            _collect(type_, variables.get(name), cast("set[str]", found))
        return found


def _collect(type_: Any, value: object, found: set[str]) -> None:
    """Adds the input fields in a value. What does not fit the type is not looked at."""
    if isinstance(value, list):
        for each in cast("list[object]", value):
            _collect(type_, each, found)
        return
    named: Any = cast("Any", get_named_type)(type_)
    if not isinstance(value, dict) or not is_input_object_type(named):
        return
    for name, each in cast("dict[str, object]", value).items():
        if name in named.fields:
            found.add(f"{named.name}.{name}")
            _collect(named.fields[name].type, each, found)


class _Collecting(Visitor):
    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._types = types

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent = self._types.get_parent_type()
        if parent is not None and not (parent.name.startswith("__") or node.name.value.startswith("__")):
            self.found.add(f"{parent.name}.{node.name.value}")

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        parent: Any = self._types.get_parent_type()
        field = self._types.get_field_def()
        if self._types.get_directive() is None and hasattr(parent, "fields"):
            name = next((name for name, each in parent.fields.items() if each is field), None)
            if name is not None:
                self.found.add(f"{parent.name}.{name}({node.name.value}:)")

    def enter_object_field(self, node: ObjectFieldNode, *_: object) -> None:
        parent = cast("Any", get_named_type)(cast("Any", self._types).get_parent_input_type())
        if parent is not None:
            self.found.add(f"{parent.name}.{node.name.value}")

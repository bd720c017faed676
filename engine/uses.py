"""Which parts of a schema an operation asks for, by their coordinates (GraphQL specification, section 3.14)."""

from typing import Any, cast

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    ObjectFieldNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    visit,
)


def uses(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> frozenset[str]:
    """The fields, arguments and input fields of an operation, and of all fragments of its document.

    A field of an interface is that of the interface. Input fields in variables are not seen.
    """
    types = TypeInfo(schema)
    collecting = _Collecting(types)
    for each in document.definitions:
        if each is operation or isinstance(each, FragmentDefinitionNode):
            visit(each, TypeInfoVisitor(types, collecting))
    return frozenset(collecting.found)


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
        parent = cast(Any, get_named_type)(cast(Any, self._types).get_parent_input_type())
        if parent is not None:
            self.found.add(f"{parent.name}.{node.name.value}")

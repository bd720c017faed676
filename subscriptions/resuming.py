"""Where a stream goes on: after the position that its client has seen last, whatever its document says."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    print_ast,
    visit,
)

from engine.executor import Executor
from engine.prepared import Prepared

ARGUMENT = "after"
"""The argument of every subscription that says where it begins."""

_VARIABLE = "lastEventId"


def resumed(
    executor: Executor, prepared: Prepared, variables: Mapping[str, Any], cursor: str
) -> tuple[Prepared, Mapping[str, Any]]:
    """The same subscription, and its variables, with `after` as the cursor. Raises RequestRefused.

    A variable that stands there already gets another value; else the document gets one more variable, in the same words
    for every client, so that it is compiled once.
    """
    fields = list(_root_fields(prepared.document, prepared.operation))
    names = [each.name.value for each in _variables(prepared.document)]
    given = next((each.value for each in fields[0].arguments or () if each.name.value == ARGUMENT), None)
    if isinstance(given, VariableNode) and names.count(given.name.value) == len(fields):
        return prepared, {**variables, given.name.value: cursor}
    name = next(each for each in _names() if each not in names and each not in variables)
    document = visit(prepared.document, _Resuming(prepared.operation, fields, VariableNode(name=NameNode(value=name))))
    return executor.prepare(print_ast(document), prepared.name), {**variables, name: cursor}


def _names() -> Iterator[str]:
    name = _VARIABLE
    while True:
        yield name
        name += "_"


def _root_fields(document: DocumentNode, operation: OperationDefinitionNode) -> Iterator[FieldNode]:
    """The one field of a subscription (GraphQL specification, section 5.2.4.1), as often as it is written.

    It may stand in fragments; each is looked into once.
    """
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    waiting: list[SelectionSetNode] = [operation.selection_set]
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, FragmentSpreadNode):
                fragment = fragments.pop(selection.name.value, None)
                waiting += [] if fragment is None else [fragment.selection_set]
            else:
                waiting.append(cast("Any", selection).selection_set)


class _Variables(Visitor):
    """Uses of variables; their definitions are none."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[VariableNode] = []

    def enter_variable_definition(self, *_: object) -> Any:
        return self.SKIP

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.found.append(node)


def _variables(document: DocumentNode) -> list[VariableNode]:
    uses = _Variables()
    visit(document, uses)
    return uses.found


class _Resuming(Visitor):
    """Puts a variable into the place of some fields' `after`."""

    def __init__(self, operation: OperationDefinitionNode, fields: Sequence[FieldNode], variable: VariableNode) -> None:
        super().__init__()
        self._operation = operation
        self._fields = fields
        self._variable = variable

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> OperationDefinitionNode | None:
        if node is not self._operation:
            return None
        definition = VariableDefinitionNode(variable=self._variable, type=NamedTypeNode(name=NameNode(value="String")))
        return OperationDefinitionNode(
            operation=node.operation,
            name=node.name,
            variable_definitions=(*(node.variable_definitions or ()), definition),
            directives=node.directives,
            selection_set=node.selection_set,
        )

    def enter_field(self, node: FieldNode, *_: object) -> FieldNode | None:
        if not any(node is each for each in self._fields):
            return None
        others = [each for each in node.arguments or () if each.name.value != ARGUMENT]
        after = ArgumentNode(name=NameNode(value=ARGUMENT), value=self._variable)
        return FieldNode(
            alias=node.alias,
            name=node.name,
            arguments=(*others, after),
            directives=node.directives,
            selection_set=node.selection_set,
        )

"""Where a stream goes on: after the position that its client has seen last, whatever its document says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast
from weakref import WeakKeyDictionary

from graphql import (
    ArgumentNode,
    DefinitionNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
)

from engine.fragments import fragments_of
from engine.prepared import Prepared
from engine.variables import OperationVariables

ARGUMENT = "after"
"""The argument of every subscription that says where it begins."""

_VARIABLE = "lastEventId"


@dataclass(frozen=True)
class _Way:
    """How an operation is resumed: by a variable, and as what, unless as it is."""

    variable: str
    prepared: Prepared | None


class Resuming:
    """How operations are resumed. That is worked out once for each, and kept for as long as it is itself."""

    def __init__(self) -> None:
        self._ways: WeakKeyDictionary[Prepared, _Way] = WeakKeyDictionary()

    def resumed(
        self, prepared: Prepared, variables: Mapping[str, Any], cursor: str
    ) -> tuple[Prepared, Mapping[str, Any]]:
        """The same subscription, and its variables, with `after` as the cursor."""
        way = self._ways.get(prepared)
        if way is None:
            way = self._ways[prepared] = _way(prepared)
        return way.prepared or prepared, {**variables, way.variable: cursor}


def _way(prepared: Prepared) -> _Way:
    """A variable that stands there already, and nowhere else, gets another value; else there is one more variable."""
    root = _Root(prepared.document, prepared.operation)
    given = next((each.value for each in root.fields[0].arguments or () if each.name.value == ARGUMENT), None)
    if isinstance(given, VariableNode):
        name = given.name.value
        if prepared.occurrences.repeated.get(name, 1) == len(root.fields):
            return _Way(name, None)
    declared = {each.variable.name.value for each in prepared.operation.variable_definitions or ()}
    name = next(each for each in _names() if each not in declared)
    return _Way(name, _with_variable(prepared, root, name))


def _names() -> Iterator[str]:
    name = _VARIABLE
    while True:
        yield name
        name += "_"


class _Root:
    """What an operation asks of the root: one field (GraphQL specification, section 5.2.4.1), as often as it stands.

    It may stand in fragments; each is looked into once.
    """

    def __init__(self, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self.fields: list[FieldNode] = []
        self.fragments: set[str] = set()
        self._all = fragments_of(document)
        self._look(operation.selection_set)

    def _look(self, selections: SelectionSetNode) -> None:
        for each in selections.selections:
            if isinstance(each, FieldNode):
                self.fields.append(each)
            elif isinstance(each, InlineFragmentNode):
                self._look(each.selection_set)
            else:
                self._look_into(cast("FragmentSpreadNode", each).name.value)

    def _look_into(self, fragment: str) -> None:
        if fragment not in self.fragments:
            self.fragments.add(fragment)
            self._look(self._all[fragment].selection_set)


def _with_variable(prepared: Prepared, root: _Root, name: str) -> Prepared:
    """The operation with one more variable, as the `after` of its field.

    All that was found out about it holds: neither its answers nor its price depend on where it begins.
    """
    variable = VariableNode(name=NameNode(value=name))
    operation = _operation(prepared.operation, variable)

    def changed(definition: DefinitionNode) -> DefinitionNode:
        if definition is prepared.operation:
            return operation
        if isinstance(definition, FragmentDefinitionNode) and definition.name.value in root.fragments:
            return _fragment(definition, variable)
        return definition

    document = DocumentNode(definitions=tuple(map(changed, prepared.document.definitions)), loc=prepared.document.loc)
    return replace(
        prepared,
        document=document,
        operation=operation,
        variables=OperationVariables(prepared.schema, operation),
    )


def _operation(node: OperationDefinitionNode, variable: VariableNode) -> OperationDefinitionNode:
    definition = VariableDefinitionNode(variable=variable, type=NamedTypeNode(name=NameNode(value="String")))
    return OperationDefinitionNode(
        operation=node.operation,
        name=node.name,
        variable_definitions=(*(node.variable_definitions or ()), definition),
        directives=node.directives,
        selection_set=_selections(node.selection_set, variable),
        loc=node.loc,
    )


def _fragment(node: FragmentDefinitionNode, variable: VariableNode) -> FragmentDefinitionNode:
    return FragmentDefinitionNode(
        name=node.name,
        type_condition=node.type_condition,
        directives=node.directives,
        selection_set=_selections(node.selection_set, variable),
        loc=node.loc,
    )


def _selections(node: SelectionSetNode, variable: VariableNode) -> SelectionSetNode:
    return SelectionSetNode(selections=tuple(_selection(each, variable) for each in node.selections), loc=node.loc)


def _selection(node: SelectionNode, variable: VariableNode) -> SelectionNode:
    if isinstance(node, FieldNode):
        others = [each for each in node.arguments or () if each.name.value != ARGUMENT]
        return FieldNode(
            alias=node.alias,
            name=node.name,
            arguments=(*others, ArgumentNode(name=NameNode(value=ARGUMENT), value=variable)),
            directives=node.directives,
            selection_set=node.selection_set,
            loc=node.loc,
        )
    if isinstance(node, InlineFragmentNode):
        return InlineFragmentNode(
            type_condition=node.type_condition,
            directives=node.directives,
            selection_set=_selections(node.selection_set, variable),
            loc=node.loc,
        )
    return node

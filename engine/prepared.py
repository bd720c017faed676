"""One operation of a valid document, and what is found out about it before it runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    visit,
)

from engine.codes import BAD_USER_INPUT
from engine.cost import Price
from engine.fragments import fragments_of
from engine.occurrences import Occurrences, spread
from engine.plan import Plan
from engine.responses import RequestRefused, refusal
from engine.uses import Uses
from engine.variables import OperationVariables


@dataclass(frozen=True, eq=False)
class Prepared:
    """One operation of a valid document. `kind` is query, mutation or subscription.

    `root_fields` are the names of the fields asked of the root, through fragments. `inner_variables` are those that
    stand elsewhere than in a root field's arguments: the only ones that the answer to an event depends on.
    `occurrences`: how often variables stand in it, and how many values are written there. `price` is what it may cost,
    by its variables. `plan` is None for what only graphql-core executes: introspection, mutations, resolvers that are
    not batched; directives of the operation itself, a fragment under conditions that differ, and what a plan would be
    too large for.
    """

    document: DocumentNode
    operation: OperationDefinitionNode
    kind: str
    root_fields: frozenset[str]
    inner_variables: frozenset[str]
    occurrences: Occurrences
    variables: OperationVariables
    price: Price
    plan: Plan | None
    schema: GraphQLSchema

    @cached_property
    def uses(self) -> Uses:
        """The schema coordinates of what it asks for; worked out when it is first asked."""
        return Uses(self.schema, self.document, self.operation)

    @property
    def name(self) -> str | None:
        return self.operation.name.value if self.operation.name else None


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """GetOperation (GraphQL specification, section 6.1)."""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if name is None and len(operations) == 1:
        return operations[0]
    if name is None:
        message = "Give 'operationName': the document has several operations, or none."
        raise RequestRefused([refusal(message, BAD_USER_INPUT)])
    for operation in operations:
        if operation.name is not None and operation.name.value == name:
            return operation
    raise RequestRefused([refusal("The document has no operation of the name in 'operationName'.", BAD_USER_INPUT)])


def kind_of(document: DocumentNode, name: str | None) -> str | None:
    try:
        return operation_of(document, name).operation.value
    except RequestRefused:
        return None


def root_fields(document: DocumentNode, operation: OperationDefinitionNode) -> Iterable[str]:
    """Names of the fields in the root selection; each fragment is looked into once."""
    fragments = fragments_of(document)
    waiting: list[SelectionSetNode] = [operation.selection_set]
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FieldNode):
                yield selection.name.value
            elif isinstance(selection, FragmentSpreadNode):
                fragment = fragments.pop(selection.name.value, None)
                waiting += [] if fragment is None else [fragment.selection_set]
            else:
                waiting.append(cast("Any", selection).selection_set)


def inner_variables(document: DocumentNode, operation: OperationDefinitionNode) -> Iterable[str]:
    """Names of the variables outside the arguments of fields that stand in the operation's own selection."""
    waiting: list[Any] = list(spread(document, operation))
    waiting += operation.directives or ()
    for selection in operation.selection_set.selections:
        if isinstance(selection, FieldNode):
            waiting += [*(selection.directives or ()), *([selection.selection_set] if selection.selection_set else ())]
        else:
            waiting.append(selection)
    finding = _Variables()
    for node in waiting:
        visit(node, finding)
    return finding.names


class _Variables(Visitor):
    """Collects the names of variables."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.names.add(node.name.value)

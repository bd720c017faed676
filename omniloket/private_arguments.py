"""Arguments that hold personal data: they never stand in a URL, which proxies and browsers keep."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, cast
from weakref import WeakKeyDictionary

from graphql import ArgumentNode, DocumentNode, FieldNode, Node, ObjectFieldNode, Visitor, visit
from msgspec import Struct

from engine.prepared import Prepared

PRIVATE_ARGUMENTS = frozenset({"bsn", "phone", "email", "name"})
"""The names of such arguments and input fields."""


class PrivateArguments:
    """Finds them; each document is looked through once."""

    def __init__(self) -> None:
        self._looked_at: WeakKeyDictionary[Prepared, _Names] = WeakKeyDictionary()

    def are_in(self, prepared: Prepared, variables: Mapping[str, Any]) -> bool:
        """Whether a document names any, or its variables do.

        What a variable is for, is said where it stands. A variable's name is looked at only where the operation does
        not declare it.
        """
        names = self._looked_at.get(prepared)
        if names is None:
            names = self._looked_at[prepared] = _names(prepared)
        if names.are_private:
            return True
        inside = _keys(list(variables.values()))
        return any(name in PRIVATE_ARGUMENTS for name in chain(variables.keys() - names.declared, inside))


class _Names(Struct, frozen=True):
    """What a look at a document finds: whether it names private arguments, and which variables it declares."""

    are_private: bool
    declared: frozenset[str]


def _names(prepared: Prepared) -> _Names:
    declared = frozenset(each.variable.name.value for each in prepared.operation.variable_definitions or ())
    return _Names(not PRIVATE_ARGUMENTS.isdisjoint(_argument_names(prepared.document)), declared)


def _argument_names(document: DocumentNode) -> Iterable[str]:
    finder = _ArgumentNames()
    visit(document, finder)
    return finder.names


class _ArgumentNames(Visitor):
    """Names of arguments and input fields. Those of introspection fields, as `__type(name:)`, are not data."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_field(self, node: FieldNode, *_: object) -> Any:
        return self.SKIP if node.name.value.startswith("__") else None

    def enter(self, node: Node, *_: object) -> None:
        if isinstance(node, ArgumentNode | ObjectFieldNode):
            self.names.add(node.name.value)


def _keys(value: object) -> Iterator[str]:
    """The keys of objects at any depth; without recursion, since JSON may be nested deeper than Python's stack."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield from cast("dict[str, Any]", each)
            waiting.extend(cast("dict[str, Any]", each).values())
        elif isinstance(each, list):
            waiting.extend(cast("list[Any]", each))

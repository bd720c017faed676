"""How often each variable stands in an operation, and how many values are written there; fragments where spread.

It takes time that grows with the document's length, however often fragments are spread in each other: how often each
is, is added up first.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from engine.fragments import fragments_of


@dataclass(frozen=True)
class Occurrences:
    """`repeated`: how often each variable stands that does so more than once. `written`: the other values.

    A variable's default is written as often as the variable stands.
    """

    repeated: Mapping[str, int] = field(default_factory=dict[str, int])
    written: int = 0


def occurrences(document: DocumentNode, operation: OperationDefinitionNode) -> Occurrences:
    """What stands in an operation of a valid document."""
    variables: Counter[str] = Counter(_names(_of_directives(operation)))
    written = 0
    for part, times in _parts(document, operation):
        names = _names(part.values)
        written += times * (len(part.values) - len(names))
        for name in names:
            variables[name] += times
    for each in operation.variable_definitions or ():
        if each.default_value is not None:
            written += variables[each.variable.name.value] * len(list(inside(each.default_value)))
    return Occurrences({name: times for name, times in variables.items() if times > 1}, written)


def spread(document: DocumentNode, operation: OperationDefinitionNode) -> Sequence[FragmentDefinitionNode]:
    """The fragments that an operation spreads, itself or in others."""
    return list(_Spread(document, operation).found.values())


def values_of(node: Any) -> Iterator[ValueNode]:
    """The values in the arguments of a field and of the directives there, at any depth."""
    for argument in getattr(node, "arguments", None) or ():
        yield from inside(argument.value)
    yield from _of_directives(node)


def inside(value: Any) -> Iterator[ValueNode]:
    """A value, and all in it. Variables are values as well."""
    yield value
    for each in getattr(value, "values", ()):
        yield from inside(each)
    for each in getattr(value, "fields", ()):
        yield from inside(each.value)


def _of_directives(node: Any) -> Iterator[ValueNode]:
    for directive in getattr(node, "directives", None) or ():
        for argument in directive.arguments or ():
            yield from inside(argument.value)


@dataclass(frozen=True)
class _Part:
    """A selection set, without what is spread in it."""

    values: Sequence[ValueNode]
    spreads: Sequence[str]


def _part(selections: SelectionSetNode) -> _Part:
    values: list[ValueNode] = []
    spreads: list[str] = []
    waiting = [selections]
    while waiting:
        for each in waiting.pop().selections:
            values.extend(values_of(each))
            below: SelectionSetNode | None = getattr(each, "selection_set", None)
            if isinstance(each, FragmentSpreadNode):
                spreads.append(each.name.value)
            elif below is not None:
                waiting.append(below)
    return _Part(values, spreads)


class _Spread:
    """The fragments of an operation, each after all that it spreads."""

    def __init__(self, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._all = fragments_of(document)
        self.parts: dict[str, _Part] = {}
        self.found: dict[str, FragmentDefinitionNode] = {}
        self.whole = _part(operation.selection_set)
        self._follow(self.whole)

    def _follow(self, part: _Part) -> None:
        for name in part.spreads:
            if name not in self.parts:
                self.parts[name] = _part(self._all[name].selection_set)
                self._follow(self.parts[name])
                self.found[name] = self._all[name]


def _parts(document: DocumentNode, operation: OperationDefinitionNode) -> Iterator[tuple[_Part, int]]:
    """The parts of an operation, and how often each counts."""
    spreading = _Spread(document, operation)
    times = Counter(spreading.whole.spreads)
    yield spreading.whole, 1
    for name in reversed(spreading.found):
        part = spreading.parts[name]
        for each in part.spreads:
            times[each] += times[name]
        yield part, times[name]


def _names(values: Iterator[ValueNode] | Sequence[ValueNode]) -> list[str]:
    return [each.name.value for each in values if isinstance(each, VariableNode)]

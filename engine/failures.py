"""What went wrong while a plan was executed: marked in the answer where it happened, settled at the end.

Most answers have no marks and are never looked through. One that has is walked once, along its plan: each mark
becomes an error with its path, and null rises to the nearest place that may be null (GraphQL specification, 6.4.4).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from graphql import FieldNode, GraphQLError, GraphQLList, GraphQLNonNull, is_leaf_type, located_error

from engine.plan import Field, Selection


@dataclass(frozen=True)
class Failed:
    """Stands where a value would have been; `error` None: null came where none may be."""

    error: BaseException | None


@dataclass(frozen=True)
class Torn:
    """Stands around a value that lacks something."""

    value: Any
    errors: Sequence[Exception]


NULLED = Failed(None)


class _Rising(Exception):
    """Null on its way up."""


class Settlement:
    """Answers with marks, settled one by one.

    `nodes_of` gives the nodes by which a field was asked; `selected`, which objects each selection made.
    """

    def __init__(
        self,
        nodes_of: Callable[[Field], Sequence[FieldNode]],
        selected: Sequence[tuple[Selection, Sequence[dict[str, Any]]]],
    ) -> None:
        self._errors: list[GraphQLError] = []
        self._nodes_of = nodes_of
        self._selected = selected

    @cached_property
    def _selection_of(self) -> dict[int, Selection]:
        """The selection that made an object, for where its field alone does not tell."""
        return {id(each): selection for selection, objects in self._selected for each in objects}

    def settle(
        self, selection: Selection, data: dict[str, Any]
    ) -> tuple[dict[str, Any] | None, Sequence[GraphQLError]]:
        """The data without marks, None when null rose to the top; and the errors in the order of the document."""
        self._errors = []
        try:
            return self._object(selection, data, ()), self._errors
        except _Rising:
            return None, self._errors

    def _object(self, selection: Selection, found: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
        for field in selection.fields:
            if field.key in found:
                found[field.key] = self._value(field, field.type, found[field.key], (*path, field.key))
        return found

    def _value(self, field: Field, type_: Any, found: Any, path: tuple[str | int, ...]) -> Any:
        is_non_null = isinstance(type_, GraphQLNonNull)
        try:
            settled = self._inner(field, cast("Any", type_).of_type if is_non_null else type_, found, path)
        except _Rising:
            settled = None
        if settled is None and is_non_null:
            raise _Rising
        return settled

    def _inner(self, field: Field, type_: Any, found: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(found, Torn):
            for error in found.errors:
                self._report(field, error, path)
            return self._inner(field, type_, found.value, path)
        if isinstance(found, Failed):
            self._report(field, found.error or _null_error(field), path)
            return None
        if found is None or is_leaf_type(type_):
            return found
        if isinstance(type_, GraphQLList):
            of_type = cast("Any", type_).of_type
            return [self._value(field, of_type, each, (*path, index)) for index, each in enumerate(found)]
        return self._object(field.only_selection or self._selection_of[id(found)], found, path)

    def _report(self, field: Field, error: BaseException, path: tuple[str | int, ...]) -> None:
        self._errors.append(located_error(cast("Any", error), self._nodes_of(field), list(path)))


def _null_error(field: Field) -> TypeError:
    return TypeError(f"Cannot return null for non-nullable field {field.parent}.{field.name}.")

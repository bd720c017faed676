"""From what resolvers give to what the answer says, for many parents at once (GraphQL specification, section 6.4.3).

What the class of a value tells is remembered, so that most levels need one look at the set of their classes. Where
that does not tell, values are looked at one by one; what fails then, fails with graphql-core's messages.
"""

from collections.abc import Sequence
from itertools import accumulate, chain, pairwise
from typing import Any, Protocol, cast
from weakref import ref

from graphql import GraphQLError, GraphQLLeafType, GraphQLObjectType, pyutils
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.executor import Executor as CoreExecutor
from graphql.execution.executor import invalid_return_type_error
from graphql.pyutils import Undefined

from engine.failures import Failed
from engine.plan import Completion, Field, Selection
from engine.runtime_types import RuntimeTypes


class Run(Protocol):
    """What completing needs of the run that it is part of."""

    def select(self, selection: Selection, objects: Sequence[Any]) -> list[dict[str, Any]]: ...

    def failed(self, error: BaseException) -> Failed: ...

    def null(self, *, allowed: bool) -> Failed | None: ...

    def core(self, field: Field) -> tuple[Any, Any]:
        """graphql-core's executor of the same operation, and its info of a field."""
        ...


class Leaf:
    """Scalars and enums. `unchanged`: the class of values that are their own output, if there is one.

    `usual`: the classes of which a value has been taken before; generated code takes them without a further look.
    """

    def __init__(self, type_: GraphQLLeafType, unchanged: type | None, *, nullable: bool) -> None:
        self.type = type_
        self.unchanged = unchanged
        self.nullable = nullable
        self.usual: set[type[Any]] = set()

    def complete(self, values: Sequence[Any], run: Run) -> Sequence[Any]:
        if self.unchanged is not None and set(map(type, values)) == {self.unchanged}:
            return values
        return [self.one(value, run) for value in values]

    def one(self, value: Any, run: Run) -> Any:
        """The output of one value, of whatever class."""
        if value is None or value is Undefined:
            return run.null(allowed=self.nullable)
        if isinstance(value, BaseException):
            return run.failed(value)
        try:
            output = CoreExecutor.complete_leaf_value(self.type, value)
        except Exception as error:
            return run.failed(error)
        self.usual.add(cast("Any", type(value)))
        return output


def there(field: "ref[Field]") -> Field:
    """The field of a completion. It is referred to weakly, so that the two are no circle; its plan keeps it alive."""
    found = field()
    assert found is not None  # noqa: S101
    return found


class ListOf:
    """Lists: the items of all of them are completed together."""

    def __init__(self, items: Completion, field: Field, *, nullable: bool) -> None:
        self.items = items
        self._field = ref(field)
        self.nullable = nullable

    def complete(self, values: Sequence[Any], run: Run) -> Sequence[Any]:
        if set(map(type, values)) <= _LISTS:
            return self._together(values, run)
        found = [self._list(value, run) for value in values]
        completed = iter(self._together([each for each in found if type(each) in _LISTS], run))
        return [next(completed) if type(each) in _LISTS else each for each in found]

    def _together(self, lists: Sequence[Sequence[Any]], run: Run) -> list[list[Any]]:
        if len(lists) == 1:
            return [list(self.items.complete(lists[0], run))]
        items = self.items.complete(list(chain.from_iterable(lists)), run)
        return [list(items[start:end]) for start, end in pairwise(accumulate(map(len, lists), initial=0))]

    def _list(self, value: Any, run: Run) -> Any:
        if type(value) in _LISTS:
            return value
        if value is None or value is Undefined:
            return run.null(allowed=self.nullable)
        if isinstance(value, BaseException):
            return run.failed(value)
        if not cast("Any", pyutils).is_iterable(value):
            field = there(self._field)
            place = f"{field.parent}.{field.name}"
            return run.failed(GraphQLError(f"Expected Iterable, but did not find one for field '{place}'."))
        try:
            return list(value)
        except Exception as error:
            return run.failed(error)


class Objects:
    """Objects, of one type or of several: those of one type are completed together."""

    def __init__(
        self, types: RuntimeTypes, selections: dict[GraphQLObjectType, Selection], field: Field, *, nullable: bool
    ) -> None:
        self.types = types
        self.selections = selections
        self._field = ref(field)
        self.nullable = nullable

    def complete(self, values: Sequence[Any], run: Run) -> Sequence[Any]:
        kinds = set(map(type, values))
        if self.nullable and _NONE in kinds:
            objects = iter(self.complete([value for value in values if value is not None], run))
            return [None if value is None else next(objects) for value in values]
        if len(kinds) == 1:
            (kind,) = kinds
            type_ = self.types.of_class(kind)
            if type_ is not None:
                return run.select(self.selections[type_], values)
        return self._by_type(values, run)

    def _by_type(self, values: Sequence[Any], run: Run) -> Sequence[Any]:
        completed: list[Any] = [None] * len(values)
        places: dict[GraphQLObjectType, list[int]] = {}
        for index, value in enumerate(values):
            found = self.types.of_class(cast("Any", type(value))) or self._look(value, run)
            if isinstance(found, GraphQLObjectType):
                places.setdefault(found, []).append(index)
            else:
                completed[index] = found
        for type_, indices in places.items():
            objects = run.select(self.selections[type_], [values[index] for index in indices])
            for index, each in zip(indices, objects, strict=True):
                completed[index] = each
        return completed

    def _look(self, value: Any, run: Run) -> GraphQLObjectType | Failed | None:
        """The type of one value, or what stands in its place."""
        if value is None or value is Undefined:
            return run.null(allowed=self.nullable)
        if isinstance(value, BaseException):
            return run.failed(value)
        try:
            return self._ask(value, run)
        except Exception as error:
            return run.failed(error)

    def _ask(self, value: Any, run: Run) -> GraphQLObjectType:
        executor, info = run.core(there(self._field))
        details = [FieldDetails(node, None) for node in info.field_nodes]
        type_: Any = self.types.declared
        if self.types.is_abstract:
            resolve_type = type_.resolve_type or executor.type_resolver
            name = resolve_type(value, info, type_)
            type_ = executor.ensure_valid_runtime_type(name, type_, details, info, value)
        if type_.is_type_of is not None and not type_.is_type_of(value, info):
            raise invalid_return_type_error(type_, value, details)
        return type_


_LISTS = {list, tuple}
_NONE = type(None)

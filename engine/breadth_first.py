"""Runs a plan level by level.

A level is everything that can be told without waiting: attributes, and fields whose resolvers only compute, down
through objects and lists. The fields that wait for a source are then asked all at once, each one time for all its
parents, and what they give is the next level.
"""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import FieldNode, GraphQLError
from graphql.execution import executor as core
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.exceptions import WrongNumberOfResultsReturned

from engine.batching import Batched, Partial, RequestState, frozen
from engine.failures import NULLED, Failed, Settlement, Torn
from engine.fragments import fragments_of
from engine.generating import generate
from engine.guards import Guard
from engine.plan import Field, Plan, Selection, holds

Outs = list[dict[str, Any]]
"""Objects of the answer."""


@dataclass(frozen=True)
class Answer:
    """What an operation gave; `errors` in the order of the document."""

    data: dict[str, Any] | None
    errors: Sequence[GraphQLError] = ()


async def execute(plan: Plan, variables: VariableValues, context: object, root: object = None) -> Answer:
    """The answer to one operation or event. Cancelling it cancels what its resolvers are waiting for."""
    return (await execute_all(plan, variables, context, [root]))[0]


async def execute_all(
    plan: Plan, variables: VariableValues, context: object, roots: Sequence[object]
) -> Sequence[Answer]:
    """The answer for each of several roots, which one run makes together."""
    return await Run(plan, variables, context, roots).answers()


@dataclass
class _Call:
    """One question to a batched resolver.

    `askers`: each field that asks it, the objects of the answer that get its values, and at which of `parents` the
    values of these begin.
    """

    declaration: Batched
    arguments: dict[str, Any]
    parents: Sequence[Any] = ()
    askers: list[tuple[Field, Outs, int]] = field(default_factory=list[tuple[Field, Outs, int]])
    results: Sequence[Any] = ()


class Run:
    """One execution of a plan, for one root or for several."""

    def __init__(self, plan: Plan, variables: VariableValues, context: object, roots: Sequence[object]) -> None:
        self._plan = plan
        self._variables = variables
        self._context = context
        self._roots = roots
        self._waiting: dict[Hashable, _Call] = {}
        self._selected: list[tuple[Selection, Outs]] = []
        self._arguments: dict[Field, dict[str, Any] | Exception] = {}
        self._refusals: dict[Guard, Exception | None] = {}
        self._core: Any = None
        self._has_marks = False
        if isinstance(context, RequestState):
            context.reads = plan.reads

    async def answers(self) -> Sequence[Answer]:
        """The answer for each root, with the errors of what failed in it."""
        selection = self._plan.selection
        found = self.select(selection, self._roots)
        while self._waiting:
            calls = list(self._waiting.values())
            self._waiting = {}
            if len(calls) == 1:
                await self._call(calls[0])
            else:
                await asyncio.gather(*map(self._call, calls))
            for call in calls:
                self._deliver(call)
        if not self._has_marks:
            return [Answer(data) for data in found]
        settlement = Settlement(self._nodes, self._selected)
        return [Answer(*settlement.settle(selection, each)) for each in found]

    def select(self, selection: Selection, objects: Sequence[Any]) -> Outs:
        """The answer's objects for these of the resolvers'; fields that wait are filled in later."""
        if not objects:
            return []
        if selection.is_conditional or any(map(self._refusal, selection.guarded)):
            counted = [each for each in selection.fields if self._counts(each)]
            outs, later = self._field_by_field(counted, objects), [each for each in selection.later if each in counted]
        else:
            outs, later = self._object_by_object(selection, objects), selection.later
        if selection.is_one_of_several:
            self._selected.append((selection, outs))
        for each in later:
            self._ask(each, objects, outs)
        return outs

    def failed(self, error: BaseException) -> Failed:
        self._has_marks = True
        return Failed(error)

    def null(self, *, allowed: bool) -> Failed | None:
        if allowed:
            return None
        self._has_marks = True
        return NULLED

    def core(self, field: Field) -> tuple[Any, Any]:
        """graphql-core's executor of the same operation, and its info of a field; the path there has no indices."""
        if self._core is None:
            self._core = _core_executor(self._plan, self._variables, self._context, self._roots[0])
        path = Path(None, field.key, field.parent.name)
        return self._core, self._core.build_resolve_info(field.definition, self._nodes(field), field.parent, path)

    def _object_by_object(self, selection: Selection, objects: Sequence[Any]) -> Outs:
        columns = [self._column(each, objects) for each in selection.columns]
        if selection.read_all is None:
            selection.read_all = generate(selection)
        try:
            return selection.read_all(objects, self, *columns)
        except Exception:  # some attribute or scalar raised: which, is found out field by field
            found = dict(zip(selection.columns, columns, strict=True))
            return self._field_by_field(selection.fields, objects, found)

    def _field_by_field(
        self, fields: Sequence[Field], objects: Sequence[Any], found: dict[Field, Sequence[Any]] | None = None
    ) -> Outs:
        columns = [(found or {}).get(each) or self._column(each, objects) for each in fields]
        keys = [each.key for each in fields]
        return [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)] or [{} for _ in objects]

    def _column(self, field: Field, objects: Sequence[Any]) -> Sequence[Any]:
        """The field's value in the answer for each of the objects."""
        if field.is_asynchronous:
            return [None] * len(objects)
        if field.declaration is not None:
            return self._completed(field, self._computed(field, field.declaration, objects))
        if field.read is None:
            return [field.parent.name] * len(objects)
        refusal = self._refusal(field)
        values = _each(field.read, objects) if refusal is None else [refusal] * len(objects)
        return field.completion.complete(values, self)

    def _computed(self, field: Field, declaration: Batched, parents: Sequence[Any]) -> Sequence[Any]:
        """What a resolver that does not wait gives. Where it fails for all, each parent is tried alone."""
        try:
            arguments = self._admitted(field)
            try:
                return _checked(cast("Any", declaration.call(parents, self._context, dict(arguments))), parents)
            except Exception:

                def alone(parent: Any) -> Any:
                    return cast("Any", declaration.call([parent], self._context, dict(arguments)))[0]

                return _each(alone, parents)
        except Exception as error:
            return [error] * len(parents)

    def _ask(self, field: Field, parents: Sequence[Any], outs: Outs) -> None:
        """Puts the parents to the field's question of this level."""
        declaration = cast("Batched", field.declaration)
        try:
            arguments = self._admitted(field)
        except Exception as error:
            self._fill(field, outs, [error] * len(outs))
            return
        key = field if field.is_alone else (declaration, frozen(arguments))
        call = self._waiting.setdefault(key, _Call(declaration, arguments))
        if call.parents is parents:
            call.askers.append((field, outs, 0))
            return
        call.askers.append((field, outs, len(call.parents)))
        call.parents = [*call.parents, *parents] if call.parents else parents

    async def _call(self, call: _Call) -> None:
        try:
            found = await call.declaration.run(call.parents, self._context, dict(call.arguments))
            call.results = _checked(found, call.parents)
        except Exception as error:
            call.results = [error] * len(call.parents)

    def _deliver(self, call: _Call) -> None:
        for field_, outs, start in call.askers:
            self._fill(field_, outs, call.results[start : start + len(outs)])

    def _fill(self, field: Field, outs: Outs, results: Sequence[Any]) -> None:
        key = field.key
        for out, value in zip(outs, self._completed(field, results), strict=True):
            out[key] = value

    def _completed(self, field: Field, results: Sequence[Any]) -> Sequence[Any]:
        if Partial not in set(map(type, results)):
            return field.completion.complete(results, self)
        self._has_marks = True
        torn: list[Partial[Any]] = [
            cast("Any", each) if type(each) is Partial else Partial(each, ()) for each in results
        ]
        completed = field.completion.complete([each.value for each in torn], self)
        return [Torn(value, each.errors) if each.errors else value for each, value in zip(torn, completed, strict=True)]

    def _admitted(self, field: Field) -> dict[str, Any]:
        """The field's arguments; raises why it may not be asked."""
        if field not in self._arguments:
            self._arguments[field] = self._given(field)
        arguments = self._arguments[field]
        if isinstance(arguments, Exception):
            raise arguments
        refusal = self._refusal(field)
        if refusal is not None:
            raise refusal
        return arguments

    def _refusal(self, field: Field) -> Exception | None:
        """Why the field may not be seen; its guard is asked once for all places that it stands before."""
        guard = field.guard
        if guard is None:
            return None
        if guard not in self._refusals:
            self._refusals[guard] = _attempt(guard, self._context)
        return self._refusals[guard]

    def _given(self, field: Field) -> dict[str, Any] | Exception:
        try:
            return cast("Any", field.arguments).given(self._variables)
        except Exception as error:
            return error

    def _counts(self, field: Field) -> bool:
        return any(holds(each.conditions, self._variables.coerced) for each in field.occurrences)

    def _nodes(self, field: Field) -> list[FieldNode]:
        return [each.node for each in field.occurrences if holds(each.conditions, self._variables.coerced)]


def _each(read: Callable[[Any], Any], parents: Sequence[Any]) -> Sequence[Any]:
    """What each parent gives: a value, or what it raised."""
    try:
        return list(map(read, parents))
    except Exception:
        return [_attempt(read, parent) for parent in parents]


def _attempt(read: Callable[[Any], Any], parent: Any) -> Any:
    try:
        return read(parent)
    except Exception as error:
        return error


def _checked(results: Any, parents: Sequence[Any]) -> Sequence[Any]:
    if len(results) != len(parents):
        raise WrongNumberOfResultsReturned(expected=len(parents), received=len(results))
    return results


def _core_executor(plan: Plan, variables: VariableValues, context: object, root: object) -> Any:
    graphql_core = cast("Any", core)
    default = graphql_core.default_field_resolver
    return graphql_core.Executor(
        plan.schema,
        fragments_of(plan.document),
        {},
        root,
        context,
        plan.operation,
        variables,
        default,
        graphql_core.default_type_resolver,
        default,
    )

"""Executing documents: prepared once and remembered, run by plan or else by graphql-core, answered as plain values.

Errors leave here in their client form.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, cast

from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLSchema
from graphql import Executor as CoreExecutor
from graphql import execution as core
from graphql.execution.values import VariableValues

from engine.batching import RequestState
from engine.breadth_first import execute, execute_all
from engine.compiling import Compiler, NotCovered
from engine.cost import Pricing
from engine.documents import Documents
from engine.ignored import refuse_ignored
from engine.limits import Exceeded, Limits, check_variables
from engine.occurrences import occurrences
from engine.prepared import Prepared, inner_variables, kind_of, operation_of, root_fields
from engine.responses import (
    EncodeError,
    Known,
    RequestRefused,
    Response,
    StreamFailed,
    beyond,
    formatted,
    undecided,
    unfit,
)
from engine.variables import OperationVariables

CoreRun = CoreExecutor[Any]
"""One execution in graphql-core."""


@dataclass(frozen=True)
class EventAnswer:
    """What a subscription answers to one event of its source."""

    event: object
    response: Response


class Executor:
    """Runs documents against one schema; raises FeatureIgnored for a schema that relies on what plans leave out.

    `documents`: how many parsed and validated documents are remembered, invalid ones among them; fewer where they
    are long. `limits`: what one document may ask, if that is bounded. `page_size`: how long a page is unless told.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        encode_error: EncodeError,
        documents: int = 1000,
        limits: Limits | None = None,
        page_size: int = 25,
    ) -> None:
        refuse_ignored(schema)
        self._schema = schema
        self._encode_error = encode_error
        self._limits = limits
        self.documents = Documents(schema, limits, documents)
        self._compiler = Compiler(schema)
        self._pricing = Pricing(schema, page_size)

    def prepare(self, query: str, operation_name: str | None = None) -> Prepared:
        """The operation that is to be executed; raises RequestRefused when there is none."""
        known = self.documents.known(query)
        if known.document is None:
            raise RequestRefused(known.errors)
        if known.errors:
            raise RequestRefused(known.errors, kind_of(known.document, operation_name))
        prepared = known.prepared.get(operation_name)
        if prepared is None:
            prepared = known.prepared[operation_name] = self._prepared(known.document, operation_name)
        return prepared

    def check(self, prepared: Prepared, variables: Mapping[str, Any]) -> int:
        """How many values are to be coerced: those in variables and in the document. 0 where there are no limits.

        Raises RequestRefused for variables that are too much to look at more closely.
        """
        if self._limits is None:
            return 0
        found = prepared.occurrences
        try:
            return found.written + check_variables(variables, self._limits, found.repeated)
        except Exceeded as error:
            raise RequestRefused([beyond(error)], prepared.kind) from None

    async def execute(self, prepared: Prepared, variables: Mapping[str, Any] | None, context: object) -> Response:
        """The response to a query or mutation; raises RequestRefused for variables that do not fit."""
        return await self._answer(prepared, variables, context)

    async def subscribe(
        self,
        prepared: Prepared,
        variables: Mapping[str, Any] | None,
        make_context: Callable[[], Awaitable[object]],
    ) -> AsyncGenerator[EventAnswer, None]:
        """An answer for each event, each executed with a context of its own.

        Raises RequestRefused before the first when the stream cannot start, StreamFailed when it breaks off.
        """
        _values(prepared, variables)  # refuses null for @include and @skip: graphql-core would begin the stream
        context = await make_context()
        source = await self._source(self._build(prepared, variables, context))
        async with aclosing(source):
            while True:
                try:
                    event = await anext(source)
                    context = await make_context()
                except StopAsyncIteration:
                    return
                except Exception as error:
                    raise StreamFailed([self.encoded(error)]) from error
                yield EventAnswer(event, await self._answer(prepared, variables, context, event))

    async def answers(
        self, prepared: Prepared, variables: Mapping[str, Any] | None, context: object, events: Sequence[object]
    ) -> Sequence[Response]:
        """The answer to each of several events of one subscription, in one execution where there is a plan."""
        if prepared.plan is not None:
            found = await execute_all(prepared.plan, _values(prepared, variables), context, events)
            known: Known = {}  # what fails once may fail all events
            return [self._response(each.data, each.errors, known) for each in found]
        return [await self._answer(prepared, variables, context, event) for event in events]

    def encoded(self, error: Exception) -> Response:
        """The client form of an error that ends an operation as a whole."""
        whole = error if isinstance(error, GraphQLError) else GraphQLError("", original_error=error)
        return formatted(whole, self._encode_error, {})

    def _prepared(self, document: DocumentNode, operation_name: str | None) -> Prepared:
        operation = operation_of(document, operation_name)
        try:
            plan = self._compiler.plan(document, operation)
        except NotCovered:
            plan = None
        return Prepared(
            document,
            operation,
            operation.operation.value,
            frozenset(root_fields(document, operation)),
            frozenset(inner_variables(document, operation)),
            occurrences(document, operation),
            OperationVariables(self._schema, operation),
            self._pricing.price(document, operation, is_planned=plan is not None),
            plan,
            self._schema,
        )

    async def _answer(
        self, prepared: Prepared, variables: Mapping[str, Any] | None, context: object, event: object = None
    ) -> Response:
        """By plan where there is one, by graphql-core otherwise."""
        if prepared.plan is not None:
            answer = await execute(prepared.plan, _values(prepared, variables), context, event)
            return self._response(answer.data, answer.errors)
        _values(prepared, variables)  # refuses them in fewer words than graphql-core, and in less time
        run = self._build(prepared, variables, context)
        if prepared.kind == "subscription":
            run = cast("Any", run).build_per_event_executor(event)
        return await self._run(run, context)

    async def _source(self, run: CoreRun) -> AsyncGenerator[Any, None]:
        stream: Any = cast("Any", core).create_source_event_stream(run)
        if isawaitable(stream):
            stream = await stream
        if isinstance(stream, ExecutionResult):
            raise RequestRefused([formatted(error, self._encode_error, {}) for error in stream.errors or []])
        return stream

    async def _run(self, run: CoreRun, context: object) -> Response:
        """What resolvers have left in the context is taken out: several events may share one.

        Its loaders lead from it to what they loaded and back again; the collector would not find that.
        """
        state = context if isinstance(context, RequestState) else RequestState()
        try:
            result = run.execute_operation()
            if isawaitable(result):
                result = await result
            done = cast("ExecutionResult", result)
            return self._response(done.data, (*(done.errors or ()), *state.partial_errors))
        finally:
            state.partial_errors.clear()
            state.loaders.clear()

    def _response(
        self, data: dict[str, Any] | None, errors: Sequence[GraphQLError], known: Known | None = None
    ) -> Response:
        if not errors:
            return {"data": data}
        known = {} if known is None else known
        return {"data": data, "errors": [formatted(error, self._encode_error, known) for error in errors]}

    def _build(self, prepared: Prepared, variables: Mapping[str, Any] | None, context: object) -> CoreRun:
        run: CoreRun | list[GraphQLError] = cast("Any", CoreExecutor).build(
            self._schema,
            prepared.document,
            context_value=context,
            raw_variable_values=dict(variables or {}),
            operation_name=prepared.name,
            hide_suggestions=True,
        )
        if isinstance(run, list):
            raise unfit(run)
        return run


def _values(prepared: Prepared, variables: Mapping[str, Any] | None) -> VariableValues:
    """Raises RequestRefused for variables that do not fit."""
    found = prepared.variables.coerced(variables or {})
    if not isinstance(found, VariableValues):
        raise unfit(found)
    variable = None if prepared.plan is None else prepared.plan.undecided(found)
    if variable is not None:
        raise RequestRefused([undecided(variable)], prepared.kind)
    return found

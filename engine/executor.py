"""Executing documents: prepared once and remembered, run by plan or else by graphql-core, answered as plain values.

Errors leave here in their client form (GraphQL specification, section 7.1.2), and never repeat a value that was
given: graphql-core's own messages do.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cached_property
from inspect import isawaitable
from typing import Any, cast

from graphql import (
    ArgumentNode,
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    NoFragmentCyclesRule,
    OperationDefinitionNode,
    SelectionSetNode,
    UniqueFragmentNamesRule,
    ValueNode,
    VariableNode,
    Visitor,
    specified_rules,
    validate,
    visit,
)
from graphql import Executor as CoreExecutor
from graphql import execution as core
from graphql.execution.values import VariableValues

from engine.batching import RequestState
from engine.breadth_first import execute, execute_all
from engine.compiling import Compiler, NotCovered
from engine.cost import Price, Pricing
from engine.ignored import refuse_ignored
from engine.limits import Exceeded, Limits, check_document, check_text, check_variables
from engine.one_of import OneOfVariables
from engine.parsing import parse
from engine.plan import Plan
from engine.uses import Uses
from engine.variables import OperationVariables

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT = "BAD_USER_INPUT"
LIMIT_EXCEEDED = "LIMIT_EXCEEDED"

_REMEMBERED_CHARACTERS = 1_000
"""How long remembered documents may be on average: a parsed one takes 20 to 200 bytes of memory a character."""

_RULES = (*specified_rules, OneOfVariables)
_RULES_OF_FRAGMENTS = (UniqueFragmentNamesRule, NoFragmentCyclesRule)
"""Of documents that the others would get lost in."""

Response = dict[str, Any]
"""A GraphQL response (section 7.1): `data` once execution began, `errors` where there are any."""

Run = CoreExecutor[Any]
"""One execution in graphql-core."""

EncodeError = Callable[[Exception], tuple[str, dict[str, Any]]]
"""From an exception to the message and extensions that a client may see."""

Known = dict[int, tuple[str, dict[str, Any]]]
"""What clients see of exceptions, by their identity: for as long as these are kept."""

_ARGUMENT_NODES = (ArgumentNode, ValueNode)
"""What graphql-core's errors point at that come of an argument, and no others."""

_VALUE_IN_MESSAGE = re.compile(
    r"(,| |;|\.)? ?((, )?but encountered error|found|Found)\b.*|(?<= value)(?<!has invalid value): .*", re.DOTALL
)
_ENUM_VALUE = re.compile(r"\bValue '[^']*' does not exist")
_TEXT_IN_SYNTAX_ERROR = re.compile(r"(?<=String) ['\"].*", re.DOTALL)
_EIGHT_OR_NINE_DIGITS = re.compile(r"(?<!\d)\d{8,9}(?!\d)", re.ASCII)


class RequestRefused(Exception):
    """The request cannot be executed; `errors` are in their client form.

    `kind` is the operation's, where the document tells: query, mutation or subscription.
    """

    def __init__(self, errors: Sequence[Response], kind: str | None = None) -> None:
        super().__init__("the request was refused")
        self.errors = errors
        self.kind = kind


class StreamFailed(Exception):
    """A subscription's source ended with an error; `errors` are in their client form."""

    def __init__(self, errors: Sequence[Response]) -> None:
        super().__init__("the stream failed")
        self.errors = errors


@dataclass(frozen=True)
class EventAnswer:
    """What a subscription answers to one event of its source."""

    event: object
    response: Response


@dataclass(frozen=True, eq=False)
class Prepared:
    """One operation of a valid document. `kind` is query, mutation or subscription.

    `root_fields` are the names of the fields asked of the root, through fragments. `inner_variables` are those that
    stand elsewhere than in a root field's arguments: the only ones that the answer to an event depends on. `price` is
    what it may cost, by its variables. `plan` is None for what only graphql-core executes: introspection, mutations,
    resolvers that are not batched; directives of the operation itself, a fragment under conditions that differ, and
    what a plan would be too large for.
    """

    document: DocumentNode
    operation: OperationDefinitionNode
    kind: str
    root_fields: frozenset[str]
    inner_variables: frozenset[str]
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


@dataclass(frozen=True)
class _Document:
    """A document that was parsed, if it could be, what is wrong with it, and its operations that were asked for."""

    document: DocumentNode | None
    errors: Sequence[Response] = ()
    prepared: dict[str | None, Prepared] = field(default_factory=dict[str | None, Prepared])


@dataclass
class Counts:
    """How often a document was remembered, was not, and had to be forgotten for another."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0


class Executor:
    """Runs documents against one schema; raises FeatureIgnored for one that plans would not do justice to.

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
        self._most_documents = documents
        self._documents: OrderedDict[str, _Document] = OrderedDict()
        self._pinned: Mapping[str, _Document] = {}
        self._characters = 0
        self._compiler = Compiler(schema)
        self._pricing = Pricing(schema, page_size)
        self.counts = Counts()

    @property
    def remembered(self) -> int:
        """How many documents are remembered."""
        return len(self._documents)

    def knows(self, query: str) -> bool:
        """Whether a document has been parsed and validated already, and is remembered."""
        return query in self._documents or query in self._pinned

    async def pin(self, queries: Iterable[str]) -> Mapping[str, Sequence[Response]]:
        """Remembers these documents for good, instead of those before them. Others have their turn in between.

        Gives what is wrong with each that is; then those before them stay.
        """
        pinned: dict[str, _Document] = {}
        for query in queries:
            pinned[query] = self._pinned.get(query) or self._checked(query)
            await asyncio.sleep(0)
        wrong = {query: document.errors for query, document in pinned.items() if document.errors}
        if not wrong:
            self._pinned = pinned
        return wrong

    def prepare(self, query: str, operation_name: str | None = None) -> Prepared:
        """The operation that is to be executed; raises RequestRefused when there is none."""
        known = self._document(query)
        if known.document is None:
            raise RequestRefused(known.errors)
        if known.errors:
            raise RequestRefused(known.errors, _kind(known.document, operation_name))
        prepared = known.prepared.get(operation_name)
        if prepared is None:
            prepared = known.prepared[operation_name] = self._prepared(known.document, operation_name)
        return prepared

    def check(self, prepared: Prepared, variables: Mapping[str, Any]) -> None:
        """Raises RequestRefused for variables that are too much to look at more closely."""
        try:
            if self._limits is not None:
                check_variables(variables, self._limits)
        except Exceeded as error:
            raise RequestRefused([_beyond(error)], prepared.kind) from None

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
        _values(prepared, variables)  # refuses what the plan of each event would, which graphql-core's start does not
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
        return self._formatted(error if isinstance(error, GraphQLError) else GraphQLError("", original_error=error), {})

    def _prepared(self, document: DocumentNode, operation_name: str | None) -> Prepared:
        operation = _operation(document, operation_name)
        try:
            plan = self._compiler.plan(document, operation)
        except NotCovered:
            plan = None
        return Prepared(
            document,
            operation,
            operation.operation.value,
            frozenset(_root_fields(document, operation)),
            frozenset(_inner_variables(document, operation)),
            OperationVariables(self._schema, operation),
            self._pricing.price(document, operation),
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
        run = self._build(prepared, variables, context)
        if prepared.kind == "subscription":
            run = cast("Any", run).build_per_event_executor(event)
        return await self._run(run, context)

    async def _source(self, run: Run) -> AsyncGenerator[Any, None]:
        stream: Any = cast("Any", core).create_source_event_stream(run)
        if isawaitable(stream):
            stream = await stream
        if isinstance(stream, ExecutionResult):
            raise RequestRefused([self._formatted(error, {}) for error in stream.errors or []])
        return stream

    async def _run(self, run: Run, context: object) -> Response:
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
        return {"data": data, "errors": [self._formatted(error, known) for error in errors]}

    def _build(self, prepared: Prepared, variables: Mapping[str, Any] | None, context: object) -> Run:
        run: Run | list[GraphQLError] = cast("Any", CoreExecutor).build(
            self._schema,
            prepared.document,
            context_value=context,
            raw_variable_values=dict(variables or {}),
            operation_name=prepared.name,
            hide_suggestions=True,
        )
        if isinstance(run, list):
            raise _refused(run)
        return run

    def _document(self, query: str) -> _Document:
        found = self._pinned.get(query)
        if found is not None:
            self.counts.hits += 1
            return found
        found = self._documents.get(query)
        if found is None:
            self.counts.misses += 1
            found = self._checked(query)
            self._remember(query, found)
        else:
            self.counts.hits += 1
            self._documents.move_to_end(query)
        return found

    def _remember(self, query: str, document: _Document) -> None:
        """In place of those that were not asked for longest, where there are too many or they are too long."""
        most = self._most_documents
        self._documents[query] = document
        self._characters += len(query)
        while len(self._documents) > most or self._characters > most * _REMEMBERED_CHARACTERS:
            forgotten, _ = self._documents.popitem(last=False)
            self._characters -= len(forgotten)
            self.counts.evictions += 1

    def _checked(self, query: str) -> _Document:
        """Parsed and validated. A chain of fragments beyond Python's stack is refused as well."""
        try:
            if self._limits is not None:
                check_text(query, self._limits)
            document = parse(query)
            is_bounded = self._limits is None or check_document(document, self._limits)
            rules = _RULES if is_bounded else _RULES_OF_FRAGMENTS
            errors = validate(self._schema, document, rules, max_errors=20, hide_suggestions=True)
        except Exceeded as error:
            return _Document(None, [_beyond(error)])
        except RecursionError:
            return _Document(
                None, [_beyond(Exceeded("nesting", "A document's fragments may not be chained that long."))]
            )
        except GraphQLError as error:
            return _Document(None, [_refusal(_TEXT_IN_SYNTAX_ERROR.sub("", error.message), PARSE_FAILED, error)])
        return _Document(
            document, [_refusal(_without_literal(error.message), VALIDATION_FAILED, error) for error in errors]
        )

    def _formatted(self, error: GraphQLError, known: Known) -> Response:
        """A field error. What graphql-core found out itself, as null where none may be, is our fault and masked.

        But null for an argument that may not be, by a variable that may, is the client's. `known`: what is said of
        causes by their identity, since one that many fields failed for is told of once.
        """
        cause: Exception = error
        while isinstance(cause, GraphQLError) and cause.original_error is not None:
            cause = cause.original_error
        if isinstance(cause, GraphQLError) and cause.nodes and isinstance(cause.nodes[0], _ARGUMENT_NODES):
            return _client_form(_without_value(cause.message), {"code": BAD_USER_INPUT}, error)
        if id(cause) not in known:
            known[id(cause)] = self._encode_error(cause)
        return _client_form(*known[id(cause)], error)


def _refusal(message: str, code: str, error: GraphQLError | None = None) -> Response:
    return _client_form(message, {"code": code}, error)


def _beyond(exceeded: Exceeded) -> Response:
    return _client_form(str(exceeded), {"code": LIMIT_EXCEEDED, "limit": exceeded.limit}, None)


def _values(prepared: Prepared, variables: Mapping[str, Any] | None) -> VariableValues:
    """Raises RequestRefused for variables that do not fit."""
    found = prepared.variables.coerced(variables or {})
    if not isinstance(found, VariableValues):
        raise _refused(found)
    undecided = None if prepared.plan is None else prepared.plan.undecided(found)
    if undecided is not None:
        message = f"Variable '${undecided}' may not be null: @include or @skip wants a Boolean."
        raise RequestRefused([_refusal(message, BAD_USER_INPUT)], prepared.kind)
    return found


def _refused(errors: Sequence[GraphQLError]) -> RequestRefused:
    """Variables do not fit."""
    return RequestRefused([_refusal(_without_value(error.message), BAD_USER_INPUT, error) for error in errors])


def _client_form(message: str, extensions: dict[str, Any], error: GraphQLError | None) -> Response:
    form: Response = {"message": _EIGHT_OR_NINE_DIGITS.sub("…", message)}
    if error is not None and error.locations:
        form["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error is not None and error.path is not None:
        form["path"] = list(error.path)
    return {**form, "extensions": extensions}


def _without_value(message: str) -> str:
    """A message about a variable, without the value: it may be a citizen service number or a name."""
    kept = _VALUE_IN_MESSAGE.sub("", _ENUM_VALUE.sub("The value does not exist", message)).rstrip(" ,;.:")
    return kept if kept.endswith("?") else kept + "."


def _without_literal(message: str) -> str:
    """A message about a literal that does not fit, without the literal."""
    is_about_a_literal = message.startswith(("Expected value of", "Value '")) or " cannot represent " in message
    return _without_value(message) if is_about_a_literal else message


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """GetOperation (GraphQL specification, section 6.1)."""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if name is None and len(operations) == 1:
        return operations[0]
    if name is None:
        message = "Give 'operationName': the document has several operations, or none."
        raise RequestRefused([_refusal(message, BAD_USER_INPUT)])
    for operation in operations:
        if operation.name is not None and operation.name.value == name:
            return operation
    raise RequestRefused([_refusal("The document has no operation of the name in 'operationName'.", BAD_USER_INPUT)])


def _kind(document: DocumentNode, name: str | None) -> str | None:
    try:
        return _operation(document, name).operation.value
    except RequestRefused:
        return None


def _root_fields(document: DocumentNode, operation: OperationDefinitionNode) -> Iterable[str]:
    """Names of the fields in the root selection; each fragment is looked into once."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
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


def _inner_variables(document: DocumentNode, operation: OperationDefinitionNode) -> Iterable[str]:
    """Names of the variables outside the arguments of fields that stand in the operation's own selection."""
    waiting: list[Any] = [each for each in document.definitions if isinstance(each, FragmentDefinitionNode)]
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

"""A batched field, declared once and run by any executor.

Its resolver is called once a level with all its parents. The declaration stands in the field's `metadata`, where
a breadth-first executor finds it; under graphql-core the field is an ordinary Strawberry field that loads through
Strawberry's DataLoader, one for each field and set of arguments in a request.
"""

import inspect
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Annotated, Any, Generic, TypeVar, cast

import strawberry
from graphql import GraphQLError
from strawberry.dataloader import DataLoader

T = TypeVar("T")

METADATA_KEY = "batched"

BatchResolver = Callable[..., Awaitable[Sequence[object]] | Sequence[object]]
"""`(parents, context, **arguments)` to one result for each parent, in order: a value, None, an exception, a Partial.

A coroutine function when it asks a source; a plain function when it only computes.
"""


@dataclass
class RequestState:
    """What one request or event keeps while it runs, and no other ever sees. Contexts derive from it.

    `partial_errors`: errors of fields that have a value nevertheless. `reads`: the attributes that the plan which is
    executed reads of any object, as "Type.attribute"; None where it may be any.
    """

    loaders: dict[Hashable, DataLoader[Any, Any]] = field(default_factory=dict[Hashable, DataLoader[Any, Any]])
    partial_errors: list[GraphQLError] = field(default_factory=list[GraphQLError])
    reads: frozenset[str] | None = None


@dataclass(frozen=True)
class Partial(Generic[T]):
    """A value that lacks something: the field has the value, and the answer has the errors, at the field's path."""

    value: T
    errors: Sequence[Exception]


@dataclass(frozen=True)
class Argument:
    """An argument of a batched field: its GraphQL type as Strawberry writes it, and its description."""

    type: Any
    description: str


@dataclass(frozen=True, eq=False)
class Batched:
    """The declaration of a batched field. Each is itself and equal to no other.

    `prepare` turns the arguments as GraphQL gives them into the resolver's own, once a batch; what it raises is the
    error of every parent. `reads`: the attributes that the resolver reads, keys apart: those of its parents by name,
    those of other types' objects as "Type.attribute"; None where it may read any.
    """

    resolve: BatchResolver
    arguments: Mapping[str, Argument]
    prepare: Callable[[Any, dict[str, Any]], dict[str, Any]] | None = None
    reads: Sequence[str] | None = None

    @property
    def is_asynchronous(self) -> bool:
        """Whether the resolver waits for a source."""
        return inspect.iscoroutinefunction(self.resolve)

    async def run(self, parents: Sequence[object], context: object, arguments: dict[str, Any]) -> Sequence[object]:
        """One result for each parent, in order."""
        results = self.call(parents, context, arguments)
        return await results if inspect.isawaitable(results) else results

    def call(
        self, parents: Sequence[object], context: object, arguments: dict[str, Any]
    ) -> Awaitable[Sequence[object]] | Sequence[object]:
        prepared = self.prepare(context, arguments) if self.prepare else arguments
        return self.resolve(parents, context, **prepared)


def batched(
    resolve: BatchResolver,
    *,
    description: str,
    arguments: Mapping[str, Argument] | None = None,
    prepare: Callable[[Any, dict[str, Any]], dict[str, Any]] | None = None,
    name: str | None = None,
    directives: Sequence[object] = (),
    reads: Sequence[str] | None = None,
) -> Any:
    """A Strawberry field that `resolve` answers for all parents at once. `directives` stand in the printed schema."""
    declaration = Batched(resolve, arguments or {}, prepare, reads)
    resolver = _loading(declaration) if declaration.is_asynchronous else _computing(declaration)
    sign(resolver, declaration.arguments)
    return strawberry.field(
        resolver=resolver,
        name=name,
        description=description,
        directives=directives,
        metadata={METADATA_KEY: declaration},
    )


def _loading(declaration: Batched) -> Callable[..., Any]:
    async def load(root: object, info: strawberry.Info[Any, Any], **arguments: Any) -> object:
        context: RequestState = info.context
        loader = _loader(declaration, context, _given(arguments))
        return _unwrapped(await loader.load(root), context, info)

    return load


def _computing(declaration: Batched) -> Callable[..., Any]:
    def compute(root: object, info: strawberry.Info[Any, Any], **arguments: Any) -> object:
        context: RequestState = info.context
        results = cast("Sequence[object]", declaration.call([root], context, _given(arguments)))
        return _unwrapped(results[0], context, info)

    return compute


def _loader(declaration: Batched, context: RequestState, arguments: dict[str, Any]) -> DataLoader[Any, Any]:
    key = (id(declaration), frozen(arguments))
    loader = context.loaders.get(key)
    if loader is None:

        async def load_all(parents: list[object]) -> Sequence[Any]:
            return await declaration.run(parents, context, arguments)

        # Parents are the same when they are the same object: comparing whole records would cost more than it saves.
        loader = context.loaders[key] = DataLoader(load_fn=load_all, cache_key_fn=id)
    return loader


def _unwrapped(result: object, context: RequestState, info: strawberry.Info[Any, Any]) -> object:
    if isinstance(result, Exception):
        raise result
    if not isinstance(result, Partial):
        return result
    raw = cast("Any", info)._raw_info  # the only way to the field's nodes
    context.partial_errors.extend(
        GraphQLError(str(error), nodes=raw.field_nodes, path=raw.path.as_list(), original_error=error)
        for error in result.errors
    )
    return cast("Partial[object]", result).value


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not strawberry.UNSET}


def frozen(value: Any) -> Hashable:
    """A hashable stand-in for coerced arguments: equal exactly when they are of the same types and equal."""
    if type(value) in _PLAIN:
        return (value.__class__, value)
    if isinstance(value, Enum):
        return (type(value), id(value))
    if isinstance(value, dict):
        return tuple((name, frozen(each)) for name, each in cast("dict[str, Any]", value).items())
    if isinstance(value, list):
        return tuple(map(frozen, cast("list[Any]", value)))
    if is_dataclass(value):
        return (type(value), *(frozen(getattr(value, name)) for name in field_names(type(value))))
    try:
        hash(value)
    except TypeError:
        return id(value)
    return cast("Hashable", (type(value), value))


@cache
def field_names(class_: type) -> Sequence[str]:
    """The fields of a dataclass."""
    return tuple(each.name for each in fields(class_))


_PLAIN = {str, int, bool, float}
"""The classes of nearly all arguments, told first: a list may hold thousands of them."""


def sign(
    resolver: Callable[..., Any], arguments: Mapping[str, Argument], returned: Any = inspect.Signature.empty
) -> None:
    """Gives a resolver the signature that Strawberry reads a field's arguments from, and its type where it is told."""
    parameter = inspect.Parameter
    signature = [
        parameter("root", parameter.POSITIONAL_OR_KEYWORD, annotation=Any),
        parameter("info", parameter.POSITIONAL_OR_KEYWORD, annotation=strawberry.Info),
        *(
            parameter(name, parameter.KEYWORD_ONLY, annotation=_annotated(argument), default=_default(argument))
            for name, argument in arguments.items()
        ),
    ]
    target: Any = resolver
    target.__signature__ = inspect.Signature(signature, return_annotation=returned)
    target.__annotations__ = {each.name: each.annotation for each in signature}
    if returned is not inspect.Signature.empty:
        target.__annotations__["return"] = returned


def _annotated(argument: Argument) -> Any:
    return Annotated[argument.type, strawberry.argument(description=argument.description)]


def _default(argument: Argument) -> Any:
    """Nullable arguments may be left out, which is not the same as null; the others are required."""
    return strawberry.UNSET if _is_nullable(argument.type) else inspect.Parameter.empty


def _is_nullable(annotation: Any) -> bool:
    return type(None) in getattr(annotation, "__args__", ())

"""How the types in this folder declare a field: read from the record, or answered by a batched resolver."""

import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, cast

import strawberry

from engine.batching import Argument, BatchResolver
from engine.batching import batched as declare
from resolvers.context import Context
from resolvers.paging import page_request
from schema.access import Roles, only

PAGE_ARGUMENTS = {
    "first": Argument(int | None, "How many from the start: 0 to 100, 25 unless told. Not with `last`."),
    "after": Argument(str | None, "Only what comes after this cursor, an edge's or `pageInfo.endCursor`."),
    "last": Argument(int | None, "How many from the end: 0 to 100. Not with `first`."),
    "before": Argument(str | None, "Only what comes before this cursor, an edge's or `pageInfo.startCursor`."),
}
FORWARD_ARGUMENTS = {name: PAGE_ARGUMENTS[name] for name in ("first", "after")}


def field(description: str) -> Any:
    """A field that is the record's attribute of the same name."""
    return strawberry.field(description=description)


def batched(
    resolve: BatchResolver,
    description: str,
    *,
    arguments: Mapping[str, Argument] | None = None,
    roles: Roles | None = None,
    name: str | None = None,
    directives: Sequence[object] = (),
) -> Any:
    """A field that `resolve` answers for all parents at once; roles that are not named get FORBIDDEN."""
    return declare(
        resolve,
        description=description,
        name=name,
        directives=directives,
        arguments=arguments,
        guard=only(roles) if roles is not None else None,
        prepare=lambda _context, given: plain(given),
    )


def guarded(name: str, description: str, *, roles: Roles) -> Any:
    """A field that is the record's attribute, for some roles only."""

    def read(records: Sequence[object], _context: Context) -> Sequence[object]:
        return [getattr(record, name) for record in records]

    return batched(read, description, roles=roles)


def connection(
    resolve: BatchResolver,
    kind: str,
    description: str,
    *,
    arguments: Mapping[str, Argument] | None = None,
    paging: Mapping[str, Argument] = PAGE_ARGUMENTS,
    roles: Roles | None = None,
) -> Any:
    """A connection: a batched field with page arguments, whose cursors are of one kind."""

    def prepare(context: Context, given: dict[str, Any]) -> dict[str, Any]:
        wanted = {name: given.pop(name) for name in paging if name in given}
        return {"page": page_request(context, kind, **wanted), **plain(given)}

    return declare(
        resolve,
        description=description,
        arguments={**(arguments or {}), **paging},
        guard=only(roles) if roles is not None else None,
        prepare=prepare,
    )


def live(
    follow: Callable[..., AsyncIterator[object]],
    event_type: type,
    description: str,
    *,
    arguments: Mapping[str, Argument],
    roles: Roles,
) -> Any:
    """A subscription field: the events that `follow` gives for one viewer."""
    guard = only(roles)

    async def subscribe(root: object, info: strawberry.Info[Any, Any], **given: Any) -> AsyncIterator[object]:
        refusal = guard(info.context)
        if refusal is not None:
            raise refusal
        async for event in follow(info.context, **plain(given)):
            yield event

    _sign(subscribe, event_type, arguments)
    return strawberry.subscription(resolver=subscribe, description=description)


def plain(given: dict[str, Any]) -> dict[str, Any]:
    """GraphQL's coerced arguments in the resolvers' terms; what was left out or null is left out."""
    return {name: _plain(value) for name, value in given.items() if value is not None and value is not strawberry.UNSET}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_plain(each) for each in cast(list[Any], value))
    if is_dataclass(value) and not isinstance(value, type):
        given = {each.name: getattr(value, each.name) for each in fields(value)}
        return cast(Any, type(value)).stands_for(**plain(given))
    return value


def _sign(subscribe: Callable[..., Any], event_type: type, arguments: Mapping[str, Argument]) -> None:
    """The signature that Strawberry reads a subscription's type and arguments from."""
    parameter = inspect.Parameter
    signature = [
        parameter("root", parameter.POSITIONAL_OR_KEYWORD, annotation=Any),
        parameter("info", parameter.POSITIONAL_OR_KEYWORD, annotation=strawberry.Info),
        *(
            parameter(
                name,
                parameter.KEYWORD_ONLY,
                annotation=Annotated[each.type, strawberry.argument(description=each.description)],
                default=strawberry.UNSET if type(None) in getattr(each.type, "__args__", ()) else parameter.empty,
            )
            for name, each in arguments.items()
        ),
    ]
    returned = AsyncIterator[event_type]
    target = cast(Any, subscribe)
    target.__signature__ = inspect.Signature(signature, return_annotation=returned)
    target.__annotations__ = {**{each.name: each.annotation for each in signature}, "return": returned}

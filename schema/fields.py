"""How the types in this folder declare a field: read from the record, or answered by a batched resolver."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, cast

import strawberry

from engine.batching import Argument, BatchResolver, field_names, sign
from engine.batching import batched as declare
from engine.cost import ListSize
from resolvers.context import Context
from resolvers.errors import BadUserInput
from resolvers.paging import page_request
from schema.access import Access, decided_by, value_for, varies
from schema.searching import Searches, refuse_hidden

PAGE = 25
"""Items in a page when neither the question nor the settings say."""

MOST_IN_A_FILTER = 100
"""Values in a list of a filter, or a list that is an argument of a connection: each is a parameter of a statement,
which is made anew for each length.
"""

_SET_OTHERWISE = "a server's settings may say otherwise"
"""The schema is one text for all servers: it tells what holds where `page_size` and `max_page_size` are not set."""

PAGE_ARGUMENTS = {
    "first": Argument(
        int | None, f"How many from the start: 0 to 100, 25 when left out; {_SET_OTHERWISE}. Not with `last`."
    ),
    "after": Argument(str | None, "Only what comes after this cursor, an edge's or `pageInfo.endCursor`."),
    "last": Argument(int | None, f"How many from the end: 0 to 100; {_SET_OTHERWISE}. Not with `first`."),
    "before": Argument(str | None, "Only what comes before this cursor, an edge's or `pageInfo.startCursor`."),
}
FORWARD_ARGUMENTS = {name: PAGE_ARGUMENTS[name] for name in ("first", "after")}


def field(description: str, access: Access | None = None) -> Any:
    """A field that is the record's attribute of the same name."""
    return strawberry.field(description=description, directives=_directives(access))


def batched(
    resolve: BatchResolver,
    description: str,
    *,
    arguments: Mapping[str, Argument] | None = None,
    access: Access | None = None,
    name: str | None = None,
    directives: Sequence[object] = (),
    reads: Sequence[str] = (),
) -> Any:
    """A field that `resolve` answers for all parents at once. Lists of objects have a ListSize in `directives`.

    `reads`: what it reads of records besides their keys. What no field of a question reads, no source is asked for.
    """

    def prepare(context: Context, given: dict[str, Any]) -> dict[str, Any]:
        refuse_hidden(context, given, {})
        return plain(given)

    return declare(
        resolve,
        description=description,
        name=name,
        directives=[*directives, *_directives(access)],
        arguments=arguments,
        prepare=prepare,
        reads=reads,
    )


def guarded(name: str, description: str, *, access: Access) -> Any:
    """A field that is the record's attribute, which a role may see of some records and not of others."""

    def read(records: Sequence[object], context: Context) -> Sequence[object]:
        return [value_for(access, record, context.viewer, getattr(record, name)) for record in records]

    return declare(read, description=description, directives=[access], reads=[name, *decided_by(access)])


def connection(
    resolve: BatchResolver,
    kind: str,
    description: str,
    *,
    arguments: Mapping[str, Argument] | None = None,
    paging: Mapping[str, Argument] = PAGE_ARGUMENTS,
    access: Access | None = None,
    searches: Searches | None = None,
) -> Any:
    """A connection: a batched field with page arguments, whose cursors are of one kind.

    `searches`: the fields that its own arguments search by; inputs say so beside theirs.
    """

    def prepare(context: Context, given: dict[str, Any]) -> dict[str, Any]:
        wanted = {name: given[name] for name in paging if name in given}
        others = {name: value for name, value in given.items() if name not in paging}
        _check_lengths(others)
        refuse_hidden(context, others, searches or {})
        return {"page": page_request(context, kind, **wanted), **plain(others)}

    return declare(
        resolve,
        description=description,
        directives=[*_directives(access), _paged(paging)],
        arguments={**(arguments or {}), **paging},
        prepare=prepare,
        reads=(),
    )


def live(
    follow: Callable[..., AsyncIterator[object]],
    event_type: type,
    description: str,
    *,
    arguments: Mapping[str, Argument],
    access: Access,
) -> Any:
    """A subscription field: the events that `follow` gives for one viewer."""

    async def subscribe(root: object, info: strawberry.Info[Any, Any], **given: Any) -> AsyncIterator[object]:
        refuse_hidden(info.context, given, {})
        async for event in follow(info.context, **plain(given)):
            yield event

    sign(subscribe, arguments, AsyncIterator[event_type])
    return strawberry.subscription(resolver=subscribe, description=description, directives=_directives(access))


def _paged(paging: Mapping[str, Argument]) -> ListSize:
    slicing = [name for name in ("first", "last") if name in paging]
    return ListSize(assumed_size=PAGE, slicing_arguments=slicing, sized_fields=["edges"])


def _directives(access: Access | None) -> Sequence[object]:
    if access is not None and varies(access):
        raise ValueError("This rule differs from record to record: declare the field as guarded.")
    return () if access is None else (access,)


def plain(given: dict[str, Any]) -> dict[str, Any]:
    """GraphQL's coerced arguments in the resolvers' terms; what was left out or null is left out."""
    return {name: _plain(value) for name, value in given.items() if value is not None and value is not strawberry.UNSET}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_plain(each) for each in cast("list[Any]", value))
    if is_dataclass(value) and not isinstance(value, type):
        given = {name: getattr(value, name) for name in field_names(type(value))}
        _check_lengths(given)
        return cast("Any", type(value)).stands_for(**plain(given))
    return value


def _check_lengths(given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if isinstance(value, list) and len(cast("list[Any]", value)) > MOST_IN_A_FILTER:
            raise BadUserInput(f"'{name}' takes at most {MOST_IN_A_FILTER} values.")

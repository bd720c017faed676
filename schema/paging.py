"""Connections, as in the Relay cursor connections specification."""

from typing import Any, ClassVar, Generic, TypeVar

import strawberry

from engine.cost import Cost
from resolvers import paging
from schema.access import EVERYBODY
from schema.fields import batched, field

T = TypeVar("T")


@strawberry.federation.type(
    shareable=True, description="Where a page lies in its connection.", directives=[EVERYBODY, Cost(weight=0)]
)
class PageInfo:
    has_next_page: bool = field("Whether more follow. Paging backwards: whether `before` was given.")
    has_previous_page: bool = field("Whether more precede. Paging forwards: whether `after` was given.")
    start_cursor: str | None = batched(paging.start_cursors, "The cursor to pass as `before` for the page before.")
    end_cursor: str | None = batched(paging.end_cursors, "The cursor to pass as `after` for the next page.")


@strawberry.type(description="An item of a connection, and its place there.", directives=[Cost(weight=0)])
class Edge(Generic[T]):
    record: ClassVar[type] = paging.Edge

    node: T = field("The item.")
    cursor: str = batched(
        paging.cursors, "The item's place, to pass as `after` or `before`. Opaque.", directives=[Cost(weight=1)]
    )

    @classmethod
    def is_type_of(cls, obj: object, _info: Any) -> bool:
        return isinstance(obj, cls.record)


@strawberry.type(description="A page of a longer list.")
class Connection(Generic[T]):
    record: ClassVar[type] = paging.Connection

    edges: list[Edge[T]] = field("The items of this page, in order.")
    page_info: PageInfo = field("Where this page lies, and how to get the next.")
    total_count: int | None = batched(
        paging.total_counts,
        "How many items all pages have together. Costs a query, and only when asked.",
        directives=[Cost(weight=5)],
    )

    @classmethod
    def is_type_of(cls, obj: object, _info: Any) -> bool:
        return isinstance(obj, cls.record)

"""Pages by keyset: a position is the values of the order columns in one row, so that inserts never shift a page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from sources.errors import RecordMalformed

R = TypeVar("R")

Position = tuple[str | int | datetime, ...]
"""The order columns of one row. A source gives instants as it keeps them, as text or naive `datetime`, and takes the
text of either; a position that is made elsewhere, to place an instant among a source's rows, has an aware one there.
"""


class PageRequest(Struct, frozen=True):
    """At most `limit` rows strictly between `after` and `before`, in the collection's order.

    `backwards`: the rows nearest to `before` (or the end) instead of those nearest to `after`; the order of what
    comes back stays the collection's. `limit` None: all of them, for lists that are short by nature.
    """

    limit: int | None
    after: Position | None = None
    before: Position | None = None
    backwards: bool = False

    def up_to(self, limit: int) -> "PageRequest":
        """The same page with another limit."""
        return replace(self, limit=limit)

    def kept(self, rows: Sequence[R]) -> Sequence[R]:
        """Those of some rows, in the collection's order, that the page has room for."""
        if self.limit is None:
            return rows
        return rows[max(len(rows) - self.limit, 0) :] if self.backwards else rows[: self.limit]


ALL = PageRequest(limit=None)


class Page(Struct, Generic[R], frozen=True, gc=False):
    """Rows in order with their positions. `more`: the back-end has further rows in the direction of the request.

    `places` are the positions of all rows read, a malformed one included, so that paging gets past it. `malformed`
    holds an error for each row that could not be read and is missing from `rows`, in the same order.
    """

    rows: Sequence[R] = ()
    positions: Sequence[Position] = ()
    more: bool = False
    places: Sequence[Position] = ()
    malformed: Sequence[RecordMalformed] = ()

    @property
    def unread(self) -> Sequence[tuple[Position, RecordMalformed]]:
        """The rows that could not be read, with their places."""
        read = set(self.positions)
        return list(zip((place for place in self.places if place not in read), self.malformed, strict=True))

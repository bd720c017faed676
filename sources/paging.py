"""Pages by keyset: a position is the values of the order columns in one row, so that inserts never shift a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sources.errors import RecordMalformed

R = TypeVar("R")

Position = tuple[str | int | datetime, ...]
"""The order columns of one row. A source gives instants as the text that it keeps; a position that is made
elsewhere, to place an instant among a source's rows, has an aware UTC `datetime` there.
"""


@dataclass(frozen=True)
class PageRequest:
    """At most `limit` rows strictly between `after` and `before`, in the collection's order.

    `backwards`: the rows nearest to `before` (or the end) instead of those nearest to `after`; the order of what
    comes back stays the collection's. `limit` None: all of them, for lists that are short by nature.
    """

    limit: int | None
    after: Position | None = None
    before: Position | None = None
    backwards: bool = False


ALL = PageRequest(limit=None)


@dataclass(frozen=True)
class Page(Generic[R]):
    """Rows in order with their positions. `more`: the back-end has further rows in the direction of the request.

    `start` and `end` are the positions of the outermost rows read, a malformed one included, so that paging gets
    past it. `malformed` holds an error for each row that could not be read and is missing from `rows`.
    """

    rows: Sequence[R] = ()
    positions: Sequence[Position] = ()
    more: bool = False
    start: Position | None = None
    end: Position | None = None
    malformed: Sequence[RecordMalformed] = ()

"""The order of a collection's rows, and which of them lie beyond a position in it (keyset pagination)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from sources.paging import PageRequest, Position
from sources.sql.statements import Condition
from sources.sql.timestamps import FIRST, LAST, texts


class Order:
    """By `columns`, which together tell every row from the others; falling where it is `descending`.

    `columns` as they are selected: on SQLite a timestamp is text. `written` gives the naive form in which the back-end
    writes an instant.
    """

    def __init__(
        self,
        columns: Sequence[sa.ColumnElement[Any]],
        written: Callable[[datetime], datetime],
        *,
        descending: bool,
        is_postgresql: bool,
    ) -> None:
        self._columns = columns
        self._written = written
        self._descending = descending
        self._is_postgresql = is_postgresql

    def falls(self, *, backwards: bool) -> bool:
        """Whether rows that are read in this direction come with falling values."""
        return self._descending != backwards

    def by(self, *, backwards: bool, columns: Sequence[sa.ColumnElement[Any]] = ()) -> list[sa.ColumnElement[Any]]:
        """What to order by; `columns` where they have other names than here."""
        falls = self.falls(backwards=backwards)
        return [column.desc() if falls else column.asc() for column in columns or self._columns]

    def within(self, page: PageRequest) -> Sequence[Condition]:
        """Conditions that rows between the cursors of a page fulfil."""
        after = [] if page.after is None else [self._beyond(page.after, below=self._descending)]
        return after if page.before is None else [*after, self._beyond(page.before, below=not self._descending)]

    def _beyond(self, position: Position, *, below: bool) -> Condition:
        """Rows with lower (or higher) values than a position: a row-value comparison."""
        if isinstance(position[0], datetime) and not self._is_postgresql:
            return self._beyond_text(self._naive(position[0]), position[1:], below=below)
        values = [self._stored(value, column) for value, column in zip(position, self._columns, strict=True)]
        here = sa.tuple_(*self._columns)
        there = sa.tuple_(
            *[
                sa.literal(_beyond_range(value, below=below), column.type)
                for value, column in zip(values, self._columns, strict=True)
            ]
        )
        return here < there if below else here > there

    def _beyond_text(self, timestamp: datetime, position: Position, *, below: bool) -> Condition:
        """The same where the order begins with a timestamp as text, in whichever way it is written."""
        first, last = texts(timestamp)
        column, *others = self._columns
        here = sa.tuple_(*others)
        there = sa.tuple_(*[sa.literal(value, each.type) for value, each in zip(position, others, strict=True)])
        if below:
            return sa.and_(column <= last, sa.or_(column < first, here < there))
        return sa.and_(column >= first, sa.or_(column > last, here > there))

    def _stored(self, value: str | int | datetime, column: sa.ColumnElement[Any]) -> str | int | datetime:
        """A value of a position as the column holds it: naive `datetime` on PostgreSQL, on SQLite its text."""
        if isinstance(value, datetime):
            return self._naive(value)
        is_instant = isinstance(column.type, sa.DateTime) and self._is_postgresql
        return datetime.fromisoformat(cast("str", value)) if is_instant else value

    def _naive(self, instant: datetime) -> datetime:
        return instant if instant.tzinfo is None else self._written(instant)


def _beyond_range(value: str | int | datetime, *, below: bool) -> str | int | datetime:
    """The last and the first timestamp stand for all that are none in Python: whoever was among them is past them all.

    The two are written as infinity, which none of them is beyond.
    """
    if value == LAST and below:
        return LAST - datetime.resolution
    return FIRST + datetime.resolution if value == FIRST and not below else value

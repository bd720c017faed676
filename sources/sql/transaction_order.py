"""Rows in the order of the transactions that wrote them, on PostgreSQL: those of one transaction by their serials.

A transaction is numbered when it begins to write, and may add rows at that place until it ends. So only what lies
before the horizon (`sources.sql.horizon`) is given out: nothing is open there any more, and no row will ever appear. A
row may bear the number of a subtransaction: that is higher than its transaction's, which holds the horizon back for it.

No index knows the numbers of transactions. Rows are looked for among the newest serials, which an index does know; and
once in a while among all of them, since serials can be taken long before they are written (a CACHE, a client that
reserves them). What such a row's place was passed without, the mark remembers.

A mark is the place of a row, never the horizon itself: after a crash PostgreSQL may give numbers again that it had
given to transactions of which nothing was written down, but none before that of a row which was committed.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import orjson
import sqlalchemy as sa
from msgspec import Struct, ValidationError, convert
from msgspec.structs import astuple, replace

from sources.ports import Change, Changes, HeldBack, MalformedChange, Mark, Reading
from sources.records import Key
from sources.sql.database import Rows
from sources.sql.horizon import Horizon, horizon_of
from sources.sql.log_table import PAGE, LogTable, place_of
from sources.sql.statements import Condition

R = TypeVar("R")

Place = tuple[int, int]
"""A row's transaction, in 64 bits, and its serial."""

NEAR = 1000
"""Rows before the newest, by serial, among which late ones are looked for at every reading."""

_LAP = 2**32
"""Transactions after which their numbers come again in a row's 32 bits."""

_OLD = 2**31
"""Transactions after which a row is old: whatever has a lower serial is not looked for as new any more."""


class TransactionMark(Struct, frozen=True, array_like=True):
    """What was given out: all up to `checked`, and up to `read` what has a higher serial than `floor`.

    `newest` is the highest serial among that. What is `checked` was all that there is before the `horizon` of then.
    """

    log: str
    read: Place
    checked: Place
    floor: int
    newest: int
    horizon: int

    def passed(self, place: Place, *, whole: bool) -> "TransactionMark":
        """The mark after the next row of a reading."""
        if place <= self.read:
            return replace(self, checked=place)
        return replace(self, read=place, checked=place if whole else self.checked, newest=max(self.newest, place[1]))

    def whole(self, horizon: Horizon) -> "TransactionMark":
        """The mark after all that a reading of the whole table could find.

        What the horizon holds back has not been found: so the floor goes by what was, and not by what can be seen.
        """
        return replace(self, checked=self.read, floor=self.newest - NEAR, horizon=horizon.first)


@dataclass(frozen=True)
class _Stretch:
    """That all rows of a log with places after `since`, up to `until`, have at least this serial."""

    log: str
    since: Place
    until: Place
    lowest: int

    def joined(self, other: "_Stretch") -> "_Stretch":
        """What both say together, where the other one begins within this one; else what the other one says."""
        if self.log != other.log or not self.since <= other.since <= self.until:
            return other
        return _Stretch(self.log, self.since, max(self.until, other.until), min(self.lowest, other.lowest))


class TransactionOrder(Generic[R]):
    """`sources.ports.Log` says what the methods promise."""

    def __init__(self, table: LogTable[R]) -> None:
        self._table = table
        self._transaction = _transaction_of(table)
        self._place = sa.tuple_(self._transaction, table.serial)
        self._known: _Stretch | None = None
        self._looking = asyncio.Lock()
        self._newest_old = 0
        self._learns_at = _OLD

    async def end(self) -> Mark:
        horizon = await self._horizon()
        newest = await self._newest(horizon)
        place = await self._last(horizon, newest - NEAR) or (0, 0)
        return _written(TransactionMark(horizon.log, place, place, newest - NEAR, newest, horizon.first))

    async def changes(self, after: Mark, limit: int, *, whole: bool) -> Reading[R]:
        horizon = await self._horizon()
        mark = before = self._honoured(after, horizon)
        looked_for = self._missing(mark) if whole else self._recent(mark)
        rows = await self._rows(limit, self._before(horizon), looked_for)
        changes: list[Change[R] | MalformedChange] = []
        for row in rows:
            mark = mark.passed(_place(row), whole=whole)
            changes.append(self._table.change(row, _written(mark)))
        more = len(rows) == limit
        if whole:
            mark = mark if more else mark.whole(horizon)
            self._learn(before, mark, rows)
        return Reading(changes, _written(mark), more)

    def covers(self, mark: Mark, other: Mark) -> bool:
        here, there = self._read(mark), self._read(other)
        if here.log != there.log:
            raise self._table.expired()
        return max(here.checked, (here.horizon, 0)) >= there.read

    async def between(self, after: Mark, until: Mark, subject: Key | None) -> AsyncGenerator[Changes[R]]:
        mark, end = self._honoured(after, await self._horizon()), self._read(until)
        wanted = self._table.serial >= await self._lowest(mark, end), self._table.about(subject), self._given(end)
        while True:
            rows = await self._rows(PAGE, self._missing(mark), *wanted)
            changes: list[Change[R] | MalformedChange] = []
            for row in rows:
                mark = _towards(mark, _place(row), end)
                changes.append(self._table.change(row, _written(mark)))
            yield changes
            if len(rows) < PAGE:
                return

    async def history(self, until: Mark, after: int, limit: int) -> Changes[R]:
        end = self._honoured(until, await self._horizon())
        serial = self._table.serial
        statement = self._table.selected().where(serial > after, self._given(end)).order_by(serial).limit(limit)
        return [self._table.change(row, until) for row in await self._table.fetch(statement)]

    async def ahead(self, mark: Mark, limit: int) -> Sequence[Place]:
        return [_place(row) for row in await self._rows(limit, self._recent(self._read(mark)))]

    def serials(self, mark: Mark) -> int:
        return self._read(mark).newest

    async def held_back(self) -> HeldBack | None:
        return (await horizon_of(self._table)).held_back

    async def _horizon(self) -> Horizon:
        """The horizon now. Learns in time which rows are old, before their numbers could be taken for new ones."""
        horizon = await horizon_of(self._table)
        if horizon.next >= self._learns_at:
            newest = sa.select(sa.func.max(self._table.serial).label("newest"))
            (row,) = await self._table.fetch(newest.where(self._transaction < horizon.next - _OLD))
            self._newest_old = max(self._newest_old, row["newest"] or 0)
            self._learns_at = horizon.next + _OLD // 4
        return horizon

    def _honoured(self, mark: Mark, horizon: Horizon) -> TransactionMark:
        """The mark, if nothing that came after it can be missing: this log has come so far, and keeps older rows."""
        read = self._read(mark)
        is_pruned = read.newest > 0 and (horizon.oldest is None or horizon.oldest > read.newest)
        is_beyond = read.read[0] >= horizon.next
        if read.log != horizon.log or is_beyond or is_pruned or read.newest < self._newest_old:
            raise self._table.expired()
        return read

    async def _newest(self, horizon: Horizon) -> int:
        """The highest serial that is given out now; 0 for none."""
        serial = self._table.serial
        highest = sa.select(serial.label("_serial")).where(self._before(horizon)).order_by(serial.desc()).limit(1)
        rows = await self._table.fetch(highest)
        return rows[0]["_serial"] if rows else 0

    async def _last(self, horizon: Horizon, floor: int) -> Place | None:
        """The last place that is given out now, of those with higher serials."""
        looked_for = self._table.serial > max(floor, self._newest_old)
        order = [self._transaction.desc(), self._table.serial.desc()]
        last = sa.select(self._transaction.label("_transaction"), self._table.serial.label("_serial"))
        rows = await self._table.fetch(last.where(self._before(horizon), looked_for).order_by(*order).limit(1))
        return _place(rows[0]) if rows else None

    async def _lowest(self, mark: TransactionMark, end: TransactionMark) -> int:
        """A serial that no row between two marks is below.

        What lies there is all that ever will, so that one search through the table serves all who resume after it.
        """
        async with self._looking:
            known = self._known
            if known is None or known.log != end.log or mark.checked < known.since or known.until < end.checked:
                lowest = sa.select(sa.func.min(self._table.serial).label("_serial"))
                rows = await self._table.fetch(lowest.where(self._missing(mark), self._given(end)))
                known = self._learn(mark, end, [row for row in rows if row["_serial"] is not None])
        return min(known.lowest, end.floor + 1)

    def _learn(self, before: TransactionMark, after: TransactionMark, rows: Rows) -> _Stretch:
        """Remembers how far up the serials of these rows begin, which are all that lay between two marks."""
        lowest = min((row["_serial"] for row in rows), default=before.floor + 1)
        stretch = _Stretch(after.log, before.checked, after.checked, min(lowest, before.floor + 1))
        self._known = stretch if self._known is None else self._known.joined(stretch)
        return self._known

    async def _rows(self, limit: int, *conditions: Condition) -> Rows:
        order = [self._transaction, self._table.serial]
        statement = self._table.selected(self._transaction.label("_transaction")).where(*conditions)
        return await self._table.fetch(statement.order_by(*order).limit(limit))

    def _before(self, horizon: Horizon) -> Condition:
        return self._transaction < horizon.first

    def _given(self, mark: TransactionMark) -> Condition:
        """Rows that were given out to one who stands at a mark."""
        near = sa.and_(self._place <= _bound(mark.read), self._table.serial > mark.floor)
        return sa.or_(self._place <= _bound(mark.checked), near, self._table.serial <= self._newest_old)

    def _missing(self, mark: TransactionMark) -> Condition:
        """Rows that were not."""
        new = sa.and_(self._place > _bound(mark.checked), self._table.serial > self._newest_old)
        if mark.checked == mark.read:
            return new
        return sa.and_(new, sa.or_(self._place > _bound(mark.read), self._table.serial <= mark.floor))

    def _recent(self, mark: TransactionMark) -> Condition:
        """Those of the missing rows that are looked for at every reading."""
        looked_through = max(mark.floor, self._newest_old)
        return sa.and_(self._table.serial > looked_through, self._place > _bound(mark.read))

    def _read(self, mark: Mark) -> TransactionMark:
        try:
            return convert(orjson.loads(mark), TransactionMark)
        except (orjson.JSONDecodeError, ValidationError):
            raise self._table.expired() from None


def _towards(mark: TransactionMark, place: Place, end: TransactionMark) -> TransactionMark:
    """The mark after the next row of a replay that goes on to `end`."""
    if place <= mark.read:
        return replace(mark, checked=place)
    return replace(end, read=place, checked=min(place, end.checked), newest=max(mark.newest, place[1]))


def _transaction_of(table: LogTable[Any]) -> sa.ColumnElement[int]:
    """The transaction that wrote a row, in 64 bits.

    A row holds 32 of them. It is older than what comes next, and so the newest transaction before that with these 32;
    `age` compares the numbers faster than their text could be read. Rows that were frozen before PostgreSQL 9.4, or
    are older than all transactions, have an age of 2^31 - 1: they come first.
    """
    next_one = "(SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint)"
    # `age` counts from a number that it keeps for the statement; the age of transaction 3 tells which.
    counted_from = "(SELECT 3 + age('3'::xid))"
    age = f"age({table.name}.xmin)"
    written = (
        f"CASE WHEN {age} = 2147483647 THEN 0 ELSE {next_one} - 1 - "
        f"(({next_one} - 1 - {counted_from} + {age} + {_LAP}) % {_LAP}) END"
    )
    return sa.literal_column(written, sa.BigInteger)


def _bound(place: Place) -> sa.ColumnElement[Any]:
    return sa.tuple_(*(sa.literal(value, sa.BigInteger) for value in place))


def _place(row: Any) -> Place:
    return cast("Place", place_of(row))


def _written(mark: TransactionMark) -> Mark:
    return orjson.dumps(astuple(mark)).decode()

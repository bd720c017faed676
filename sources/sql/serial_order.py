"""Rows in the order of their serials: on SQLite, whose writers come one after another, and where no more can be seen.

On PostgreSQL this is for views, which do not tell the transactions of their rows. There it promises less: a row that
becomes visible after one with a higher serial was read is passed over.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import orjson
import sqlalchemy as sa
from msgspec import Struct, ValidationError, convert

from sources.ports import Changes, HeldBack, Mark, Place, Reading
from sources.records import Key
from sources.sql.database import Rows
from sources.sql.log_table import PAGE, LogTable

R = TypeVar("R")


class SerialMark(Struct, frozen=True, array_like=True):
    log: str
    serial: int


class SerialOrder(Generic[R]):
    """`sources.ports.Log` says what the methods promise. `identify` tells which log it is that the table holds."""

    def __init__(self, table: LogTable[R], identify: Callable[[LogTable[Any]], Awaitable[str]]) -> None:
        self._table = table
        self._identify = identify

    async def end(self) -> Mark:
        log, _, newest = await self._state()
        return _written(SerialMark(log, newest))

    async def changes(self, after: Mark, limit: int, *, whole: bool) -> Reading[R]:
        mark = await self._honoured(after)
        rows = await self._rows(mark.serial, limit)
        changes = self._changes(mark, rows)
        return Reading(changes, changes[-1].mark if changes else after, more=len(rows) == limit)

    def covers(self, mark: Mark, other: Mark) -> bool:
        here, there = self._read(mark), self._read(other)
        if here.log != there.log:
            raise self._table.expired()
        return here.serial >= there.serial

    async def between(self, after: Mark, until: Mark, subject: Key | None) -> AsyncGenerator[Changes[R]]:
        mark, end = await self._honoured(after), self._read(until)
        while rows := await self._rows(mark.serial, PAGE, end.serial, subject):
            yield self._changes(mark, rows)
            mark = SerialMark(mark.log, rows[-1]["_serial"])

    async def history(self, until: Mark, after: int, limit: int) -> Changes[R]:
        end = await self._honoured(until)
        return [self._table.change(row, until) for row in await self._rows(after, limit, end.serial)]

    async def ahead(self, mark: Mark, limit: int) -> Sequence[Place]:
        return []

    def serials(self, mark: Mark) -> int:
        return self._read(mark).serial

    async def held_back(self) -> HeldBack | None:
        return None

    async def _honoured(self, mark: Mark) -> SerialMark:
        """The mark, if nothing that came after it can be missing: its row is there, or an older one."""
        read = self._read(mark)
        log, oldest, newest = await self._state()
        if log != read.log or newest < read.serial or 0 < read.serial < oldest:
            raise self._table.expired()
        return read

    async def _state(self) -> tuple[str, int, int]:
        """Which log it is, and the serials at its ends; 0 while it is empty."""
        serial = self._table.serial
        # Each by itself: for both in one SELECT, SQLite reads the whole table.
        oldest, newest = (sa.select(end(serial)).scalar_subquery() for end in (sa.func.min, sa.func.max))
        (row,) = await self._table.fetch(sa.select(oldest.label("oldest"), newest.label("newest")))
        return await self._identify(self._table), row["oldest"] or 0, row["newest"] or 0

    async def _rows(self, after: int, limit: int, until: int | None = None, subject: Key | None = None) -> Rows:
        serial = self._table.serial
        wanted = self._table.selected().where(serial > after, self._table.about(subject))
        statement = wanted.order_by(serial).limit(limit)
        return await self._table.fetch(statement if until is None else statement.where(serial <= until))

    def _changes(self, mark: SerialMark, rows: Rows) -> Changes[R]:
        return [self._table.change(row, _written(SerialMark(mark.log, row["_serial"]))) for row in rows]

    def _read(self, mark: Mark) -> SerialMark:
        try:
            return convert(orjson.loads(mark), SerialMark)
        except (orjson.JSONDecodeError, ValidationError):
            raise self._table.expired() from None


async def file_of(table: LogTable[Any]) -> str:
    """Which log a SQLite table holds: by the names of file and table, since the file has no other identity."""
    path = sa.text("SELECT file FROM pragma_database_list WHERE name = 'main'").columns(sa.column("file")).subquery()
    (row,) = await table.fetch(sa.select(path))
    return f"{Path(row['file']).name}/{table.name}"


def _written(mark: SerialMark) -> Mark:
    return orjson.dumps([mark.log, mark.serial]).decode()

"""A log in a table, given out in the order of its transactions where that can be seen, else of its serials."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from sources.ports import Changes, HeldBack, Mark, Place, Reading, WakeUps
from sources.records import Key
from sources.sql.database import Database
from sources.sql.horizon import hides_transactions, log_of
from sources.sql.log_table import LogTable, Order
from sources.sql.reading import Reader
from sources.sql.serial_order import SerialOrder, file_of
from sources.sql.transaction_order import TransactionOrder

R = TypeVar("R")


class SqlLog(Generic[R]):
    """An append-only table whose rows have a serial; `sources.ports.Log` says what the methods promise.

    `subject`: the column that tells which report or journey a row is about.
    """

    def __init__(
        self,
        database: Database,
        *,
        rows: sa.FromClause,
        columns: Sequence[sa.ColumnElement[Any]],
        serial: sa.ColumnElement[Any],
        read: Reader[R],
        subject: sa.ColumnElement[Any] | None = None,
    ) -> None:
        self._database = database
        self._table = LogTable(database, rows, columns, serial, read, subject)
        self._chosen: Order[R] | None = None

    @property
    def source(self) -> str:
        return self._database.name

    @property
    def wake_ups(self) -> WakeUps | None:
        return self._database.wake_ups

    async def end(self) -> Mark:
        return await (await self._order()).end()

    async def changes(self, after: Mark, limit: int, *, whole: bool = False) -> Reading[R]:
        return await (await self._order()).changes(after, limit, whole=whole)

    async def covers(self, mark: Mark, other: Mark) -> bool:
        return (await self._order()).covers(mark, other)

    async def between(self, after: Mark, until: Mark, subject: Key | None = None) -> AsyncGenerator[Changes[R]]:
        async with aclosing((await self._order()).between(after, until, subject)) as pages:
            async for page in pages:
                yield page

    async def history(self, until: Mark, after: int, limit: int) -> Changes[R]:
        return await (await self._order()).history(until, after, limit)

    async def ahead(self, mark: Mark, limit: int) -> Sequence[Place]:
        return await (await self._order()).ahead(mark, limit)

    async def serials(self, mark: Mark) -> int:
        return (await self._order()).serials(mark)

    async def held_back(self) -> HeldBack | None:
        return await (await self._order()).held_back()

    async def _order(self) -> Order[R]:
        """Chosen when the back-end is first asked: what is granted to us decides."""
        if self._chosen is None:
            self._chosen = await self._choice()
        return self._chosen

    async def _choice(self) -> Order[R]:
        if not self._database.is_postgresql:
            return SerialOrder(self._table, file_of)
        if await hides_transactions(self._table):
            return SerialOrder(self._table, log_of)
        return TransactionOrder(self._table)

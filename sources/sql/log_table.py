"""The table that a log stands in, and what every order in which it may be read has in common."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast

import sqlalchemy as sa

from sources.errors import MarkExpired, RecordMalformed
from sources.ports import Change, Changes, HeldBack, MalformedChange, Mark, Place, Reading
from sources.records import Key
from sources.sql.database import Database, Rows, Statement
from sources.sql.reading import Reader
from sources.sql.statements import Condition

R = TypeVar("R")

PAGE = 500
"""Rows that one statement of a replay asks for."""


@dataclass(frozen=True)
class LogTable(Generic[R]):
    """A table whose rows `serial` numbers; `rows` joins what else their records need.

    `subject`: the column that tells what a row is about, where readers ask for that.
    """

    database: Database
    rows: sa.FromClause
    columns: Sequence[sa.ColumnElement[Any]]
    serial: sa.ColumnElement[Any]
    read: Reader[R]
    subject: sa.ColumnElement[Any] | None = None

    def __post_init__(self) -> None:
        self.read.check([cast("Any", column).name for column in self.columns])

    @property
    def name(self) -> str:
        return cast("Any", self.serial).table.name

    def selected(self, *more: sa.ColumnElement[Any]) -> Statement:
        """The records' rows, with their serials and what else is asked for."""
        columns = [self.database.as_written(column) for column in self.columns]
        return sa.select(*columns, self.serial.label("_serial"), *more).select_from(self.rows)

    def about(self, subject: Key | None) -> Condition:
        """The rows about one subject; all of them for None, and where no column tells."""
        return sa.true() if subject is None or self.subject is None else self.subject == subject

    def change(self, row: Mapping[Any, Any], mark: Mark) -> Change[R] | MalformedChange:
        (record,) = self.read.records(self.database.name, [tuple(row.values())])
        if isinstance(record, RecordMalformed):
            return MalformedChange(row["_serial"], mark, record)
        return Change(row["_serial"], place_of(row), mark, record)

    async def fetch(self, statement: Statement) -> Rows:
        return await self.database.fetch(statement)

    def expired(self) -> MarkExpired:
        return MarkExpired(self.database.name)


class Order(Protocol[R]):
    """An order in which a table's rows are given out; `sources.ports.Log` says what the methods promise."""

    async def end(self) -> Mark: ...
    async def changes(self, after: Mark, limit: int, *, whole: bool) -> Reading[R]: ...
    def covers(self, mark: Mark, other: Mark) -> bool: ...
    def between(self, after: Mark, until: Mark, subject: Key | None) -> AsyncGenerator[Changes[R]]: ...
    async def history(self, until: Mark, after: int, limit: int) -> Changes[R]: ...
    async def ahead(self, mark: Mark, limit: int) -> Sequence[Place]: ...
    def serials(self, mark: Mark) -> int: ...
    async def held_back(self) -> HeldBack | None: ...


def place_of(row: Mapping[Any, Any]) -> Place:
    """Its transaction's number, where the order goes by these, and its serial."""
    return tuple(row[name] for name in ("_transaction", "_serial") if name in row)

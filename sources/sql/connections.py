"""The connections to one database: made when needed, and closed in bounded time whatever state the server is in."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakSet

import asyncpg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sources.sql.statements import Bound


class StatementFailed(Exception):
    """A statement was not answered, or with an error; the driver's exception is the cause."""

    def __init__(self, *, is_without_answer: bool) -> None:
        super().__init__("the statement failed")
        self.is_without_answer = is_without_answer


FAILURES = (StatementFailed, DBAPIError, PoolTimeout, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What tells that a database does not answer, or answers with an error."""

CLOSE_SECONDS = 1.0
"""How long a server may take to acknowledge that its connections close."""

_NO_ANSWER = (TimeoutError, PoolTimeout, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


def is_without_answer(error: BaseException) -> bool:
    """Whether a failure means that the database did not answer; the other ones are answers, of a kind.

    The driver's own exceptions come from making a connection: those of a statement arrive as DBAPIError.
    """
    if isinstance(error, StatementFailed):
        return error.is_without_answer
    if isinstance(error, DBAPIError):
        return bool(error.connection_invalidated)
    return isinstance(error, _NO_ANSWER)


class Connections:
    """A pool of `size` connections, none of which is handed out after the server has cut it."""

    def __init__(self, url: str, size: int, *, autocommit: bool = False, busy_seconds: float = 5.0) -> None:
        options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"} if autocommit else {}
        is_sqlite = sa.make_url(url).get_backend_name() == "sqlite"
        if is_sqlite:
            options["connect_args"] = {"timeout": busy_seconds}
        self.engine: AsyncEngine = create_async_engine(url, pool_size=size, max_overflow=0, **options)
        self._open: WeakSet[Any] = WeakSet()
        if is_sqlite:
            file = Path(self.engine.url.database or "")
            event.listen(self.engine.sync_engine, "do_connect", partial(_check_file, file))
            event.listen(self.engine.sync_engine, "connect", partial(_remember_file, file))
            event.listen(self.engine.sync_engine, "checkout", partial(_check_same_file, file))
        else:
            event.listen(self.engine.sync_engine, "connect", self._remember)
            event.listen(self.engine.sync_engine, "checkout", _check_connection)

    async def close(self) -> None:
        """Closes them all at once. A server that does not acknowledge it in time is not waited for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.gather(*(each.close() for each in self._open), return_exceptions=True)
        for each in tuple(self._open):
            each.terminate()
        await self.engine.dispose()

    def _remember(self, connection: Any, _record: object) -> None:
        self._open.add(connection.driver_connection)


async def rows_of(connection: AsyncConnection, bound: Bound) -> Sequence[Mapping[Any, Any]]:
    """All rows of a statement, from the driver itself. Raises StatementFailed for what the driver raises."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    is_sqlite = connection.dialect.name == "sqlite"
    try:
        return await (_of_sqlite if is_sqlite else _of_postgresql)(driver, bound)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, sqlite3.Error) as error:
        raise StatementFailed(is_without_answer=not is_sqlite and driver.is_closed()) from error
    except BaseException:
        await connection.invalidate()  # whether the statement still runs on it is not known
        raise


async def _of_postgresql(driver: Any, bound: Bound) -> Sequence[Mapping[Any, Any]]:
    return await driver.fetch(bound.text, *bound.values)


async def _of_sqlite(driver: Any, bound: Bound) -> Sequence[Mapping[Any, Any]]:
    async with driver.execute(bound.text, bound.values) as cursor:
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]


def _check_connection(connection: Any, *_: object) -> None:
    """A connection that the server has cut meanwhile is replaced, before a statement fails on it."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _check_file(file: Path, *_: object) -> None:
    """A file that is not there is a source that does not answer; SQLite would make an empty one."""
    if not file.is_file():
        raise FileNotFoundError(file)


def _remember_file(file: Path, _connection: object, record: Any) -> None:
    record.info["file"] = _identity(file)


def _check_same_file(file: Path, _connection: object, record: Any, *_: object) -> None:
    """A connection to a file that was removed or replaced would go on reading the old one."""
    if record.info["file"] != _identity(file):
        raise DisconnectionError


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino

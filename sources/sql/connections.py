"""The connections to one database: made when needed, and closed in bounded time whatever state the server is in."""

import asyncio
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
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

FAILURES = (DBAPIError, PoolTimeout, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a driver raises for a database that does not answer, or answers with an error."""

CLOSE_SECONDS = 1.0
"""How long a server may take to acknowledge that its connections close."""

_NO_ANSWER = (TimeoutError, PoolTimeout, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


def is_without_answer(error: BaseException) -> bool:
    """Whether a failure means that the database did not answer; the other ones are answers, of a kind.

    The driver's own exceptions come from making a connection: those of a statement arrive as DBAPIError.
    """
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

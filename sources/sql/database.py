"""One SQL back-end: its connections, its deadline, and the translation of its failures into ours."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from sources.errors import SourceTimedOut, SourceUnavailable
from sources.ports import Health

Statement = sa.Select[*tuple[Any, ...]]

FAILURES = (DBAPIError, PoolTimeout, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Database:
    """A database that is read, by URL (`sqlite+aiosqlite://` or `postgresql+asyncpg://`).

    `timeout_seconds` bounds each statement with the wait for a connection; `serves` names the GraphQL types whose
    facts it owns.
    """

    def __init__(
        self, name: str, url: str, *, serves: Sequence[str] = (), timeout_seconds: float = 5.0, pool_size: int = 10
    ) -> None:
        self.name = name
        self.serves = tuple(serves)
        self.statements_sent = 0
        self._timeout_seconds = timeout_seconds
        self._engine = _engine(url, pool_size)
        self.is_postgresql = self._engine.dialect.name == "postgresql"

    async def __aenter__(self) -> "Database":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._engine.dispose()

    async def fetch(self, statement: Statement) -> Sequence[Mapping[Any, Any]]:
        """All rows of one statement, as mappings by label.

        Raises SourceTimedOut or SourceUnavailable, with the driver's exception chained.
        """
        self.statements_sent += 1
        try:
            async with asyncio.timeout(self._timeout_seconds), self._engine.connect() as connection:
                return (await connection.execute(statement)).mappings().all()
        except TimeoutError as error:
            raise SourceTimedOut(self.name, self._timeout_seconds) from error
        except FAILURES as error:
            raise SourceUnavailable(self.name) from error

    async def health(self) -> Health:
        """Whether a trivial statement is answered, and how fast."""
        started = time.perf_counter()
        try:
            await self.fetch(sa.select(sa.literal(1)))
        except SourceUnavailable as error:
            reason = f"{error} ({type(error.__cause__).__name__})"
            return Health(self.name, available=False, latency_ms=None, reason=reason)
        return Health(self.name, available=True, latency_ms=(time.perf_counter() - started) * 1000)


def _engine(url: str, pool_size: int) -> AsyncEngine:
    """Autocommit: these are single reading statements, and BEGIN and ROLLBACK would be two more round trips."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT", pool_size=pool_size, max_overflow=0)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "do_connect", partial(_check_file, Path(engine.url.database or "")))
    return engine


def _check_file(file: Path, *_: object) -> None:
    """A file that is not there is a source that does not answer; SQLite would make an empty one."""
    if not file.is_file():
        raise FileNotFoundError(file)

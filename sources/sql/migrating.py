"""Brings the journey database to the newest schema, by its migrations."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sources.errors import SourceTimedOut, SourceUnavailable
from sources.sql.connections import FAILURES, is_without_answer
from sources.sql.journeys import SOURCE
from sources.sql.missing import root_of

MIGRATIONS = Path(__file__).with_name("migrations")

_NOT_DONE = f"The tables of the source '{SOURCE}' could not be brought up to date"

_CONNECT_SECONDS = 10.0
_LOCK_SECONDS = 5
"""How long a lock is waited for at most, so that those behind it are not held up."""

_ONE_AT_A_TIME = 0x6F6D6E69
"""The key of the advisory lock on PostgreSQL: others that migrate wait for it. It is any number, always the same."""


@cache
def revisions() -> Sequence[str]:
    """All revisions of the journey database that there are, the newest first."""
    return tuple(each.revision for each in ScriptDirectory(str(MIGRATIONS)).walk_revisions())


async def migrate(url: str, *, makes_file: bool = True) -> None:
    """Applies, in one transaction, every migration that the database does not have yet; safe for several at a time.

    On SQLite `makes_file` tells whether a file that is not there is made. Raises SourceUnavailable, also for a
    database of a revision that is not known here: it is a newer Omniloket's.
    """
    file = _file(url)
    if file is not None and not makes_file and not file.is_file():
        raise SourceUnavailable(SOURCE) from FileNotFoundError(file)
    engine = create_async_engine(url)
    try:
        await _migrate(engine)
    except TimeoutError as error:
        raise SourceTimedOut(SOURCE, _CONNECT_SECONDS) from error
    except FAILURES as error:
        reason = None if is_without_answer(error) else f"{_NOT_DONE} ({type(root_of(error)).__name__})."
        raise SourceUnavailable(SOURCE, reason) from error
    finally:
        await engine.dispose()


async def _migrate(engine: AsyncEngine) -> None:
    async with _connected(engine) as connection:
        # Asked first: one that has nothing to do takes no lock, and needs no right to write.
        await _set_lock_timeout(connection)
        found = await connection.run_sync(_revision)
        await connection.rollback()
        if found == revisions()[0]:
            return
        if found is not None and found not in revisions():
            raise SourceUnavailable(SOURCE, f"The tables of the source '{SOURCE}' are of a newer revision ({found}).")
        async with _alone(connection):
            await connection.run_sync(_upgrade)


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
    connection = engine.connect()
    async with asyncio.timeout(_CONNECT_SECONDS):
        await connection.start()
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _alone(connection: AsyncConnection) -> AsyncGenerator[None]:
    """A transaction that nobody else migrates beside; what the one before did is seen in it."""
    await _set_lock_timeout(connection)
    if connection.dialect.name == "postgresql":
        await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_AT_A_TIME})")
    else:
        # The driver begins none by itself for statements that make tables.
        await connection.exec_driver_sql("BEGIN IMMEDIATE")
    yield
    await connection.commit()


async def _set_lock_timeout(connection: AsyncConnection) -> None:
    """Of the transaction. SQLite's driver waits as long by itself."""
    if connection.dialect.name == "postgresql":
        await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")


def _revision(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _file(url: str) -> Path | None:
    given = sa.make_url(url)
    return Path(given.database or "") if given.get_backend_name() == "sqlite" else None

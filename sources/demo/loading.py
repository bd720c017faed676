"""Loading a population into SQLite files or into databases on a PostgreSQL server.

A load that was broken off is noticed, and begun again from the start. What is not a demo's is never touched.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, cast

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import create_async_engine

from sources.demo.people import Row
from sources.demo.population import Population, Rows, Table
from sources.sql import journeys
from sources.sql.migrating import migrate
from sources.sql.opening import MAPPINGS

Connection = Any
"""A connection of asyncpg, which has no types of its own."""


class DemoError(Exception):
    """The demo's data cannot be loaded; the message says what to do."""


class Target(Protocol):
    """Where a population is loaded."""

    @property
    def urls(self) -> Mapping[str, str]:
        """The address of each back-end's database, by the back-end's name."""
        ...

    async def loaded(self) -> str | None:
        """The description of the population that is there, complete; None when there is none."""
        ...

    async def begin(self) -> None:
        """Makes empty databases, in place of what a broken-off load left."""
        ...

    async def insert(self, name: str, table: Table, rows: Sequence[Row]) -> None:
        """Adds rows to a table of a back-end."""
        ...

    async def finish(self, description: str) -> None:
        """Marks the load as complete."""
        ...

    async def close(self) -> None: ...


async def load(target: Target, population: Population, description: str, progress: Callable[[int], None]) -> None:
    """Loads a population; `progress` is told how many citizens are done."""
    try:
        await target.begin()
        for batch in population.batches():
            await _insert(target, batch.rows)
            progress(batch.done)
        await target.finish(description)
    finally:
        await target.close()


async def _insert(target: Target, rows: Rows) -> None:
    """The databases take their rows side by side, each in the order that its references want."""
    await asyncio.gather(*(_insert_into(target, name, rows) for name in MAPPINGS))


async def _insert_into(target: Target, name: str, rows: Rows) -> None:
    for table in MAPPINGS[name].metadata.sorted_tables:
        if rows.get(table):
            await target.insert(name, table, rows[table])


class SqliteFiles:
    """Four files in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._mark = directory / "population.json"
        self._open: dict[str, sqlite3.Connection] = {}

    @property
    def urls(self) -> Mapping[str, str]:
        return {name: f"sqlite+aiosqlite:///{self._file(name).resolve()}" for name in MAPPINGS}

    async def loaded(self) -> str | None:
        if not self._mark.is_file() or not all(self._file(name).is_file() for name in MAPPINGS):
            return None
        return json.loads(self._mark.read_text())["population"]

    async def begin(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in MAPPINGS:
            if self._file(name).exists() and not self._mark.exists():
                raise DemoError(f"{self._file(name)} exists, without the demo's mark: move it, or name a --directory.")
            for each in (self._file(name), self._part(name), *self._companions(name)):
                each.unlink(missing_ok=True)
        self._mark.unlink(missing_ok=True)
        for name in MAPPINGS:
            # For their owner alone, wherever they are: what SQLite makes beside them has the same rights.
            self._part(name).touch(mode=0o600)
            await _make_tables(name, f"sqlite+aiosqlite:///{self._part(name).resolve()}")
            self._open[name] = connection = sqlite3.connect(self._part(name))
            connection.execute("PRAGMA synchronous = OFF")

    async def insert(self, name: str, table: Table, rows: Sequence[Row]) -> None:
        columns = [column.name for column in table.columns]
        places = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - our own names
        self._open[name].executemany(statement, ([_sqlite(row.get(column)) for column in columns] for row in rows))
        self._open[name].commit()

    async def finish(self, description: str) -> None:
        # Before the files get their names: they are the demo's, should it end between two of them.
        self._mark.write_text(json.dumps({"population": description}))
        for name, connection in self._open.items():
            # Readers and the writer of live changes do not wait for each other in this mode.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA optimize")
            connection.close()
            self._part(name).rename(self._file(name))

    async def close(self) -> None:
        for connection in self._open.values():
            connection.close()

    def _file(self, name: str) -> Path:
        return self._directory / f"{name}.db"

    def _companions(self, name: str) -> Sequence[Path]:
        """What SQLite leaves beside a database that nobody closed. Beside another one it would destroy that."""
        return [self._directory / f"{name}.db{ending}" for ending in ("-wal", "-shm")]

    def _part(self, name: str) -> Path:
        return self._directory / f"{name}.db.part"


class PostgresDatabases:
    """Four databases on one server (PostgreSQL 17 or later), each with a comment that tells what was loaded."""

    MARK = "omniloket demo: "
    LOADING = "loading"

    def __init__(self, url: str, prefix: str = "omniloket_demo") -> None:
        self._prefix = prefix
        try:
            given = sa.make_url(url)
        except (ArgumentError, ValueError):
            given = None
        if given is None or given.get_backend_name() not in ("postgresql", "postgres"):
            raise DemoError("--postgres takes an address like postgresql://user:password@host/postgres")
        self._server = given.set(drivername="postgresql")
        self._open: dict[str, Connection] = {}

    @property
    def urls(self) -> Mapping[str, str]:
        return {
            name: self._url(self._database(name))
            .set(drivername="postgresql+asyncpg")
            .render_as_string(hide_password=False)
            for name in MAPPINGS
        }

    async def loaded(self) -> str | None:
        marks = {await self._mark(self._database(name)) for name in MAPPINGS}
        mark = marks.pop() if len(marks) == 1 else None
        return mark.removeprefix(self.MARK) if mark and mark != self.MARK + self.LOADING else None

    async def begin(self) -> None:
        server = await self._connect(self._server)
        try:
            for name in MAPPINGS:
                await self._make_database(server, self._database(name))
        finally:
            await server.close()
        for name, url in self.urls.items():
            await _make_tables(name, url)
            self._open[name] = await self._connect(self._url(self._database(name)))

    async def insert(self, name: str, table: Table, rows: Sequence[Row]) -> None:
        columns = [column.name for column in table.columns]
        records = [tuple(map(row.get, columns)) for row in rows]
        await self._open[name].copy_records_to_table(table.name, records=records, columns=columns)

    async def finish(self, description: str) -> None:
        for name, connection in self._open.items():
            for table in MAPPINGS[name].metadata.sorted_tables:
                await _set_sequence(connection, table)
            await connection.execute("ANALYZE")
        for name in MAPPINGS:
            await _comment(self._open[name], self._database(name), self.MARK + description)

    async def close(self) -> None:
        await asyncio.gather(*(connection.close() for connection in self._open.values()))

    async def _make_database(self, server: Connection, database: str) -> None:
        mark = await server.fetchval(_READ_COMMENT, database)
        if mark is not None and not str(mark).startswith(self.MARK):
            raise DemoError(f"The database {database} exists and is not a demo's: rename it, or use another server.")
        try:
            await server.execute(f"DROP DATABASE IF EXISTS {database}")
        except asyncpg.ObjectInUseError:
            raise DemoError(f"The database {database} is in use: stop what uses it first.") from None
        try:
            await server.execute(
                f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8' "
                "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
            )
        except (asyncpg.PostgresSyntaxError, asyncpg.InsufficientPrivilegeError) as error:
            raise DemoError(
                f"The PostgreSQL server makes no database {database} ({type(error).__name__}): "
                "it must be version 17 or later, and you must be allowed to."
            ) from error
        await _comment(server, database, self.MARK + self.LOADING)

    async def _mark(self, database: str) -> str | None:
        server = await self._connect(self._server)
        try:
            return await server.fetchval(_READ_COMMENT, database)
        finally:
            await server.close()

    async def _connect(self, url: sa.URL) -> Connection:
        try:
            return await cast("Any", asyncpg).connect(url.render_as_string(hide_password=False))
        except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DemoError(f"The PostgreSQL server does not let us in: {type(error).__name__}.") from error

    def _database(self, name: str) -> str:
        return f"{self._prefix}_{name}"

    def _url(self, database: str) -> sa.URL:
        return self._server.set(database=database)


_READ_COMMENT = """
    SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = $1
"""


async def _comment(connection: Connection, database: str, text: str) -> None:
    quoted = await connection.fetchval("SELECT quote_literal($1::text)", text)
    await connection.execute(f"COMMENT ON DATABASE {database} IS {quoted}")


async def _make_tables(name: str, url: str) -> None:
    """The schema that a back-end has; ours by its migrations."""
    if name == journeys.SOURCE:
        await migrate(url)
        return
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(MAPPINGS[name].metadata.create_all)
    finally:
        await engine.dispose()


async def _set_sequence(connection: Connection, table: Table) -> None:
    """Numbers go on after those that were loaded."""
    column = table.autoincrement_column
    if column is not None and len(table.primary_key.columns) == 1:
        newest = f"(SELECT coalesce(max({column.name}), 0) + 1 FROM {table.name})"  # noqa: S608 - our own names
        await connection.execute(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), {newest}, false)"
        )


def _sqlite(value: Any) -> Any:
    """Instants as text, in the form in which SQLAlchemy writes them."""
    return value.isoformat(" ", "microseconds") if isinstance(value, datetime) else value

"""What becomes of a mark in a log when PostgreSQL crashes, is copied and promoted, or has counted round."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest
import sqlalchemy as sa

from sources.errors import MarkExpired
from sources.ports import Log, Mark
from sources.sql.database import Database
from sources.sql.log import SqlLog
from sources.sql.reading import Reader, Row
from support.postgres import PostgresServer, execute, postgres_server

TABLE = sa.Table("log", sa.MetaData(), sa.Column("id", sa.BigInteger, primary_key=True))
INSERT = "INSERT INTO log DEFAULT VALUES"
LAP = 2**32


class Line(Row):
    id: int


SERIAL = Reader(Line, lambda line: line.id)


@pytest.fixture
async def postgres() -> AsyncIterator[PostgresServer]:
    """A server with an empty log."""
    with postgres_server() as server:
        await execute(server.url, "CREATE TABLE log (id bigserial PRIMARY KEY)")
        yield server


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[SqlLog[int]]:
    async with Database("register", url.replace("postgresql://", "postgresql+asyncpg://")) as database:
        yield SqlLog(database, rows=TABLE, columns=[TABLE.c.id], serial=TABLE.c.id, read=SERIAL)


async def told(log: Log[int], mark: Mark) -> list[int]:
    reading = await log.changes(mark, 100, whole=True)
    return [change.serial for change in reading.changes]


async def test_a_number_that_is_given_again_after_a_crash_is_not_taken_for_an_old_one(postgres: PostgresServer) -> None:
    await execute(postgres.url, INSERT)
    # Else what was rolled back is on the disk a moment later, and its numbers are not given anew.
    await execute(postgres.url, "ALTER SYSTEM SET wal_writer_delay = '10s'")
    await execute(postgres.url, "SELECT pg_reload_conf()")
    connection = await asyncpg.connect(postgres.url)
    for _ in range(50):
        await connection.execute("BEGIN; SELECT pg_current_xact_id(); ROLLBACK")
    before = await connection.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    connection.terminate()
    async with opened(postgres.url) as log:
        mark = await log.end()
    with postgres.stopped():
        pass
    connection = await asyncpg.connect(postgres.url)
    after = await connection.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    await connection.execute(INSERT)
    serial = await connection.fetchval("SELECT max(id) FROM log")
    await connection.close()
    # What the test is about: those who rolled back had numbers that are given anew.
    assert after < before
    async with opened(postgres.url) as log:
        assert await told(log, mark) == [serial]


async def test_a_standby_waits_for_the_primarys_transactions_and_its_promotion_ends_the_marks(
    postgres: PostgresServer,
) -> None:
    await execute(postgres.url, INSERT)
    with standby(postgres) as (copy, url):
        async with opened(postgres.url) as log:
            mark = await log.end()
        slow = await asyncpg.connect(postgres.url)
        await slow.execute("BEGIN; INSERT INTO log VALUES (1001)")
        await execute(postgres.url, "INSERT INTO log VALUES (1002)")
        async with opened(url) as log:
            await replayed(url, "SELECT 1 FROM log WHERE id = 1002")
            assert await told(log, mark) == []
            await slow.execute("COMMIT")
            await slow.close()
            await replayed(url, "SELECT 1 FROM log WHERE id = 1001")
            assert await told(log, mark) == [1001, 1002]
            postgres.tool("pg_ctl", "-D", str(copy), "-w", "promote")
            # The first checkpoint of the new timeline.
            await execute(url, "CHECKPOINT")
            with pytest.raises(MarkExpired):
                await log.changes(mark, 100)


async def test_rows_of_the_lap_before_are_not_taken_for_new_ones(postgres: PostgresServer) -> None:
    await execute(postgres.url, "UPDATE pg_database SET datallowconn = true")
    for serial, next_transaction in ((1, 1_600_000_000), (2, 3_200_000_000), (3, LAP + 20_000)):
        await execute(postgres.url, INSERT)
        async with opened(postgres.url) as log:
            mark = await log.end()
            first = mark if serial == 1 else first  # noqa: F821
        postgres.lap(next_transaction)
    await execute(postgres.url, INSERT)
    async with opened(postgres.url) as log:
        assert await told(log, mark) == [4]
        assert await told(log, await log.end()) == []
        assert [change.serial for change in await log.history(await log.end(), 0, 100)] == [1, 2, 3, 4]
        with pytest.raises(MarkExpired):
            await log.changes(first, 100)


@contextmanager
def standby(primary: PostgresServer) -> Iterator[tuple[Path, str]]:
    """A hot standby of a server: its directory, and its address."""
    with TemporaryDirectory(dir=primary.data.parent) as home:
        Path(home).chmod(0o777)
        copy = Path(home, "data")
        primary.tool("pg_basebackup", "-D", str(copy), "-h", str(primary.data), "-U", "postgres", "-R", "-c", "fast")
        options = ("-o", f'-h "" -k {home}', "-l", str(copy / "log"), "-D", str(copy), "-w")
        primary.tool("pg_ctl", *options, "start")
        try:
            yield copy, f"postgresql://postgres:@/postgres?host={home}"
        finally:
            primary.tool("pg_ctl", "-D", str(copy), "-m", "immediate", "stop")


async def replayed(url: str, query: str) -> None:
    """Waits until the standby has what a query looks for."""
    connection = await asyncpg.connect(url)
    async with asyncio.timeout(20):
        while not await connection.fetchval(query):
            await asyncio.sleep(0.05)
    await connection.close()

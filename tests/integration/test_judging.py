"""Who asks for much says nothing of the source: it is judged by whether a small question is answered meanwhile."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from sources.breaker import Patience
from sources.errors import SourceUnavailable
from sources.sql import connections
from sources.sql.database import Database
from sources.sql.statements import Bound, Values

HEAVY, LIGHT = sa.select(sa.literal(1).label("heavy")), sa.select(sa.literal(1).label("light"))

JUDGED_SECONDS = 0.5
"""More than a small question may take here."""


class Server:
    """What the connections find: heavy statements never end, others do unless it is away, or stands still."""

    is_away = False
    stands_still = False


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server, as_usual = Server(), connections.Held.rows

    async def rows(held: connections.Held, bound: Bound) -> Sequence[Values]:
        if server.is_away:
            raise connections.StatementFailed(is_without_answer=True)
        if server.stands_still or "heavy" in bound.text:
            await asyncio.sleep(60)
        return await as_usual(held, bound)

    monkeypatch.setattr(connections.Held, "rows", rows)
    return server


@pytest.fixture
def url(tmp_path: Path) -> str:
    with sqlite3.connect(tmp_path / "one.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('0001')")
    connection.close()
    return f"sqlite+aiosqlite:///{tmp_path}/one.db"


@pytest_asyncio.fixture
async def database(url: str) -> AsyncIterator[Database]:
    patience = Patience(failures=2, rest_seconds=0.1)
    async with Database("x", url, timeout_seconds=0.3, pool_size=2, patience=patience) as opened:
        yield opened


async def answered(database: Database, statement: sa.Select[int]) -> bool:
    try:
        return bool(await database.fetch(statement))
    except SourceUnavailable:
        return False


async def test_a_slow_question_that_happens_to_probe_ends_the_rest_of_a_source_that_answers(
    server: Server, database: Database
) -> None:
    server.is_away = True
    assert [await answered(database, LIGHT) for _ in range(2)] == [False, False]
    assert database.figures().is_resting
    server.is_away = False
    await asyncio.sleep(0.15)
    assert not await answered(database, HEAVY)
    async with asyncio.timeout(20):
        while database.figures().is_resting:
            await asyncio.sleep(0.01)
    assert await answered(database, LIGHT)


@pytest.mark.usefixtures("server")
async def test_connections_that_are_all_in_use_tell_nothing_of_the_source(database: Database) -> None:
    asking = [asyncio.create_task(answered(database, HEAVY)) for _ in range(6)]
    await asyncio.sleep(0.05)
    assert database.figures().busy == 2
    assert (await database.health()).available
    assert not any(await asyncio.gather(*asking))
    await asyncio.sleep(JUDGED_SECONDS)
    assert not database.figures().is_resting
    assert await answered(database, LIGHT)


async def test_a_source_that_does_not_answer_the_small_question_either_is_left_alone(
    server: Server, database: Database
) -> None:
    server.stands_still = True
    asking = [asyncio.create_task(answered(database, LIGHT)) for _ in range(4)]
    assert not any(await asyncio.gather(*asking))
    await asyncio.sleep(JUDGED_SECONDS)
    assert database.figures().is_resting
    assert not (await database.health()).available


@pytest.mark.usefixtures("server")
async def test_older_tables_are_an_answer(url: str) -> None:
    patience = Patience(failures=1, rest_seconds=60)
    old = Database(
        "x",
        url,
        timeout_seconds=0.3,
        patience=patience,
        table=sa.table("alembic_version"),
        revisions=["0002", "0001"],
    )
    async with old as opened:
        assert not (await opened.health()).available
        assert not await answered(opened, HEAVY)
        await asyncio.sleep(JUDGED_SECONDS)
        assert not opened.figures().is_resting


@pytest.mark.usefixtures("server")
async def test_a_question_after_health_leaves_no_connection_behind(database: Database) -> None:
    asking = [asyncio.create_task(answered(database, HEAVY)) for _ in range(2)]
    await asyncio.sleep(0.05)
    for _ in range(5):
        assert (await database.health()).available
    given_up = asyncio.create_task(database.health())
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.wait([*asking, given_up])
    async with asyncio.timeout(20):
        while database.figures().busy or not await answered(database, LIGHT):
            await asyncio.sleep(0.01)
    assert database.figures().busy + database.figures().idle <= 2


def test_a_server_without_room_for_a_connection_answers() -> None:
    assert connections.is_sign_of_life(asyncpg.TooManyConnectionsError())
    assert not connections.is_sign_of_life(asyncpg.CannotConnectNowError())


def test_a_server_that_only_starts_does_not_answer_yet() -> None:
    told = Exception("the dialect's own")
    told.__cause__ = asyncpg.CannotConnectNowError("the database system is starting up")
    assert connections.is_without_answer(DBAPIError("SELECT 1", {}, told))
    told.__cause__ = asyncpg.InsufficientPrivilegeError("permission denied")
    assert not connections.is_without_answer(DBAPIError("SELECT 1", {}, told))

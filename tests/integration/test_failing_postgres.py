"""What a PostgreSQL that is paused, stopped or locked does to a house, and what the house does to it."""

import asyncio
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from sources import deadlines
from sources.breaker import Patience
from sources.demo.loading import PostgresDatabases
from sources.errors import SourceTimedOut, SourceUnavailable
from sources.scope import EVERYTHING
from sources.sql import incidents
from sources.sql.database import Database
from sources.sql.journey_store import SqlJourneyStore
from support.back_ends import NOW, Urls, loaded
from support.postgres import PostgresServer, connections, locked, postgres_server

POOL = 4


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture(scope="module")
def failing_urls(server: PostgresServer) -> Urls:
    return loaded(PostgresDatabases(server.url, "omniloket_failing"))


def database(urls: Urls, timeout_seconds: float = 0.5, patience: Patience | None = None) -> Database:
    return Database("incidents", urls["incidents"], timeout_seconds=timeout_seconds, pool_size=POOL, patience=patience)


async def answered(opened: Database) -> bool:
    try:
        return await incidents.reports(opened).count(EVERYTHING) > 0
    except SourceUnavailable:
        return False


async def back(opened: Database) -> None:
    """Waits until the source is used again."""
    async with asyncio.timeout(20):
        while not await answered(opened):
            await asyncio.sleep(0.05)


async def test_no_storm_of_questions_at_a_server_that_stands_still(server: PostgresServer, failing_urls: Urls) -> None:
    async with database(failing_urls, patience=Patience(failures=5, rest_seconds=60)) as opened:
        await asyncio.gather(*(answered(opened) for _ in range(POOL)))
        sent = opened.statements_sent
        with server.paused():

            async def client() -> list[bool]:
                return [await answered(opened) for _ in range(10)]

            answers = await asyncio.gather(*(client() for _ in range(20)))
            assert answers == [[False] * 10] * 20
            # 200 questions: those that were under way when the source was given up have reached a connection.
            assert opened.statements_sent - sent <= POOL
        async with asyncio.timeout(20):
            while await connections(failing_urls["incidents"]) > POOL:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("fault", ["paused", "stopped"])
async def test_a_server_that_comes_back_is_used_again(server: PostgresServer, failing_urls: Urls, fault: str) -> None:
    async with database(failing_urls) as opened:
        await asyncio.gather(*(answered(opened) for _ in range(POOL)))
        with getattr(server, fault)():
            for _ in range(8):
                assert not await answered(opened)
        await back(opened)
        # All connections that were cut are noticed: none of them costs a question.
        assert await asyncio.gather(*(answered(opened) for _ in range(2 * POOL))) == [True] * 2 * POOL
        assert await connections(failing_urls["incidents"]) <= POOL


async def test_connections_that_were_cut_while_idle_cost_no_question(
    server: PostgresServer, failing_urls: Urls
) -> None:
    async with database(failing_urls) as opened:
        await asyncio.gather(*(answered(opened) for _ in range(POOL)))
        with server.stopped():
            pass
        # The loop, which stood still meanwhile, hears of it.
        await asyncio.sleep(0.1)
        assert await asyncio.gather(*(answered(opened) for _ in range(2 * POOL))) == [True] * 2 * POOL


async def test_a_statement_that_never_ends_leaves_nothing_behind_on_the_server(failing_urls: Urls) -> None:
    async with database(failing_urls) as opened:
        async with locked(failing_urls["incidents"], "incident"):
            for _ in range(3):
                with pytest.raises(SourceTimedOut):
                    await incidents.reports(opened).count(EVERYTHING)
            async with asyncio.timeout(20):
                # The one that holds the lock is left, and an idle one that asked after the source's health.
                while await connections(failing_urls["incidents"]) > 2:
                    await asyncio.sleep(0.05)
        assert await answered(opened)


async def test_an_error_is_an_answer(failing_urls: Urls) -> None:
    async with database(failing_urls, patience=Patience(failures=2, rest_seconds=60)) as opened:
        for _ in range(3):
            with pytest.raises(SourceUnavailable):
                await opened.fetch(sa.select(sa.literal_column("no_such_column")))
        assert await answered(opened)


async def test_those_who_ask_after_its_health_at_the_same_time_share_one_question(
    server: PostgresServer, failing_urls: Urls
) -> None:
    async with database(failing_urls) as opened:
        assert all(health.available for health in await asyncio.gather(*(opened.health() for _ in range(50))))
        assert opened.statements_sent == 1
        with server.paused():
            found = await asyncio.gather(*(opened.health() for _ in range(50)))
        assert {(health.available, health.latency_ms) for health in found} == {(False, None)}
        assert opened.statements_sent == 2


async def test_closing_does_not_wait_for_a_server_that_stands_still(server: PostgresServer, failing_urls: Urls) -> None:
    opened, store = database(failing_urls), SqlJourneyStore(failing_urls["journeys"], timeout_seconds=0.5)
    await asyncio.gather(*(answered(opened) for _ in range(POOL)))
    await store.positions()
    with server.paused():
        with pytest.raises(SourceTimedOut):
            await store.release("nobody", NOW)
        assert not await answered(opened)
        async with asyncio.timeout(10), opened, store:
            pass


async def test_so_many_statements_wait_for_a_connection_and_one_more_fails_at_once(failing_urls: Urls) -> None:
    stuck = Database("incidents", failing_urls["incidents"], timeout_seconds=5, pool_size=POOL, waiting=2)
    async with stuck as opened, locked(failing_urls["incidents"], "incident"):
        asked = [asyncio.create_task(answered(opened)) for _ in range(POOL + 2)]
        await asyncio.sleep(0.1)
        with pytest.raises(SourceUnavailable, match="Too many statements wait"):
            await incidents.reports(opened).count(EVERYTHING)
        asked[-1].cancel()
        await asyncio.gather(asked[-1], return_exceptions=True)
        in_its_place = asyncio.create_task(answered(opened))
        await asyncio.sleep(0.1)
        assert not in_its_place.done()
        for each in (*asked, in_its_place):
            each.cancel()
        await asyncio.gather(*asked, in_its_place, return_exceptions=True)


async def test_an_operation_waits_until_its_deadline_and_no_longer(failing_urls: Urls) -> None:
    async def asking(opened: Database) -> None:
        with deadlines.Within(0.3):
            for _ in range(2):
                with pytest.raises(SourceTimedOut):
                    await incidents.reports(opened).count(EVERYTHING)
            assert deadlines.seconds_left() < 0
        assert deadlines.seconds_left() == float("inf")

    impatient = Patience(failures=1, rest_seconds=60)
    async with database(failing_urls, timeout_seconds=30, patience=impatient) as opened:
        async with locked(failing_urls["incidents"], "incident"):
            async with asyncio.timeout(20):
                await asking(opened)
            async with asyncio.timeout(20):
                while await connections(failing_urls["incidents"]) > 1:
                    await asyncio.sleep(0.05)
        # What has no deadline is answered: that an operation's time was short tells nothing of the source.
        assert await answered(opened)


async def test_who_asks_for_much_leaves_room_for_others(failing_urls: Urls) -> None:
    async def ask(opened: Database, asker: str, statement: sa.Select[int], seconds: float = 60) -> bool:
        with deadlines.Within(seconds, asker):
            try:
                return bool(await opened.fetch(statement))
            except SourceTimedOut:
                return False

    sleeping, small = sa.select(sa.func.pg_sleep(30)), sa.select(sa.literal(1))
    async with database(failing_urls, 5, Patience(failures=3, rest_seconds=60)) as opened:
        greedy = [asyncio.create_task(ask(opened, "greedy", sleeping)) for _ in range(3 * POOL)]
        await asyncio.sleep(0.2)
        assert not await ask(opened, "greedy", small, 0.5)
        for _ in range(5):
            async with asyncio.timeout(1):
                assert await ask(opened, "modest", small)
        # All of them took too long, and that tells nothing of the source: it is not left alone.
        assert not any(await asyncio.gather(*greedy))
        await asyncio.sleep(0.5)
        assert await ask(opened, "modest", small)

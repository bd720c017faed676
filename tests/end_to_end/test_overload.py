"""A server that has too much to do, and one with a source that is stuck: who is refused, and who is not."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from resolvers.context import Viewer
from sources.demo.loading import PostgresDatabases
from sources.records import Role
from support.back_ends import Urls, loaded
from support.postgres import locked
from support.servers import Server, serving
from support.sockets import connected

STUCK = "{ reports(first: 1) { edges { node { number } } } channels { code } }"
FINE = "{ channels { code } }"
LIMITS = {
    "OMNILOKET_OVERLOAD__RUNNING": "3",
    "OMNILOKET_OVERLOAD__WAITING": "2",
    "OMNILOKET_OVERLOAD__WAITING_SECONDS": "30",
    "OMNILOKET_OVERLOAD__DEADLINE_SECONDS": "2",
    "OMNILOKET_SOURCES__INCIDENTS__TIMEOUT_SECONDS": "30",
}


@pytest.fixture(scope="module")
def own(postgres: str) -> Urls:
    return loaded(PostgresDatabases(postgres, "omniloket_overload"))


@pytest.fixture
def small(own: Urls, tmp_path: Path) -> Iterator[Server]:
    """A server that runs three operations at a time, each for two seconds at most; two more may wait."""
    with serving(own, tmp_path, **LIMITS) as running:
        yield running


async def _post(server: Server, client: httpx.AsyncClient, query: str, agent: str = "agent") -> Any:
    token = server.token(Viewer(Role.AGENT, agent, unit="PL1700", clearance=True))
    headers = {"authorization": f"Bearer {token}", "omniloket-purpose": "intake"}
    headers["accept"] = "application/graphql-response+json"
    return await client.post(server.url, json={"query": query}, headers=headers)


async def test_beyond_what_runs_and_what_waits_requests_are_refused_at_once(small: Server, own: Urls) -> None:
    async with httpx.AsyncClient(timeout=30) as client, locked(own["incidents"], "incident"):
        stuck = [asyncio.create_task(_post(small, client, STUCK, each)) for each in "abcde"]
        await asyncio.sleep(0.5)
        refused = await _post(small, client, FINE)
        assert not any(each.done() for each in stuck)
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["errors"][0]["extensions"] == {
            "code": "LIMIT_EXCEEDED",
            "limit": "running",
            "retryAfter": 1,
        }
        assert (await client.get(small.url.replace("/graphql", "/healthz"))).status_code == 200
        async with connected(small, small.agent) as socket:
            await socket.subscribe("a", FINE)
            assert await socket.errors("a") == ["LIMIT_EXCEEDED"]
            await socket.subscribe("b", "subscription { contactRegistered { cursor } }")
            assert await socket.silent()
        answers = [each.json() for each in await asyncio.gather(*stuck)]
    for answer in answers:
        assert len(answer["data"]["channels"]) > 5
        assert answer["data"]["reports"] is None
        (error,) = answer["errors"]
        assert (error["extensions"]["code"], error["extensions"]["source"]) == ("SOURCE_TIMEOUT", "incidents")


async def test_whoever_asks_for_much_leaves_room_for_others(small: Server, own: Urls) -> None:
    async with httpx.AsyncClient(timeout=30) as client, locked(own["incidents"], "incident"):
        greedy = [asyncio.create_task(_post(small, client, STUCK)) for _ in range(20)]
        await asyncio.sleep(0.5)
        for _ in range(5):
            assert (await _post(small, client, FINE, "another")).status_code == 200
        # Two run, and one waits.
        assert Counter(each.status_code for each in await asyncio.gather(*greedy)) == {503: 17, 294: 3}


@asynccontextmanager
async def full(server: Server, own: Urls) -> AsyncIterator[httpx.AsyncClient]:
    """As many operations run and wait as may."""
    async with httpx.AsyncClient(timeout=30) as client:
        async with locked(own["incidents"], "incident"):
            stuck = [asyncio.create_task(_post(server, client, STUCK, each)) for each in "abcde"]
            await asyncio.sleep(0.5)
            yield client
            assert not any(each.done() for each in stuck)
        await asyncio.gather(*stuck)


@pytest.mark.parametrize(
    ("accept", "told"),
    [
        (None, "application/graphql-response+json"),
        ("application/json", "application/json"),
        ("application/graphql-response+json, application/json;q=0.5", "application/graphql-response+json"),
        ("text/event-stream", "application/json"),
        ("text/html", "application/json"),
    ],
)
async def test_a_refusal_is_what_any_other_is_whatever_was_asked(
    small: Server, own: Urls, accept: str | None, told: str
) -> None:
    headers = {"authorization": "Bearer nonsense"} | ({"accept": accept} if accept else {})
    async with full(small, own) as client:
        client.headers.pop("accept")
        before = await _refusals(small, client)
        answers = [
            await client.post(small.url, content=b"x" * 1_000_000, headers=headers),
            await client.get(small.url, params={"query": FINE}, headers=headers),
        ]
        assert await _refusals(small, client) == before + 2
    for answer in answers:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.headers["content-type"] == f"{told}; charset=utf-8"
        assert answer.json()["errors"][0]["extensions"]["limit"] == "running"
    assert len({answer.headers["omniloket-request"] for answer in answers}) == 2
    refused_later = await _bad(small)
    assert set(refused_later.headers) | {"retry-after"} == set(answers[0].headers)


async def _bad(server: Server) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.post(server.url, json={"query": "{"})


async def _refusals(server: Server, client: httpx.AsyncClient) -> float:
    text = (await client.get(server.url.replace("graphql", "metrics"))).text
    found = re.search(r'^omniloket_refusals_total\{code="LIMIT_EXCEEDED",limit="running"\} (\S+)', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def test_refusals_keep_their_order_and_the_connection(small: Server, own: Urls) -> None:
    ask = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    health = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    last = ask.replace(b"host: x\r\n", b"host: x\r\nconnection: close\r\n")
    async with full(small, own), asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", small.port)
        writer.write(ask + ask + health + ask + last)
        answer = await reader.read()
        writer.close()
    statuses = re.findall(rb"HTTP/1.1 (\d+)", answer)
    assert statuses == [b"503", b"503", b"200", b"503", b"503"]
    assert answer.count(b"connection: close") == 1
    assert answer.count(b"\r\ndate: ") == 5


async def test_a_refusal_of_head_has_no_body(small: Server, own: Urls) -> None:
    head = b"HEAD /graphql HTTP/1.1\r\nhost: x\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    async with full(small, own), asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", small.port)
        writer.write(head)
        refused = await reader.readuntil(b"\r\n\r\n")
        writer.write(last)
        answer = await reader.read()
        writer.close()
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_what_is_refused_is_not_paid_for(own: Urls, tmp_path: Path) -> None:
    few = {"OMNILOKET_COST__BURST": "1000", "OMNILOKET_COST__PER_SECOND": "10"}
    with serving(own, tmp_path, **LIMITS, **few) as server:
        async with full(server, own), connected(server, server.agent) as socket:
            for _ in range(50):
                await socket.subscribe("a", FINE)
                assert await socket.errors("a") == ["LIMIT_EXCEEDED"]


async def test_when_the_rush_is_over_everybody_is_served_again(small: Server, own: Urls) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        async with locked(own["incidents"], "incident"):
            rush = await asyncio.gather(*(_post(small, client, STUCK, f"agent {number}") for number in range(40)))
        assert Counter(each.status_code for each in rush) == {503: 35, 294: 5}
        answers = [await _post(small, client, STUCK) for _ in range(10)]
        assert all("errors" not in answer.json() for answer in answers)

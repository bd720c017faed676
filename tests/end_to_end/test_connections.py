"""Requests that never end, connections without number, and what a browser may send: against the real server."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from omniloket.settings import RequestsSettings
from support.back_ends import Urls
from support.servers import Server, serving
from support.sockets import bare, connected

HALF_A_HEAD = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: appl"
HALF_A_BODY = (
    b'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"query"'
)
HEALTHY = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
BOUNDS = {
    "OMNILOKET_REQUESTS__HEAD_SECONDS": "2",
    "OMNILOKET_REQUESTS__BODY_SECONDS": "2",
    "OMNILOKET_REQUESTS__HEAD_BYTES": "2048",
    "OMNILOKET_REQUESTS__URL_BYTES": "300",
    "OMNILOKET_REQUESTS__CONNECTIONS_PER_ADDRESS": "410",
    "OMNILOKET_LIVE__CONNECTIONS_PER_PRINCIPAL": "3",
}
FOREVER = "subscription { contactRegistered { cursor } }"


@pytest.fixture(scope="module")
def strict(sqlite_urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(sqlite_urls, tmp_path_factory.mktemp("strict"), **BOUNDS) as running:
        yield running


async def _open(server: Server, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(sent)
    return reader, writer


async def test_requests_that_are_half_sent_are_shed_and_cost_others_nothing(strict: Server) -> None:
    opened = [await _open(strict, HALF_A_HEAD if number % 2 else HALF_A_BODY) for number in range(400)]
    async with httpx.AsyncClient() as client:
        answers = [await client.post(strict.url, json={"query": "{ viewer { role } }"}) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    async with asyncio.timeout(20):
        ends = await asyncio.gather(*(reader.read() for reader, _ in opened))
    for _, writer in opened:
        writer.close()
    assert ends[1::2] == [b""] * 200
    assert all(end.startswith(b"HTTP/1.1 408 Request Timeout\r\n") for end in ends[::2])


async def test_a_body_that_comes_in_time_is_read_however_slowly(strict: Server) -> None:
    reader, writer = await _open(strict, b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
    body = b'{"query": "{ viewer { role } }"}'
    writer.write(b"Content-Length: %d\r\n\r\n" % len(body))
    for start in range(0, len(body), 8):
        await asyncio.sleep(0.2)
        writer.write(body[start : start + 8])
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_a_connection_that_sends_blank_lines_after_its_answer_is_shed(strict: Server) -> None:
    reader, writer = await _open(strict, HEALTHY)
    await reader.readuntil(b'{"alive":true}')
    writer.write(b"\r\n")
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("lines", [b"", b"\r\n" * 100])
async def test_a_connection_that_was_refused_before_its_body_came_is_shed_as_well(strict: Server, lines: bytes) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n"
    reader, writer = await _open(strict, head + b"12345")
    async with asyncio.timeout(10):
        await reader.readuntil(b"415")
        writer.write(b"67890")
        await asyncio.sleep(0.1)
        writer.write(lines)
        assert (await reader.read()).count(b"HTTP/1.1") == 0
    writer.close()


async def test_a_connection_that_was_refused_before_its_body_came_can_be_used_again(strict: Server) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10000\r\n\r\n"
    reader, writer = await _open(strict, head + b"12345")
    async with asyncio.timeout(10):
        await reader.readuntil(b"415")
        writer.write(b"x" * 9_995)
        await asyncio.sleep(0.1)
        writer.write(HEALTHY)
        await reader.readuntil(b'{"alive":true}')
        await asyncio.sleep(0.1)
        writer.write(HEALTHY)
        await reader.readuntil(b'{"alive":true}')
    writer.close()


@pytest.mark.parametrize(("bytes_behind", "status"), [(1_500, b"200"), (2_500, b"400"), (20_000, b"400")])
async def test_what_stands_behind_a_body_is_bounded_as_a_head_is(
    strict: Server, bytes_behind: int, status: bytes
) -> None:
    body = b'{"query": "{ viewer { role } }"}'
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    reader, writer = await _open(strict, head + b"%x\r\n%b\r\n0\r\n" % (len(body), body))
    await asyncio.sleep(0.1)
    writer.write(b"x-behind: " + b"x" * bytes_behind)
    if status == b"200":  # where it is refused, more would meet a connection that is closed, and lose the answer
        await asyncio.sleep(0.1)
        writer.write(b"\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 " + status)
    writer.close()


async def test_a_body_in_many_chunks_is_no_more_than_its_content(strict: Server) -> None:
    body = b'{"query": "{ viewer { role } }", "extensions": {"padding": "%b"}}' % (b"x" * 50_000)
    chunks = (body[start : start + 1_000] for start in range(0, len(body), 1_000))

    async def slowly() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
            await asyncio.sleep(0)

    async with httpx.AsyncClient() as client:
        answer = await client.post(strict.url, content=slowly(), headers={"content-type": "application/json"})
    assert answer.json() == {"data": {"viewer": {"role": "ANONYMOUS"}}}


@pytest.mark.parametrize(("ahead", "served"), [(20, 21), (21, 0)])
async def test_so_many_requests_may_wait_for_the_answer_to_another(strict: Server, ahead: int, served: int) -> None:
    reader, writer = await _open(strict, HEALTHY * (ahead + 1))
    async with asyncio.timeout(10):
        for _ in range(served):
            await reader.readuntil(b'{"alive":true}')
        writer.write_eof()
        assert b"alive" not in await reader.read()
    writer.close()


async def test_an_answer_to_what_came_later_is_never_given_first(strict: Server) -> None:
    reader, writer = await _open(strict, HEALTHY + b"garbage\r\n\r\n")
    async with asyncio.timeout(10):
        assert b"400" not in await reader.read()
    writer.close()


SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Swallow: "


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.3"])
@pytest.mark.parametrize("announced", [b"Content-Length: %d" % len(SMUGGLED), b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_the_body_of_a_request_for_another_protocol_is_never_the_next_request(
    strict: Server, method: bytes, protocol: bytes, announced: bytes
) -> None:
    head = b"%b /graphql HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: %b\r\n%b\r\n\r\n"
    reader, writer = await _open(strict, head % (method, protocol, announced))
    async with asyncio.timeout(10):
        with suppress(ConnectionError):
            await asyncio.sleep(0.2)
            writer.write(SMUGGLED)
            writer.write(b"\r\n\r\n" + HEALTHY)
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    writer.close()


@pytest.mark.parametrize("request_line", [b"GET /healthz HTTP/1.1", b"CONNECT x:1 HTTP/1.1"])
async def test_after_a_request_for_another_protocol_nothing_is_read(strict: Server, request_line: bytes) -> None:
    reader, writer = await _open(strict, request_line + b"\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n")
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"connection: close" in head.lower()
        writer.write(HEALTHY)
        with suppress(ConnectionError):
            assert b"HTTP/1.1" not in await reader.read()
    writer.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
        (b"GET /healthz HTTP/1.0\r\n\r\n", b"200"),
    ],
)
async def test_a_request_names_one_host(strict: Server, head: bytes, status: bytes) -> None:
    reader, writer = await _open(strict, head)
    assert (await reader.readline()).startswith(b"HTTP/1.1 " + status)
    writer.close()


async def test_a_proxy_has_as_many_connections_as_it_likes(sqlite_urls: Urls, tmp_path: Path) -> None:
    behind = {"OMNILOKET_TRUSTED_PROXIES": '["127.0.0.1"]', "OMNILOKET_REQUESTS__CONNECTIONS_PER_ADDRESS": "1"}
    with serving(sqlite_urls, tmp_path, **behind) as server:
        opened = [await _open(server, HEALTHY) for _ in range(3)]
        answers = [await reader.readline() for reader, _ in opened]
        for _, writer in opened:
            writer.close()
    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)


async def test_one_address_has_so_many_connections_and_gets_them_back(strict: Server) -> None:
    opened = [await _open(strict) for _ in range(410)]
    reader, writer = await _open(strict)
    assert (await reader.read()).startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    for _, other in (*opened, (reader, writer)):
        other.close()
    async with asyncio.timeout(10):
        while not await _is_served(strict):
            await asyncio.sleep(0.05)


async def test_connections_that_are_closed_are_counted_by_limit(strict: Server) -> None:
    before = _closed(strict)
    too_long = b"GET /healthz HTTP/1.1\r\nx-padding: " + b"x" * 70_000
    opened = [await _open(strict, each) for each in (too_long, HALF_A_HEAD, HALF_A_BODY)]
    async with asyncio.timeout(10):
        for reader, writer in opened:
            with suppress(ConnectionResetError):
                await reader.read()
            writer.close()
    after = _closed(strict)
    assert {limit for limit in after if after[limit] > before.get(limit, 0)} == {
        "head_bytes",
        "head_seconds",
        "body_seconds",
    }
    assert set(after) <= set(RequestsSettings.model_fields)


def _closed(server: Server) -> dict[str, float]:
    text = httpx.get(server.url.replace("graphql", "metrics")).text
    found = re.findall(r'^omniloket_connections_closed_total\{limit="(\w+)"\} (\S+)$', text, re.MULTILINE)
    return {limit: float(count) for limit, count in found}


async def _is_served(server: Server) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            return (await client.post(server.url, json={"query": "{ __typename }"})).status_code == 200
        except httpx.TransportError:
            return False


async def test_sockets_count_as_connections_until_they_close(strict: Server) -> None:
    async with bare(strict), bare(strict):
        opened = [await _open(strict) for _ in range(408)]
        reader, last = await _open(strict)
        assert b"429" in await reader.readline()
    for _, writer in (*opened, (reader, last)):
        writer.close()


@pytest.mark.parametrize(("path_bytes", "status"), [(300, 400), (301, 414)])
def test_a_url_may_have_so_many_bytes(strict: Server, path_bytes: int, status: int) -> None:
    answer = httpx.get(f"{strict.url}?query=" + "x" * (path_bytes - len("query=")))
    assert answer.status_code == status
    assert (answer.json()["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED") is (status == 414)


@pytest.mark.parametrize(("padding", "status"), [(1_500, 200), (2_500, 400)])
def test_a_head_may_have_so_many_bytes(strict: Server, padding: int, status: int) -> None:
    assert httpx.get(f"{strict.url}?query={{__typename}}", headers={"x-padding": "x" * padding}).status_code == status


async def test_a_principal_has_so_many_sockets_and_streams_together(strict: Server) -> None:
    token = strict.agent
    headers = {"authorization": f"Bearer {token}", "omniloket-purpose": "intake", "accept": "text/event-stream"}
    async with httpx.AsyncClient(headers=headers, timeout=30) as client, connected(strict, token):
        async with (
            connected(strict, token),
            client.stream("POST", strict.url, json={"query": FOREVER}) as stream,
        ):
            assert stream.status_code == 200
            refused = await client.post(strict.url, json={"query": FOREVER})
            assert refused.status_code == 429
            told = {"code": "LIMIT_EXCEEDED", "limit": "connections_per_principal"}
            assert refused.json()["errors"][0]["extensions"] == told
            async with bare(strict) as socket:
                await socket.send({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
                assert await socket.closed() == (4429, "Too many sockets and event streams")
            assert (await client.post(strict.url, json={"query": "{ __typename }"})).status_code == 200
        async with asyncio.timeout(10):
            while not await _may_connect(strict, token):
                await asyncio.sleep(0.05)


async def _may_connect(server: Server, token: str) -> bool:
    async with bare(server) as socket:
        await socket.send({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
        try:
            return await socket.receive() == {"type": "connection_ack"}
        except Exception:
            return False


SIMPLE: dict[str, dict[str, str]] = {
    "text": {"content-type": "text/plain"},
    "a form": {"content-type": "application/x-www-form-urlencoded"},
    "a form with files": {"content-type": "multipart/form-data; boundary=x"},
    "no content type": {},
    "text first": {"content-type": "text/plain; application/json"},
    "both": {"content-type": "application/json, text/plain"},
    "another method": {"content-type": "text/plain", "x-http-method-override": "POST"},
}


@pytest.mark.parametrize("headers", SIMPLE.values(), ids=SIMPLE)
def test_what_a_browser_sends_without_preflight_is_not_executed(server: Server, headers: dict[str, str]) -> None:
    answer = httpx.post(server.url, content=b'{"query": "{ viewer { role } }"}', headers=headers)
    assert answer.status_code == 415
    assert "data" not in answer.json()


def test_pages_of_other_sites_get_no_permission(server: Server) -> None:
    foreign = {"origin": "https://elsewhere.example", "access-control-request-method": "POST"}
    preflight = httpx.options(server.url, headers={**foreign, "access-control-request-headers": "authorization"})
    assert preflight.status_code == 405
    asked = httpx.post(server.url, json={"query": "{ __typename }"}, headers={"origin": "https://elsewhere.example"})
    for answer in (preflight, asked):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_answers_are_not_to_be_framed_sniffed_or_kept(server: Server) -> None:
    headers: Any = httpx.post(server.url, json={"query": "{ __typename }"}).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"

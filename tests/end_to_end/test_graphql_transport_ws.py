"""graphql-transport-ws against the real server: what the protocol says, and what breaks other servers."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets

from resolvers.context import Viewer
from sources.records import Role
from support.back_ends import Urls
from support.servers import Server, serving
from support.sockets import SUBPROTOCOL, Socket, bare, connected

FINE = "{ __typename }"
FOREVER = "subscription { contactRegistered { cursor } }"
BRIEF = Viewer(Role.AGENT, "brief")


@pytest.fixture(scope="module")
def listed(sqlite_urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that welcomes the pages of one other site."""
    directory = tmp_path_factory.mktemp("listed")
    with serving(sqlite_urls, directory, OMNILOKET_LIVE__ORIGINS='["https://portaal.example"]') as running:
        yield running


async def test_queries_are_answered_and_completed(server: Server) -> None:
    async with connected(server, server.agent) as socket:
        assert socket.raw.subprotocol == SUBPROTOCOL
        await socket.subscribe("a", "query Q($n: Int) { contacts(first: $n) { edges { node { id } } } }", n=2)
        answer = await socket.event("a")
        assert len(answer["data"]["contacts"]["edges"]) == 2
        assert await socket.receive() == {"id": "a", "type": "complete"}
        await socket.subscribe("a", FINE)
        assert await socket.event("a") == {"data": {"__typename": "Query"}}


async def test_the_handshakes_own_header_is_as_good_as_the_payload(server: Server) -> None:
    headers = {"Authorization": f"Bearer {server.agent}", "Omniloket-Purpose": "intake"}
    async with websockets.connect(
        server.socket_url, subprotocols=[websockets.Subprotocol(SUBPROTOCOL)], additional_headers=headers
    ) as raw:
        await raw.send('{"type": "connection_init"}')
        assert "connection_ack" in await raw.recv()
        await raw.send('{"id": "1", "type": "subscribe", "payload": {"query": "{ viewer { role } }"}}')
        assert '"AGENT"' in await raw.recv()


@pytest.mark.parametrize("offered", [[], ["graphql-ws"], ["something"]])
async def test_other_subprotocols_are_refused(server: Server, offered: list[Any]) -> None:
    async with bare(server, offered) as socket:
        assert await socket.closed() == (4406, "Subprotocol not acceptable")


async def test_the_legacy_subprotocol_does_not_win_when_it_is_offered_first(server: Server) -> None:
    async with bare(server, ["graphql-ws", SUBPROTOCOL]) as socket:
        assert socket.raw.subprotocol == SUBPROTOCOL


@pytest.mark.parametrize(
    "message",
    [
        "null",
        "[]",
        '"x"',
        "1",
        "true",
        "nonsense",
        "",
        "[" * 50_000,
        '{"type": ' * 10_000,
        b"{}",
        b"\xff\xfe",
        "{}",
        '{"type": null}',
        '{"type": []}',
        '{"type": "start"}',
        '{"type": "connection_terminate"}',
        '{"type": "connection_ack"}',
        '{"type": "next", "id": "a", "payload": {}}',
        '{"type": "ping", "payload": "x"}',
        '{"type": "pong", "payload": 1}',
        '{"type": "connection_init", "payload": []}',
        '{"type": "complete"}',
        '{"type": "complete", "id": 1}',
    ],
    ids=lambda message: str(message)[:40],
)
async def test_what_is_no_message_closes_with_4400(server: Server, message: str | bytes) -> None:
    async with bare(server) as socket:
        await socket.send(message)
        code, reason = await socket.closed()
        assert code == 4400
        assert reason


@pytest.mark.parametrize(
    "message",
    [
        {"type": "subscribe", "payload": {"query": FINE}},
        {"id": "", "type": "subscribe", "payload": {"query": FINE}},
        {"id": 1, "type": "subscribe", "payload": {"query": FINE}},
        {"id": None, "type": "subscribe", "payload": {"query": FINE}},
        {"id": "a", "type": "subscribe"},
        {"id": "a", "type": "subscribe", "payload": []},
        {"id": "a", "type": "subscribe", "payload": {}},
        {"id": "a", "type": "subscribe", "payload": {"query": 1}},
        {"id": "a", "type": "subscribe", "payload": {"query": FINE, "variables": [1]}},
        {"id": "a", "type": "subscribe", "payload": {"query": FINE, "operationName": 1}},
        {"id": "a", "type": "subscribe", "payload": {"query": FINE, "extensions": "x"}},
    ],
    ids=lambda message: str(message)[:70],
)
async def test_a_malformed_subscribe_closes_with_4400(server: Server, message: Any) -> None:
    async with connected(server) as socket:
        await socket.send(message)
        assert (await socket.closed())[0] == 4400


async def test_subscribing_before_the_acknowledgement_is_4401(server: Server) -> None:
    async with bare(server) as socket:
        await socket.subscribe("a", FINE)
        assert await socket.closed() == (4401, "Unauthorized")


@pytest.mark.parametrize("payload", [{"Authorization": "Bearer x"}, {"authorization": "x"}, {"Authorization": 1}])
async def test_a_token_that_does_not_hold_is_4403(server: Server, payload: Any) -> None:
    async with bare(server) as socket:
        await socket.send({"type": "connection_init", "payload": payload})
        assert await socket.closed() == (4403, "Forbidden")


async def test_a_second_connection_init_is_4429(server: Server) -> None:
    async with connected(server) as socket:
        await socket.send({"type": "connection_init"})
        assert await socket.closed() == (4429, "Too many initialisation requests")


@pytest.mark.parametrize("operation", ["a", "x" * 500, "ë" * 100], ids=["short", "long", "wide"])
async def test_an_id_that_is_in_use_is_4409_however_long(server: Server, operation: str) -> None:
    async with connected(server, server.agent) as socket:
        await socket.subscribe(operation, FOREVER)
        await socket.subscribe(operation, FOREVER)
        code, reason = await socket.closed()
        assert code == 4409
        assert reason.startswith("Subscriber for ")
        assert len(reason.encode()) <= 123


async def test_a_socket_that_never_introduces_itself_is_4408(sqlite_urls: Urls, tmp_path: Path) -> None:
    with serving(sqlite_urls, tmp_path, OMNILOKET_LIVE__INIT_TIMEOUT_SECONDS="0.3") as server:
        async with bare(server) as socket:
            await socket.send({"type": "ping"})
            assert await socket.closed() == (4408, "Connection initialisation timeout")


async def test_pings_are_answered(server: Server) -> None:
    async with connected(server) as socket:
        await socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}
        await socket.send({"type": "ping", "payload": {"a": 1}})
        assert await socket.receive() == {"type": "pong", "payload": {"a": 1}}
        await socket.send({"type": "pong"})
        assert await socket.silent()


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": FINE, "operationName": "B"}, "BAD_USER_INPUT"),
        ({"query": "query Q($n: Int!) { contacts(first: $n) { totalCount } }"}, "BAD_USER_INPUT"),
        ({"query": "subscription { a: contactRegistered { cursor } b: contactRegistered { cursor } }"}, None),
        ({"query": 'subscription { reportStatusChanged(report: {number: "x"}) { cursor } }'}, "NOT_FOUND"),
        ({"query": 'subscription { journeyUpdated(id: "x") { cursor } }'}, "NOT_FOUND"),
        ({"query": 'subscription { contactRegistered(after: "x") { cursor } }'}, "BAD_USER_INPUT"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_what_is_wrong_with_an_operation_ends_only_that_operation(
    server: Server, payload: Any, code: str | None
) -> None:
    async with connected(server, server.agent) as socket:
        await socket.send({"id": "a", "type": "subscribe", "payload": payload})
        assert await socket.errors("a") == [code or "GRAPHQL_VALIDATION_FAILED"]
        await socket.subscribe("a", FINE)
        assert await socket.event("a") == {"data": {"__typename": "Query"}}


async def test_a_role_that_may_not_watch_is_told_so(server: Server) -> None:
    async with connected(server) as socket:
        await socket.subscribe("a", FOREVER)
        assert await socket.errors("a") == ["FORBIDDEN"]


async def test_a_citizen_cannot_watch_what_is_not_theirs(server: Server) -> None:
    async with connected(server, server.citizen("999990019")) as socket:
        for number in ("PL0100-2026000001", "PL1700-1999000001"):
            query = "subscription S($n: String!) { reportStatusChanged(report: {number: $n}) { cursor } }"
            await socket.subscribe("a", query, n=number)
            assert await socket.errors("a") == ["NOT_FOUND"]


async def test_a_socket_runs_a_bounded_number_of_operations(sqlite_urls: Urls, tmp_path: Path) -> None:
    with serving(sqlite_urls, tmp_path, OMNILOKET_LIVE__OPERATIONS_PER_SOCKET="2") as server:
        async with connected(server, server.agent) as socket:
            await socket.subscribe("a", FOREVER)
            await socket.subscribe("b", FOREVER)
            await socket.subscribe("c", FOREVER)
            assert await socket.errors("c") == ["LIMIT_EXCEEDED"]
            await socket.send({"id": "a", "type": "complete"})
            await socket.subscribe("c", FOREVER)
            assert await socket.silent()


async def test_a_message_beyond_the_limit_closes_the_socket(sqlite_urls: Urls, tmp_path: Path) -> None:
    with serving(sqlite_urls, tmp_path, OMNILOKET_LIVE__MAX_MESSAGE_BYTES="2000") as server:
        async with connected(server) as socket:
            message = '{"type": "ping", "payload": {"a": ""}}'
            await socket.send(message.replace('""', '"' + "x" * (2000 - len(message)) + '"'))
            assert (await socket.receive())["type"] == "pong"
            await socket.send(message.replace('""', '"' + "x" * (2001 - len(message)) + '"'))
            assert (await socket.closed())[0] == 1009


async def test_a_silent_socket_closes_when_its_token_expires(server: Server) -> None:
    async with connected(server, server.token(BRIEF, valid_seconds=2)) as socket:
        await socket.subscribe("a", FOREVER)
        assert await socket.closed() == (4403, "Forbidden")


async def test_a_newer_token_in_a_ping_keeps_a_socket_open(server: Server) -> None:
    async with connected(server, server.token(BRIEF, valid_seconds=2)) as socket:
        await socket.subscribe("a", FOREVER)
        await socket.send({"type": "ping", "payload": {"Authorization": f"Bearer {server.token(BRIEF)}"}})
        assert await socket.receive() == {"type": "pong"}
        assert await socket.silent(2.5)
        await socket.subscribe("b", "{ viewer { role } }")
        assert await socket.event("b") == {"data": {"viewer": {"role": "AGENT"}}}


@pytest.mark.parametrize(
    "another",
    [Viewer(Role.AGENT, "another"), Viewer(Role.AGENT, "brief", clearance=True), Viewer(Role.SUPERVISOR, "brief")],
    ids=["another subject", "other claims", "another role"],
)
async def test_a_token_that_says_something_else_closes_the_socket(server: Server, another: Viewer) -> None:
    async with connected(server, server.token(BRIEF)) as socket:
        await socket.send({"type": "ping", "payload": {"authorization": f"Bearer {server.token(another)}"}})
        assert await socket.closed() == (4403, "Forbidden")


@pytest.mark.parametrize("payload", [{"Authorization": "Bearer x"}, {"authorization": ""}, {"Authorization": 1}])
async def test_a_ping_with_a_token_that_does_not_hold_closes_the_socket(server: Server, payload: Any) -> None:
    async with connected(server, server.agent) as socket:
        await socket.send({"type": "ping", "payload": payload})
        assert await socket.closed() == (4403, "Forbidden")


async def test_a_peer_that_gives_no_sign_of_life_is_sent_away(sqlite_urls: Urls, tmp_path: Path) -> None:
    with serving(sqlite_urls, tmp_path, OMNILOKET_LIVE__HEARTBEAT_SECONDS="0.3") as server:
        async with connected(server) as alive, connected(server) as dead:
            assert await dead.raw.recv() == '{"type":"ping"}'
            assert await alive.silent(1.5)  # but for pings, which it answers
            await asyncio.wait_for(dead.raw.wait_closed(), 10)
            assert dead.raw.close_code == 4499
            await alive.subscribe("a", FINE)
            assert await alive.event("a") == {"data": {"__typename": "Query"}}


async def test_a_peer_that_reads_nothing_is_cut_off(sqlite_urls: Urls, tmp_path: Path) -> None:
    often = {"OMNILOKET_LIVE__HEARTBEAT_SECONDS": "0.3", "OMNILOKET_LIVE__MESSAGES_PER_SECOND": "100000"}
    with serving(sqlite_urls, tmp_path, **often) as server:
        async with connected(server, compression=None) as socket, asyncio.timeout(30):
            with pytest.raises(websockets.ConnectionClosed):
                await _send_for_ever(socket, {"type": "ping", "payload": {"a": "x" * 100_000}})


@pytest.mark.parametrize(
    ("origin", "is_welcome"),
    [
        (None, True),
        ("http://127.0.0.1:{port}", True),
        ("https://127.0.0.1:{port}", True),  # a proxy ended HTTPS
        ("https://portaal.example", True),
        ("https://portaal.example.evil", False),
        ("https://portaal.example:8443", False),
        ("http://127.0.0.1", False),
        ("https://evil.example", False),
        ("null", False),
        ("", False),
    ],
)
async def test_a_page_of_another_site_may_not_connect(listed: Server, origin: str | None, *, is_welcome: bool) -> None:
    given: Any = origin and origin.format(port=listed.port)
    headers = {} if given is None else {"Origin": given}
    opening = websockets.connect(
        listed.socket_url, subprotocols=[websockets.Subprotocol(SUBPROTOCOL)], additional_headers=headers
    )
    if is_welcome:
        async with opening as raw:
            assert raw.subprotocol == SUBPROTOCOL
    else:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await opening
        assert refused.value.response.status_code == 403


async def test_a_server_that_stops_tells_its_sockets_one_after_another(sqlite_urls: Urls, tmp_path: Path) -> None:
    with serving(sqlite_urls, tmp_path, OMNILOKET_LIVE__DRAIN_SECONDS="2") as server:
        async with connected(server, server.agent) as one, connected(server, server.agent) as two:
            await one.subscribe("a", FOREVER)
            assert await one.silent(0.3)
            server.process.terminate()
            closing = [asyncio.create_task(socket.closed()) for socket in (one, two)]
            await asyncio.wait(closing, return_when=asyncio.FIRST_COMPLETED)
            with pytest.raises(ConnectionRefusedError):
                await websockets.connect(server.socket_url)
            later = next(socket for socket, task in zip((one, two), closing, strict=True) if not task.done())
            await later.send({"type": "ping"})  # it is served all the while
            assert {await task for task in closing} == {(1012, "Service restart")}
        assert server.process.wait(15) in (0, -15)
    assert "Traceback" not in server.log.read_text()


async def _send_for_ever(socket: Socket, message: Any) -> None:
    while True:
        await socket.send(message)


def test_the_server_survived_it_all(server: Server) -> None:
    assert server.process.poll() is None
    assert "Traceback" not in server.log.read_text()

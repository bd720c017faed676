"""graphql-transport-ws against the real server: what the protocol says, and what breaks other servers."""

from pathlib import Path
from typing import Any

import pytest
import websockets

from resolvers.context import Viewer
from sources.demo.people import bsns
from sources.records import Role
from support.back_ends import Urls, write
from support.servers import Server, serving
from support.sockets import SUBPROTOCOL, bare, connected

FINE = "{ __typename }"
FOREVER = "subscription { contactRegistered { cursor } }"
FIRST = next(bsns(1))


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


async def test_a_stream_does_not_outlive_its_token(own_urls: Urls, tmp_path: Path) -> None:
    directory = tmp_path / "server"
    directory.mkdir()
    with serving(own_urls, directory) as server:
        token = server.token(Viewer(Role.AGENT, "brief"), valid_seconds=2)
        async with connected(server, token) as socket:
            await socket.subscribe("a", FOREVER)
            assert await socket.silent(2.2)
            values = "('X', 'I', '2026-11-02 10:00:00.000000')"
            await write(
                own_urls["servicemodule"], f"INSERT INTO klantcontact (kanaal_cd, richting, tijdstip) VALUES {values}"
            )
            assert await socket.errors("a") == ["UNAUTHENTICATED"]


async def test_a_server_that_stops_tells_its_sockets(sqlite_urls: Urls, tmp_path: Path) -> None:
    with serving(sqlite_urls, tmp_path) as server:
        async with connected(server, server.agent) as socket:
            await socket.subscribe("a", FOREVER)
            assert await socket.silent(0.3)
            server.process.terminate()
            assert (await socket.closed())[0] == 1012
        assert server.process.wait(15) in (0, -15)
    assert "Traceback" not in server.log.read_text()


def test_the_server_survived_it_all(server: Server) -> None:
    assert server.process.poll() is None
    assert "Traceback" not in server.log.read_text()

"""The access log of a real server: a line for each operation over every transport, and nothing of what was asked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from resolvers.context import Viewer
from sources.records import Role
from support.back_ends import Urls
from support.servers import Server, serving, stop
from support.sockets import connected

BSN = "999990019"
QUERY = f'query MineAndOnlyMine {{ viewer {{ role }} citizen(by: {{ bsn: "{BSN}" }}) {{ fullName }} }}'
LIVE = "subscription MineAndOnlyMine { contactRegistered { cursor } }"


@pytest.fixture
def server(sqlite_urls: Urls, tmp_path: Path) -> Iterator[Server]:
    with serving(sqlite_urls, tmp_path, OMNILOKET_REQUESTS__BATCH="2") as running:
        yield running


def post(server: Server, body: Any, token: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token or server.agent}", "omniloket-purpose": "intake"}
    return httpx.post(server.url, json=body, headers=headers, timeout=30)


def lines_of(server: Server) -> list[dict[str, Any]]:
    """The access log, once the server has stopped."""
    stop(server.process)
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if "outcome" in line]


async def test_each_operation_has_a_line_whatever_its_transport_and_outcome(server: Server) -> None:
    answers = [
        post(server, {"query": QUERY}),
        post(server, {"query": "{ citizen(by: {}) { fullName } }"}),
        post(server, {"query": "{"}),
        post(server, {"query": 5}),
        post(server, {"query": QUERY}, token="bad"),
        post(server, [{"query": "{ viewer { role } }"}, {"query": LIVE}]),
    ]
    async with connected(server, server.agent) as socket:
        await socket.subscribe("a", QUERY)
        await socket.event("a")
        await socket.receive()
        await socket.subscribe("b", LIVE)
        assert await socket.silent()
    found = lines_of(server)
    found[5:7] = sorted(found[5:7], key=lambda line: line["outcome"])
    assert [(line["outcome"], line.get("kind"), line.get("role"), line.get("code")) for line in found] == [
        ("answered", "query", "AGENT", None),
        ("refused", None, "AGENT", "GRAPHQL_VALIDATION_FAILED"),
        ("refused", None, "AGENT", "GRAPHQL_PARSE_FAILED"),
        ("refused", None, None, "BAD_USER_INPUT"),
        ("refused", None, None, "UNAUTHENTICATED"),
        ("answered", "query", "AGENT", None),
        ("refused", None, None, "BAD_USER_INPUT"),
        ("answered", "query", "AGENT", None),
        ("began", "subscription", "AGENT", None),
    ]
    assert [line["request"] for line in found[:5]] == [each.headers["omniloket-request"] for each in answers[:5]]
    assert {line["request"] for line in found[5:7]} == {answers[5].headers["omniloket-request"]}
    assert len({line["request"] for line in found}) == len(found) - 1
    assert found[0]["purpose"] == "intake"
    assert found[0]["milliseconds"] > 0
    text = server.log.read_text()
    assert all(each not in text for each in (BSN, "MineAndOnlyMine", '127.0.0.1"', "fullName"))


async def test_an_operation_too_many_on_a_socket_has_a_line_and_an_id_of_its_own(
    sqlite_urls: Urls, tmp_path: Path
) -> None:
    with serving(sqlite_urls, tmp_path, OMNILOKET_LIVE__OPERATIONS_PER_SOCKET="1") as server:
        async with connected(server, server.agent) as socket:
            await socket.subscribe("a", LIVE)
            await socket.subscribe("b", LIVE)
            assert await socket.errors("b") == ["LIMIT_EXCEEDED"]
            await socket.send({"id": "a", "type": "complete"})
            await socket.subscribe("c", QUERY)
            await socket.event("c")
        began, refused, answered = lines_of(server)
        assert [began["outcome"], refused["outcome"], answered["outcome"]] == ["began", "refused", "answered"]
        assert (refused["code"], refused["limit"]) == ("LIMIT_EXCEEDED", "operations_per_socket")
        assert len({line["request"] for line in (began, refused, answered)}) == 3


def test_a_failure_in_the_log_names_the_request(sqlite_urls: Urls, tmp_path: Path) -> None:
    gone = {**sqlite_urls, "incidents": f"sqlite+aiosqlite:///{tmp_path / 'gone.db'}"}
    with serving(gone, tmp_path) as server:
        answer = post(server, {"query": "{ reports(first: 1) { totalCount } }"})
        assert "errors" in answer.json()
        log = [json.loads(line) for line in server.log.read_text().splitlines() if "a field failed" in line]
        assert {line["request"] for line in log} == {answer.headers["omniloket-request"]}


def test_it_can_be_switched_off(sqlite_urls: Urls, tmp_path: Path) -> None:
    with serving(sqlite_urls, tmp_path, OMNILOKET_ACCESS_LOG="false") as server:
        developer = server.token(Viewer(Role.DEVELOPER, "developer"))
        assert post(server, {"query": "{ viewer { role } }"}, developer).status_code == 200
        assert lines_of(server) == []

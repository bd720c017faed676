"""graphql-sse in its distinct connections mode, against the real server."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from omniloket.headers import COOKIE_HEADER
from resolvers.context import Viewer
from sources.records import Role
from support.back_ends import Urls, change_of, reported, write
from support.event_streams import Event, streamed
from support.running_providers import RunningProvider, issuers_of
from support.servers import Server, serving

EVENTS = "text/event-stream"
MANY = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"
FINE = "{ __typename }"
FOREVER = "subscription { contactRegistered { cursor } }"
CHANGES = "subscription C($after: String) { reportStatusChanges(after: $after) { cursor change { status } } }"
TAKEN = """
    subscription S($lastEventId: ReportWatch) {
      reportStatusChanges(filter: $lastEventId) { cursor change { status } }
    }
"""
LAG = "{ sources { name tailLagMs } }"
COMPLETE = Event("complete", None, None)


@pytest.fixture
def live(own_urls: Urls, tmp_path: Path) -> Iterator[tuple[Server, Urls]]:
    directory = tmp_path / "server"
    directory.mkdir()
    with serving(own_urls, directory, OMNILOKET_LIVE__HEARTBEAT_SECONDS="0.3") as server:
        yield server, own_urls


def post(server: Server, query: str, accept: str = EVENTS, **headers: str) -> httpx.Response:
    return httpx.post(server.url, json={"query": query}, headers={"accept": accept, **headers}, timeout=30)


def events(response: httpx.Response) -> list[tuple[str, Any]]:
    """The kinds and answers in a response that has ended."""
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    blocks = [
        dict(line.split(": ", 1) for line in block.split("\n")[:2] if ": " in line) for block in _blocks(response)
    ]
    return [(block["event"], json.loads(block["data"]) if "data" in block else None) for block in blocks]


def _blocks(response: httpx.Response) -> list[str]:
    return [block for block in response.text.split("\n\n") if block.strip(":\n")]


async def test_events_come_as_they_happen_with_their_cursors_as_ids(live: tuple[Server, Urls]) -> None:
    server, urls = live
    number, _ = await reported(urls)
    async with streamed(server, server.agent, CHANGES) as stream:
        assert stream.response.status_code == 200
        assert stream.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.response.headers["cache-control"] == "no-store"
        hearing = asyncio.create_task(stream.event())
        while stream.comments < 3:  # the server is silent no longer than its heartbeat
            await asyncio.sleep(0.05)
        await write(urls["incidents"], *change_of(number, "OPSP"))
        event = await hearing
        assert event is not None
        assert event.kind == "next"
        change = event.answer["data"]["reportStatusChanges"]
        assert change["change"] == {"status": "IN_INVESTIGATION"}
        assert event.id == change["cursor"]


@pytest.mark.parametrize(
    "query",
    [
        CHANGES,
        "subscription { reportStatusChanges { cursor change { status } } }",
        "subscription S { c: reportStatusChanges(filter: {}, after: null) { cursor change { status } } }",
        "subscription { ...F } fragment F on Subscription { reportStatusChanges { cursor change { status } } }",
        TAKEN,
    ],
    ids=["a variable", "no argument", "a literal", "a fragment", "a name that is taken"],
)
async def test_a_client_that_comes_back_goes_on_after_the_last_id(live: tuple[Server, Urls], query: str) -> None:
    server, urls = live
    number, _ = await reported(urls)
    for status in ("OPSP", "WACH", "AFGE"):
        await write(urls["incidents"], *change_of(number, status))
    ids: list[str | None] = []
    statuses: list[str] = []
    async with httpx.AsyncClient() as client:
        headers = {"authorization": f"Bearer {server.agent}", "omniloket-purpose": "intake"}
        answer = await client.post(server.url, json={"query": "{ liveCursor }"}, headers=headers)
    seen = answer.json()["data"]["liveCursor"]
    for status in ("BEOO", "OPSP"):
        await write(urls["incidents"], *change_of(number, status))
        async with streamed(server, server.agent, query, {"Last-Event-ID": seen}, after="of long ago") as stream:
            event = await stream.event()
            assert event is not None
            (change,) = event.answer["data"].values()
            statuses.append(change["change"]["status"])
            ids.append(event.id)
            seen = change["cursor"]
    assert statuses == ["UNDER_ASSESSMENT", "IN_INVESTIGATION"]
    assert len(set(ids)) == 2


async def test_an_id_that_is_no_cursor_is_bad_input(server: Server) -> None:
    async with streamed(server, server.agent, CHANGES, {"Last-Event-ID": "forged"}) as stream:
        assert _codes(await stream.answer()) == ["BAD_USER_INPUT"]
        assert await stream.rest() == [COMPLETE]


def test_a_query_is_one_event_where_nothing_else_is_accepted(server: Server) -> None:
    assert events(post(server, FINE)) == [("next", {"data": {"__typename": "Query"}}), ("complete", None)]


def test_a_query_is_json_where_that_is_accepted_too(server: Server) -> None:
    response = post(server, FINE, MANY)
    assert response.headers["content-type"].startswith("application/graphql-response+json")
    assert post(server, "{", MANY).status_code == 400
    assert post(server, FINE, f"{EVENTS}, application/json;q=0.1").json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("accept", [EVENTS, MANY, "text/*", f"{EVENTS};q=0.1, application/json"])
async def test_a_subscription_is_a_stream_where_streams_are_accepted(server: Server, accept: str) -> None:
    async with streamed(server, None, FOREVER, {"accept": accept}) as stream:
        assert stream.response.headers["content-type"].startswith(EVENTS)
        assert _codes(await stream.answer()) == ["FORBIDDEN"]
        assert await stream.rest() == [COMPLETE]


@pytest.mark.parametrize("accept", ["*/*", "application/json", f"{EVENTS};q=0, application/json"])
def test_a_subscription_is_no_stream_for_who_does_not_ask_for_one(server: Server, accept: str) -> None:
    (error,) = post(server, FOREVER, accept).json()["errors"]
    assert EVENTS in error["message"]


@pytest.mark.parametrize(
    ("query", "code"),
    [("{", "GRAPHQL_PARSE_FAILED"), ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED")],
)
def test_what_is_wrong_with_a_document_is_told_in_the_stream(server: Server, query: str, code: str) -> None:
    (kind, answer), last = events(post(server, query))
    assert (kind, _codes(answer), last) == ("next", [code], ("complete", None))


def test_what_is_no_request_and_who_is_nobody_has_a_status_of_its_own(server: Server) -> None:
    response = httpx.post(server.url, content=b"nonsense", headers={"accept": EVENTS, "content-type": "text/plain"})
    assert response.status_code == 415
    refused = post(server, FOREVER, authorization="Bearer x")
    assert (refused.status_code, _codes(refused.json())) == (401, ["UNAUTHENTICATED"])


async def test_a_stream_may_be_asked_for_by_get_but_for_personal_data(server: Server) -> None:
    headers = {"accept": EVENTS, "authorization": f"Bearer {server.agent}", "omniloket-purpose": "intake"}
    async with httpx.AsyncClient(headers=headers) as client:
        async with client.stream("GET", server.url, params={"query": FOREVER}) as response:
            assert (response.status_code, await anext(response.aiter_text())) == (200, ":\n\n")
        personal = '{ citizen(by: {bsn: "999990019"}) { id } }'
        assert (await client.get(server.url, params={"query": personal})).status_code == 405


def test_a_cookie_needs_the_header_beside_it_for_a_stream_too(sqlite_urls: Urls, tmp_path: Path) -> None:
    with serving(sqlite_urls, tmp_path, OMNILOKET_COOKIE="loket") as server:
        cookie = {"cookie": f"loket={server.citizen('999990019')}"}
        refused = httpx.get(server.url, params={"query": FOREVER}, headers={"accept": EVENTS, **cookie})
        assert refused.status_code == 400
        (first, _) = events(post(server, "{ viewer { role } }", **cookie, **{COOKIE_HEADER: "1"}))
        assert first == ("next", {"data": {"viewer": {"role": "CITIZEN"}}})


async def test_a_silent_stream_ends_when_its_token_expires(server: Server) -> None:
    token = server.token(Viewer(Role.AGENT, "brief"), valid_seconds=2)
    async with streamed(server, token, FOREVER) as stream:
        assert _codes(await stream.answer()) == ["UNAUTHENTICATED"]
        assert await stream.rest() == [COMPLETE]


async def test_a_silent_stream_ends_when_its_token_is_revoked(
    provider: RunningProvider, sqlite_urls: Urls, tmp_path: Path
) -> None:
    revoked = tmp_path / "revoked.jsonl"
    revoked.touch()
    environment = {"OMNILOKET_ISSUERS": issuers_of(provider), "OMNILOKET_REVOCATIONS_FILE": str(revoked)}
    with serving(sqlite_urls, tmp_path, **environment) as server:
        async with streamed(server, provider.token(role="agent", sub="lost"), FOREVER) as stream:
            hearing = asyncio.create_task(stream.answer())
            while not stream.comments:
                await asyncio.sleep(0.05)
            revoked.write_text(json.dumps({"issuer": provider.url, "sub": "lost"}) + "\n")
            assert _codes(await hearing) == ["UNAUTHENTICATED"]
            assert await stream.rest() == [COMPLETE]


async def test_when_a_client_goes_nothing_is_read_for_it_any_more(live: tuple[Server, Urls]) -> None:
    server, _ = live
    async with streamed(server, server.agent, FOREVER):
        while not await _is_followed(server):
            await asyncio.sleep(0.1)
    while await _is_followed(server):
        await asyncio.sleep(0.1)


async def test_a_server_that_stops_ends_streams_so_that_clients_come_back(sqlite_urls: Urls, tmp_path: Path) -> None:
    with serving(sqlite_urls, tmp_path, OMNILOKET_LIVE__DRAIN_SECONDS="1") as server:
        async with streamed(server, server.agent, FOREVER) as one, streamed(server, server.agent, FOREVER) as two:
            hearing = [asyncio.create_task(stream.rest()) for stream in (one, two)]
            while not (one.comments and two.comments):
                await asyncio.sleep(0.05)
            server.process.terminate()
            assert [await task for task in hearing] == [[], []]
            assert (one.comments, two.comments) == (2, 2)
        assert server.process.wait(15) in (0, -15)
    assert "Traceback" not in server.log.read_text()
    assert "without completing" not in server.log.read_text()


async def _is_followed(server: Server) -> bool:
    async with httpx.AsyncClient() as client:
        headers = {"authorization": f"Bearer {server.token(Viewer(Role.DEVELOPER, 'developer'))}"}
        answer = (await client.post(server.url, json={"query": LAG}, headers=headers)).json()
    return any(each["tailLagMs"] is not None for each in answer["data"]["sources"])


def _codes(answer: Any) -> list[str]:
    return [error["extensions"]["code"] for error in answer["errors"]]

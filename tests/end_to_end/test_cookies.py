"""A token in a cookie: counts only where the settings say so, and beside a header that no form can send."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from omniloket.headers import COOKIE_HEADER
from support.back_ends import Urls
from support.servers import Server, serving
from support.sockets import SUBPROTOCOL, Socket

COOKIE = "__Host-omniloket"
VIEWER = "{ viewer { role } }"
BESIDE = {COOKIE_HEADER: "1"}


@pytest.fixture(scope="module")
def taking(sqlite_urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes cookies."""
    with serving(sqlite_urls, tmp_path_factory.mktemp("cookies"), OMNILOKET_COOKIE=COOKIE) as running:
        yield running


def ask(server: Server, method: str = "POST", **headers: str) -> tuple[int, Any]:
    """The status, and the role or the code of the error."""
    given: Any = {"params": {"query": VIEWER}} if method == "GET" else {"json": {"query": VIEWER}}
    response = httpx.request(method, server.url, headers=headers, timeout=30, **given)
    answer = response.json()
    if "errors" in answer:
        return response.status_code, answer["errors"][0]["extensions"]["code"]
    return response.status_code, answer["data"]["viewer"]["role"]


def held(token: str, name: str = COOKIE) -> dict[str, str]:
    return {"cookie": f"other=x; {name}={token}"}


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_cookies_count_for_nothing_unless_the_settings_name_one(server: Server, method: str) -> None:
    assert ask(server, method, **held(server.agent), **BESIDE) == (200, "ANONYMOUS")
    assert ask(server, method, **held(server.agent)) == (200, "ANONYMOUS")


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_token_in_the_cookie_holds_beside_the_header(taking: Server, method: str) -> None:
    assert ask(taking, method, **held(taking.agent), **BESIDE) == (200, "AGENT")
    assert ask(taking, method, **held("forged"), **BESIDE) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("cookies", ["{0}={1}; other=x", "a; =b;; {0} = {1} ;", '{0}="{1}"', "{0}=old; {0}={1}"])
def test_the_cookie_is_found_among_whatever_else_there_is(taking: Server, cookies: str) -> None:
    assert ask(taking, cookie=cookies.format(COOKIE, taking.agent), **BESIDE) == (200, "AGENT")
    assert ask(taking, cookie=cookies.format("x" + COOKIE, taking.agent), **BESIDE) == (200, "ANONYMOUS")


async def test_many_quotes_in_a_cookie_hold_nobody_up(taking: Server) -> None:
    """Python's own library reads one of these for some seconds, and twenty for longer than a client waits."""
    quotes = {"cookie": f'{COOKIE}="' + '\\"' * 20_000 + '"; x="' + "\\1" * 10_000 + '"'}
    async with httpx.AsyncClient(headers={**quotes, **BESIDE}, timeout=30) as client:
        asking = [client.post(taking.url, json={"query": VIEWER}) for _ in range(20)]
        assert {answer.status_code for answer in await asyncio.gather(*asking)} == {401}


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("beside", [{}, {COOKIE_HEADER: ""}])
@pytest.mark.parametrize("token", ["", "forged"])
def test_without_the_header_the_request_is_refused_with_the_reason(
    taking: Server, method: str, beside: dict[str, str], token: str
) -> None:
    assert ask(taking, method, **held(token or taking.agent), **beside) == (400, "BAD_USER_INPUT")
    response = httpx.post(taking.url, json={"query": VIEWER}, headers={**held(token or taking.agent), **beside})
    assert f"'{COOKIE_HEADER}: 1'" in response.json()["errors"][0]["message"]


def test_an_authorization_header_wins(taking: Server) -> None:
    citizen = {"authorization": f"Bearer {taking.citizen('999990019')}"}
    assert ask(taking, **held(taking.agent), **citizen) == (200, "CITIZEN")
    assert ask(taking, **held(taking.agent), **citizen, **BESIDE) == (200, "CITIZEN")
    assert ask(taking, **held(taking.agent), **BESIDE, authorization="Bearer forged") == (401, "UNAUTHENTICATED")


def test_an_empty_cookie_and_another_one_are_none(taking: Server) -> None:
    assert ask(taking, **held("")) == (200, "ANONYMOUS")
    assert ask(taking, **held(taking.agent, "omniloket"), **BESIDE) == (200, "ANONYMOUS")
    assert ask(taking, **held(taking.agent, COOKIE.lower()), **BESIDE) == (200, "ANONYMOUS")


async def test_a_websocket_never_takes_a_cookie(taking: Server) -> None:
    headers = {**held(taking.agent), **BESIDE}
    async with websockets.connect(
        taking.socket_url, subprotocols=[websockets.Subprotocol(SUBPROTOCOL)], additional_headers=headers
    ) as raw:
        socket = Socket(raw)
        await socket.send({"type": "connection_init"})
        assert await socket.receive() == {"type": "connection_ack"}
        await socket.subscribe("1", VIEWER)
        assert (await socket.event("1"))["data"]["viewer"]["role"] == "ANONYMOUS"


def test_the_page_about_identity_names_the_header() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "identity.md"
    assert COOKIE_HEADER in page.read_text()

"""A server that is called by a name that leads to it, and is none of its own."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import websockets
from websockets.typing import Subprotocol

from support.back_ends import Urls
from support.servers import Server, serving

QUERY = {"query": "{ viewer { role } }"}


@pytest.fixture(scope="module")
def named(sqlite_urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    names = '["loket.example", "127.0.0.1", "[::1]"]'
    with serving(sqlite_urls, tmp_path_factory.mktemp("hosts"), OMNILOKET_REQUESTS__HOSTS=names) as running:
        yield running


def asked(server: Server, host: str, path: str = "/graphql") -> int:
    """The status of an answer to who calls the server by this name."""
    url = f"http://127.0.0.1:{server.port}{path}"
    if path == "/graphql":
        return httpx.post(url, json=QUERY, headers={"host": host}).status_code
    return httpx.get(url, headers={"host": host}).status_code


async def opened(server: Server, host: str) -> int:
    """The status of a handshake's refusal; 101 for a socket that opened."""
    try:
        async with websockets.connect(
            f"ws://{host}/graphql",
            host="127.0.0.1",
            port=server.port,
            subprotocols=[Subprotocol("graphql-transport-ws")],
            close_timeout=0.2,
        ):
            return 101
    except websockets.InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize("host", ["loket.example", "LOKET.example", "loket.example:443", "127.0.0.1:8000", "[::1]:80"])
async def test_its_own_names_are_answered(named: Server, host: str) -> None:
    assert asked(named, host) == 200
    assert asked(named, host, "/graphiql") == 200
    assert await opened(named, host) == 101


@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:8000", "loket.example.rebound.example", "[::2]"])
async def test_another_name_gets_nothing(named: Server, host: str) -> None:
    paths = ("/graphql", "/", "/live", "/metrics", "/nowhere")
    assert {path: asked(named, host, path) for path in paths} == dict.fromkeys(paths, 421)
    assert await opened(named, host) == 421


@pytest.mark.parametrize("host", ["", "127.0.0.1@rebound.example", "loket.example:80:80", "loket.example."])
def test_what_is_no_name_of_it_is_another(named: Server, host: str) -> None:
    assert asked(named, host) == 421


def test_a_refusal_says_why(named: Server) -> None:
    answer = httpx.post(named.url, json=QUERY, headers={"host": "rebound.example"})
    assert answer.text == "This server is not called by that name."
    assert answer.headers["content-type"].startswith("text/plain")


def test_who_looks_after_it_calls_it_by_its_address(named: Server) -> None:
    assert asked(named, "10.0.0.7:8000", "/healthz") == 200
    assert asked(named, "10.0.0.7:8000", "/readyz") == 200


def test_without_the_setting_any_name_is_its_own(sqlite_urls: Urls, tmp_path: Path) -> None:
    with serving(sqlite_urls, tmp_path) as server:
        assert asked(server, "whatever.example") == 200

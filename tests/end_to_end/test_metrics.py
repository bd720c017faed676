"""What operators see of a server: its figures, and whether it is ready."""

import re
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omniloket.readiness import READY_SECONDS
from resolvers.context import Viewer
from sources.demo.loading import PostgresDatabases
from sources.records import Role
from support.back_ends import Urls, loaded
from support.postgres import locked
from support.servers import Server, serving
from support.sockets import bare, connected

OPERATING = Path(__file__).resolve().parents[2] / "docs" / "operating.md"
ANOTHER = Viewer(Role.AGENT, "another")
LIVE = "subscription { contactRegistered { cursor } }"


@pytest.fixture(scope="module")
def watched(sqlite_urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("watched")
    with serving(sqlite_urls, directory, OMNILOKET_TRUSTED_PROXIES='["127.0.0.1"]') as running:
        yield running


@pytest.fixture(scope="module")
def narrow(sqlite_urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server where a principal has one socket, and the socket one operation."""
    bounds = {"OMNILOKET_LIVE__OPERATIONS_PER_SOCKET": "1", "OMNILOKET_LIVE__CONNECTIONS_PER_PRINCIPAL": "1"}
    with serving(sqlite_urls, tmp_path_factory.mktemp("narrow"), **bounds) as running:
        yield running


def page(server: Server, name: str = "metrics", **headers: str) -> httpx.Response:
    return httpx.get(server.url.replace("graphql", name), headers=headers, timeout=30)


def figures(server: Server) -> dict[str, float]:
    """Every series and its value."""
    lines = [line for line in page(server).text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def post(server: Server, **body: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {server.agent}", "omniloket-purpose": "intake"}
    return httpx.post(server.url, json=body, headers=headers, timeout=30)


def grown(before: dict[str, float], after: dict[str, float], name: str) -> float:
    return after.get(name, 0.0) - before.get(name, 0.0)


def refusals(code: str, limit: str = "") -> str:
    """The name of a series."""
    return f'omniloket_refusals_total{{code="{code}",limit="{limit}"}}'


def test_the_version_is_told(watched: Server) -> None:
    assert figures(watched)[f'omniloket_build_info{{version="{version("omniloket")}"}}'] == 1


async def test_what_is_asked_is_counted_by_kind_and_outcome(watched: Server) -> None:
    before = figures(watched)
    for _ in range(3):
        assert post(watched, query="{ channels { code } }").status_code == 200
    assert "errors" in post(watched, query="{ contacts(first: 101) { totalCount } }").json()
    async with connected(watched, watched.agent) as socket:
        await socket.subscribe("a", "{ channels { code } }")
        await socket.event("a")
        await socket.receive()
        await socket.subscribe("b", LIVE)
        assert await socket.silent()
        during = figures(watched)
        assert (during["omniloket_sessions"], during["omniloket_streams"]) == (1, 1)
    for query, code in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ " + "channels { code } " * 30 + "}", "LIMIT_EXCEEDED"),
        (5, "BAD_USER_INPUT"),
    ]:
        refused = post(watched, query=query)
        assert refused.json()["errors"][0]["extensions"]["code"] == code
        limit = "root_fields" if code == "LIMIT_EXCEEDED" else ""
        assert grown(before, figures(watched), refusals(code, limit)) == 1
    after = figures(watched)
    seconds = "omniloket_operation_seconds_count"
    assert grown(before, after, f'{seconds}{{document="other",kind="query",outcome="answered"}}') == 4
    assert grown(before, after, f'{seconds}{{document="other",kind="query",outcome="errors"}}') == 1
    assert grown(before, after, 'omniloket_source_statements_total{source="servicemodule"}') >= 4
    assert after['omniloket_source_resting{source="persons"}'] == 0
    assert after["process_cpu_seconds_total"] > before["process_cpu_seconds_total"]


async def test_an_operation_too_many_on_a_socket_is_counted(narrow: Server) -> None:
    before = figures(narrow)
    async with connected(narrow, narrow.agent) as socket:
        await socket.subscribe("a", LIVE)
        await socket.subscribe("b", LIVE)
        assert await socket.errors("b") == ["LIMIT_EXCEEDED"]
    assert grown(before, figures(narrow), refusals("LIMIT_EXCEEDED", "operations_per_socket")) == 1


async def test_a_socket_too_many_is_counted(narrow: Server) -> None:
    before = figures(narrow)
    async with connected(narrow, narrow.token(ANOTHER)), bare(narrow) as socket:
        payload = {"Authorization": f"Bearer {narrow.token(ANOTHER)}"}
        await socket.send({"type": "connection_init", "payload": payload})
        assert (await socket.closed())[0] == 4429
    assert grown(before, figures(narrow), refusals("LIMIT_EXCEEDED", "connections_per_principal")) == 1


def test_a_subscription_of_which_no_stream_is_wanted_is_counted(narrow: Server) -> None:
    before = figures(narrow)
    assert post(narrow, query=LIVE).json()["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}
    assert grown(before, figures(narrow), refusals("BAD_USER_INPUT")) == 1


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{2,20}", fullmatch=True))
def test_nothing_that_a_client_sends_becomes_a_label(watched: Server, name: str) -> None:
    post(watched, query=f"query {name} {{ viewer {{ role }} }}", operationName=name)
    post(watched, query=f"query {name} {{ {name} }}")
    assert f'"{name}"' not in page(watched).text


def test_no_more_than_operators_see_them(watched: Server) -> None:
    assert page(watched).status_code == 200
    assert page(watched, **{"x-forwarded-for": "192.0.2.1"}).status_code == 404


def test_every_figure_is_in_the_manual_and_nothing_else(watched: Server) -> None:
    post(watched, query="{ viewer { role } }")
    post(watched, query="{")
    served = set(re.findall(r"^# TYPE (omniloket_\w+)", page(watched).text, re.MULTILINE))
    served = {name.removesuffix("_created") for name in served if not name.endswith("_created")}
    assert set(re.findall(r"^\| `(omniloket_\w+)`", OPERATING.read_text(), re.MULTILINE)) == served


async def test_a_server_is_ready_without_a_source_that_is_not_required(postgres: str, tmp_path: Path) -> None:
    urls = loaded(PostgresDatabases(postgres, "omniloket_ready"))
    optional = {"OMNILOKET_SOURCES__PERSONS__REQUIRED": "false"}
    with serving(urls, tmp_path, **optional) as server:
        assert page(server, "readyz").json()["ready"] is True
        sent, began = _statements(server), time.monotonic()
        assert {page(server, "readyz").status_code for _ in range(100)} == {200}
        looks = 2 + (time.monotonic() - began) / READY_SECONDS
        assert _statements(server) - sent <= 4 * looks, "asking often is no flood of statements"
        async with locked(urls["persons"], "persoon"):
            assert await _ready_with(server, "persons") == 200
        async with locked(urls["incidents"], "incident"):
            assert await _ready_with(server, "incidents") == 503


async def _ready_with(server: Server, missing: str) -> int:
    """The status once a source is told to be unavailable."""
    while (found := page(server, "readyz")).json()["sources"][missing] == "good":
        pass
    return found.status_code


def _statements(server: Server) -> float:
    return sum(value for name, value in figures(server).items() if name.startswith("omniloket_source_statements_total"))

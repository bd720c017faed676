"""Pages of other sites: those that are named may ask over HTTP, with a token; no others."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.back_ends import Urls
from support.browsers import browsing, in_a_browser
from support.servers import Server, serving

NAMED, STRANGER = "https://portaal.example", "https://elsewhere.example"
QUERY = {"query": "{ viewer { role } }"}


@pytest.fixture(scope="module")
def opened(sqlite_urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("origins")
    with serving(sqlite_urls, directory, OMNILOKET_REQUESTS__ORIGINS=f'["{NAMED}"]') as running:
        yield running


def preflight(server: Server, origin: str, headers: str = "authorization,content-type") -> httpx.Response:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": headers, "origin": origin}
    return httpx.request("OPTIONS", server.url, headers=asked)


def shown_to(answer: httpx.Response) -> str | None:
    """Whose pages a browser lets read an answer."""
    return answer.headers.get("access-control-allow-origin")


def test_a_page_of_a_named_site_may_ask_and_read(opened: Server) -> None:
    allowed = preflight(opened, NAMED, "authorization,content-type,omniloket-purpose,last-event-id")
    assert (allowed.status_code, shown_to(allowed)) == (200, NAMED)
    assert "access-control-allow-credentials" not in allowed.headers
    answer = httpx.post(opened.url, json=QUERY, headers={"origin": NAMED, "authorization": f"Bearer {opened.agent}"})
    assert answer.json() == {"data": {"viewer": {"role": "AGENT"}}}
    assert shown_to(answer) == NAMED
    assert "Omniloket-Request" in answer.headers["access-control-expose-headers"]
    refused = httpx.post(opened.url, json={"query": "{"}, headers={"origin": NAMED})
    assert (refused.status_code, shown_to(refused)) == (400, NAMED)


def test_others_are_told_no(opened: Server) -> None:
    assert preflight(opened, STRANGER).status_code == 400
    assert preflight(opened, NAMED, "omniloket-cookie").status_code == 400
    assert shown_to(httpx.post(opened.url, json=QUERY, headers={"origin": STRANGER})) is None


def test_without_the_setting_there_are_no_others(sqlite_urls: Urls, tmp_path: Path) -> None:
    with serving(sqlite_urls, tmp_path) as server:
        assert preflight(server, NAMED).status_code == 405
        answer = httpx.post(server.url, json=QUERY, headers={"origin": NAMED})
        assert not [name for name in answer.headers if name.startswith("access-control")]


NO_ICON = "status of 404"
"""A browser asks for a page's icon, and complains that there is none."""

ASK = """
    async ([url, token]) => {
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      try {
        const answer = await fetch(url, { method: "POST", headers, body: '{"query": "{ viewer { role } }"}' });
        return [(await answer.json()).data.viewer.role, answer.headers.has("Omniloket-Request")];
      } catch (error) {
        return [error.name, false];
      }
    }
"""


@in_a_browser
async def test_a_browser_lets_the_pages_of_a_named_site_ask_and_no_others(sqlite_urls: Urls, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with serving(sqlite_urls, first) as site:
        origin = site.url.removesuffix("/graphql")
        with serving(sqlite_urls, second, OMNILOKET_REQUESTS__ORIGINS=f'["{origin}"]') as server:
            async with browsing(f"{origin}/healthz") as watched:
                assert await watched.page.evaluate(ASK, [server.url, server.agent]) == ["AGENT", True]
                await watched.hear(NO_ICON)
                assert not [each for each in watched.take_complaints() if "CORS" in each]
            async with browsing(server.url.replace("graphql", "healthz")) as watched:
                assert await watched.page.evaluate(ASK, [site.url, site.agent]) == ["TypeError", False]
                await watched.hear(NO_ICON, "net::ERR_FAILED")
                assert [each for each in watched.take_complaints() if "CORS" in each]

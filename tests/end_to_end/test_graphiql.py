"""GraphiQL in a real browser, against the real server."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from sources.demo.loading import SqliteFiles
from support.back_ends import Urls, change_of, loaded, reported, write
from support.browsers import browsing, in_a_browser
from support.houses import QUERIES
from support.servers import Server, serving

pytestmark = in_a_browser

SCREENSHOT = os.environ.get("OMNILOKET_SCREENSHOT")
"""Where to put a picture of the live subscription, if anywhere: `make screenshot`."""

QUERY = ".graphiql-query-editor"
RESPONSE = ".result-window"
TOOL = ".graphiql-editor-tool .graphiql-editor:not(.hidden)"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[Server, Urls]]:
    urls = loaded(SqliteFiles(tmp_path))
    directory = tmp_path / "server"
    directory.mkdir()
    with serving(urls, directory) as server:
        yield server, urls


def root(server: Server, fragment: str = "") -> str:
    return f"http://127.0.0.1:{server.port}/{fragment}"


async def ready(page: Page) -> None:
    """Waits for the editors, which come after the page around them."""
    for editor in (QUERY, TOOL, RESPONSE):
        await expect(page.locator(f"{editor} .view-lines")).to_be_visible()


async def open_tab(page: Page, name: str) -> None:
    await ready(page)
    await page.get_by_role("tab", name=name).click()
    await expect(page.locator(QUERY)).to_contain_text(name)


async def empty(page: Page, editor: str) -> None:
    """Selects what an editor holds, so that the next input takes its place."""
    await page.locator(f"{editor} .view-lines").click()
    await page.keyboard.press("ControlOrMeta+a")


async def paste_in(page: Page, tool: str, values: dict[str, str]) -> None:
    """Pastes JSON over the variables or headers, as people do with a token."""
    await page.get_by_role("button", name=tool).click()
    await empty(page, TOOL)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.evaluate("text => navigator.clipboard.writeText(text)", json.dumps(values))
    await page.keyboard.press("ControlOrMeta+v")


async def run(page: Page) -> None:
    await page.get_by_role("button", name="Execute query").click()


def response(page: Page) -> Locator:
    return page.locator(RESPONSE)


async def changed(page: Page, urls: Urls, number: str, status: str, label: str) -> None:
    """The register writes a status until the page shows it: nobody can see when a subscription has begun."""
    for _ in range(20):
        await write(urls["incidents"], *change_of(number, status))
        with suppress(AssertionError):
            await expect(response(page)).to_contain_text(label, timeout=1000)
            return
    raise AssertionError(f"{label} did not arrive")


async def test_a_query_is_typed_and_answered_and_kept_in_the_history(server: Server) -> None:
    async with browsing(root(server)) as watched:
        page = watched.page
        await ready(page)
        await page.get_by_role("button", name="New tab").click()
        await empty(page, QUERY)
        await page.keyboard.type("query Mine { viewer { role unit } }")
        await paste_in(page, "Headers", {"Authorization": f"Bearer {server.agent}", "Omniloket-Purpose": "intake"})
        await run(page)
        await expect(response(page)).to_contain_text('"role": "AGENT"')
        await page.get_by_role("button", name="Show History").click()
        await expect(page.locator(".graphiql-history-item")).to_contain_text("Mine")


async def test_the_documentation_is_there_without_a_token(server: Server) -> None:
    async with browsing(root(server)) as watched:
        page = watched.page
        await page.get_by_role("button", name="Show Documentation Explorer").click()
        await page.get_by_role("link", name="Query", exact=True).click()
        await expect(page.locator(".graphiql-doc-explorer")).to_contain_text("viewer")


async def test_a_link_with_tokens_makes_the_ready_queries_run(live: tuple[Server, Urls]) -> None:
    server, urls = live
    _, bsn = await reported(urls)
    async with browsing(root(server)) as watched:
        page = watched.page
        await ready(page)
        await page.goto(root(server, f"#citizen={server.citizen(bsn)}&agent={server.agent}"))
        await expect(page.locator(TOOL)).to_contain_text("Bearer eyJ")
        for name in ("CitizenPortal", "AgentsScreen", "ThinChannel", "JourneyTimeline"):
            await open_tab(page, name)
            await run(page)
            await expect(response(page)).to_contain_text('"data"')
            await expect(response(page)).not_to_contain_text('"errors"')
        assert page.url == root(server)
        assert await page.evaluate("localStorage.length") == 0
        while "id" not in await page.evaluate("sessionStorage['graphiql:variables'] ?? ''"):
            await page.wait_for_timeout(100)
        await page.reload()
        await ready(page)
        await run(page)
        await expect(response(page)).to_contain_text('"timeline"')


async def test_without_a_token_the_first_query_is_one_that_needs_none(server: Server) -> None:
    async with browsing(root(server)) as watched:
        page = watched.page
        await ready(page)
        await expect(page.locator(TOOL)).not_to_contain_text("Authorization")
        await run(page)
        await expect(response(page)).to_contain_text('"channels"')
        await expect(response(page)).not_to_contain_text('"errors"')
        await open_tab(page, "CitizenPortal")
        await run(page)
        await expect(response(page)).to_contain_text('"FORBIDDEN"')


async def test_every_query_of_the_docs_opens_as_a_tab(server: Server) -> None:
    async with browsing(root(server, f"#agent={server.agent}")) as watched:
        await expect(watched.page.get_by_role("tab")).to_have_count(len(list(QUERIES.glob("*.graphql"))))


async def test_a_live_status_arrives_as_the_register_writes_it(live: tuple[Server, Urls]) -> None:
    server, urls = live
    number, bsn = await reported(urls)
    async with browsing(root(server, f"#citizen={server.citizen(bsn)}")) as watched:
        page = watched.page
        await open_tab(page, "LiveStatus")
        await paste_in(page, "Variables", {"number": number})
        async with page.expect_websocket() as opening:
            await run(page)
        socket = await opening.value
        await changed(page, urls, number, "OPSP", "In onderzoek")
        await changed(page, urls, number, "WACH", "Wacht op aanvullende informatie")
        if SCREENSHOT:
            await page.mouse.move(1000, 600)  # the scroll bars go with the pointer
            await page.wait_for_timeout(2000)
            await page.screenshot(path=SCREENSHOT)
        async with socket.expect_event("close"):
            await page.get_by_role("button", name="Stop query").click()


async def test_a_token_that_does_not_hold_is_told_in_words(server: Server) -> None:
    async with browsing(root(server, "#citizen=broken")) as watched:
        page = watched.page
        await ready(page)
        await run(page)
        await expect(response(page)).to_contain_text('"UNAUTHENTICATED"')
        await open_tab(page, "LiveStatus")
        await run(page)
        await expect(response(page)).to_contain_text("4403 Forbidden")
        await expect(response(page)).to_contain_text('"UNAUTHENTICATED"')
        complaints = watched.take_complaints()
        assert complaints
        assert all("status of 401" in complaint for complaint in complaints)

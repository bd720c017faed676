"""The page at /live in a real browser: it is loaded anew in mid-stream, and shows each change once all the same."""

from pathlib import Path

from playwright.async_api import expect

from resolvers.context import Viewer
from sources.records import Role
from support.back_ends import Urls, reported
from support.browsers import browsing, in_a_browser
from support.registers import written
from support.servers import Server, serving

pytestmark = in_a_browser

WRITTEN = 40


async def test_a_reload_in_mid_stream_loses_nothing_and_shows_nothing_twice(own_urls: Urls, tmp_path: Path) -> None:
    number, _ = await reported(own_urls)
    directory = tmp_path / "server"
    directory.mkdir()
    with serving(own_urls, directory) as server:
        async with browsing(f"http://127.0.0.1:{server.port}/live#agent={server.agent}") as watched:
            page, rows = watched.page, watched.page.locator("#changes li")
            await expect(page.locator("#state")).to_contain_text("0 changes")
            assert page.url.endswith("/live")

            async def reload() -> None:
                await expect(rows.nth(2)).to_be_visible()
                await page.reload()

            told = await written(own_urls["incidents"], number, WRITTEN, {10: reload, 20: reload, 30: reload})
            await expect(rows).to_have_count(WRITTEN, timeout=10_000)
            instants = await page.locator("#changes time").evaluate_all("times => times.map(time => time.dateTime)")
            assert instants == told
            await expect(page.locator("#state")).to_contain_text(f"{WRITTEN} changes")


async def test_a_token_that_has_ended_is_told_of_and_another_link_goes_on(server: Server) -> None:
    viewer = Viewer(Role.AGENT, "brief", unit="PL1700")
    async with browsing(f"http://127.0.0.1:{server.port}/live") as watched:
        state = watched.page.locator("#state")
        await expect(state).to_contain_text("#agent=")
        short = server.token(viewer, valid_seconds=6)  # from when the browser is up, which may take its time
        await watched.page.goto(f"http://127.0.0.1:{server.port}/live#agent={short}")
        await expect(state).to_contain_text("0 changes")
        await expect(state).to_contain_text("The token does not hold.", timeout=20_000)
        await watched.page.goto(f"http://127.0.0.1:{server.port}/live#agent={server.agent}")
        await expect(state).to_contain_text("0 changes")
        assert watched.page.url.endswith("/live")


async def test_without_a_token_the_page_says_where_it_goes(server: Server) -> None:
    async with browsing(f"http://127.0.0.1:{server.port}/live") as watched:
        await expect(watched.page.locator("#state")).to_contain_text("#agent=")


async def test_a_token_that_never_held_is_told_of(server: Server) -> None:
    async with browsing(f"http://127.0.0.1:{server.port}/live#agent=broken") as watched:
        await expect(watched.page.locator("#state")).to_have_text(
            "The token does not hold. A link with another one goes on from here.", timeout=10_000
        )
        await watched.page.wait_for_timeout(1500)  # nothing is tried after that
        await expect(watched.page.locator("#state")).to_contain_text("The token does not hold.")

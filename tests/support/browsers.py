"""A real browser that reaches loopback alone, and whose every complaint fails the test."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import ConsoleMessage, Page, async_playwright

from omniloket.graphiql import BUNDLE

CHROMIUM = Path("/usr/bin/chromium")

in_a_browser = pytest.mark.skipif(
    not CHROMIUM.is_file() and not os.environ.get("CI"),
    reason=f"there is no {CHROMIUM}: apt-get install --no-install-recommends chromium",
)
"""Leaves tests out where there is no Chromium, and says so. In CI they run, and fail without it."""

_FLAGS = [
    "--no-sandbox",  # as root there is none to have
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


class Watched:
    """A page, with what it asked of other hosts and what it complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.strangers: list[str] = []
        self.complaints: list[str] = []
        page.context.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda socket: self._asked(socket.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self.strangers.append(url)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    async def hear(self, *parts: str) -> None:
        """Waits until there is a complaint with each of these in it: a browser may be late with them."""
        async with asyncio.timeout(10):
            while not all(any(part in each for each in self.complaints) for part in parts):
                await asyncio.sleep(0.01)

    def take_complaints(self) -> list[str]:
        """The complaints until now, which the test expects."""
        taken, self.complaints = self.complaints, []
        return taken


@asynccontextmanager
async def browsing(url: str) -> AsyncIterator[Watched]:
    """A page at an address, in a fresh browser."""
    assert (BUNDLE / "index.html").is_file(), "GraphiQL is not built: make graphiql"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        watched = Watched(page)
        await page.goto(url)
        yield watched
        await browser.close()
    assert watched.strangers == []
    assert watched.complaints == []

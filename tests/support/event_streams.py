"""A client of Server-Sent Events, as thin as can be."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from support.servers import Server


@dataclass(frozen=True)
class Event:
    """One event. `answer` is its data, which is JSON or nothing."""

    kind: str
    answer: Any
    id: str | None


class EventStream:
    """A response as its events; comments are counted, and what ends it is told by the last event."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.comments = 0
        self._events = self._read()

    async def event(self, timeout: float = 10) -> Event | None:
        """The next event; None at the end of the response."""
        return await asyncio.wait_for(anext(self._events, None), timeout)

    async def answer(self) -> Any:
        """What the `next` event says that must come now."""
        event = await self.event()
        assert event is not None
        assert event.kind == "next", event
        return event.answer

    async def rest(self) -> list[Event]:
        """All that comes until the server ends the response."""
        async with asyncio.timeout(10):
            return [event async for event in self._events]

    async def _read(self) -> AsyncIterator[Event]:
        text = ""
        async for more in self.response.aiter_text():
            assert "\r" not in more
            *blocks, text = (text + more).split("\n\n")
            for block in blocks:
                if block.startswith(":"):
                    self.comments += 1
                else:
                    yield _event(block)
        assert text == ""


def _event(block: str) -> Event:
    fields = dict(line.partition(":")[::2] for line in block.split("\n"))
    data = fields["data"].strip()
    return Event(fields["event"].strip(), json.loads(data) if data else None, fields.get("id", "").strip() or None)


@asynccontextmanager
async def streamed(
    server: Server, token: str | None, query: str, headers: Mapping[str, str] | None = None, **variables: Any
) -> AsyncGenerator[EventStream]:
    """A stream that has begun, by POST."""
    given = {"accept": "text/event-stream", **(headers or {})}
    if token:
        given |= {"authorization": f"Bearer {token}", "omniloket-purpose": "intake"}
    body = {"query": query, "variables": variables}
    async with (
        httpx.AsyncClient(timeout=30) as client,
        client.stream("POST", server.url, json=body, headers=given) as response,
    ):
        yield EventStream(response)

"""The whole application in the test's own process: every byte that it answers, over HTTP and over a socket."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
from sqlalchemy import make_url
from starlette.applications import Starlette

from omniloket.app import application
from omniloket.headers import RAW_REQUEST_HEADER
from resolvers.live import CONTACTS, JOURNEYS, STATUSES
from resolvers.live_cursors import sealed_for_every_field
from sources.ports import Mark
from sources.records import Key
from sources.sql.incidents import INCIDENT_STATUS
from sources.sql.journeys import NEWS
from sources.sql.servicemodule import KLANTCONTACT
from subscriptions.hub import Event, Hub, Standing
from support.askers import KEY, Asker
from support.back_ends import SEALER, Urls
from support.houses import settings
from support.small_world import World
from support.sockets import SUBPROTOCOL

_LAST = ("complete", "error")
URL = "http://127.0.0.1/graphql"


class HistoryHub(Hub):
    """A hub whose streams end where the logs ended when they began, so that a test knows when it has heard all."""

    @asynccontextmanager
    async def follow(
        self, after: Mapping[str, Mark | None], *, until_now: bool = False, subject: Key | None = None
    ) -> AsyncGenerator[AsyncIterator[Event]]:
        ends = {name: end for name, end in (await self.ends()).items() if name in after}
        start = {name: mark or ends[name] for name, mark in after.items()}
        async with super().follow(start, until_now=until_now) as events:
            yield _until(ends, start, events)


async def _until(
    ends: Mapping[str, Mark], start: Mapping[str, Mark], events: AsyncIterator[Event]
) -> AsyncIterator[Event]:
    positions = start
    while positions != ends:
        event = await anext(events)
        yield event
        positions = event.positions


def from_the_beginning(urls: Urls) -> str:
    """The cursor of one who has seen nothing of the logs in some files."""
    tables = {STATUSES: ("incidents", INCIDENT_STATUS), CONTACTS: ("servicemodule", KLANTCONTACT)}
    positions: dict[str, Mark | None] = {}
    for log, (source, table) in {**tables, JOURNEYS: ("journeys", NEWS)}.items():
        file = Path(str(make_url(urls[source]).database)).name
        positions[log] = json.dumps([f"{file}/{table.name}", 0])
    return sealed_for_every_field(SEALER, Standing(positions))


class Served:
    """A world that can be asked. Answers are what goes over the wire: status, headers, and the body or messages.

    The id of the request is left out: it is random.
    """

    def __init__(self, world: World, app: Starlette, client: httpx.AsyncClient) -> None:
        self.world = world
        self._app = app
        self._client = client
        self._tokens: dict[Asker, str | None] = {}

    async def ask(self, asker: Asker, query: str, variables: Mapping[str, Any]) -> bytes:
        """The raw response to a POST."""
        token = self._token(asker)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        headers |= {"omniloket-purpose": asker.purpose} if asker.purpose else {}
        response = await self._client.post(URL, json={"query": query, "variables": variables}, headers=headers)
        head = b"\n".join(b"%s: %s" % header for header in response.headers.raw if header[0] != RAW_REQUEST_HEADER)
        return b"%d\n%s\n\n%s" % (response.status_code, head, response.content)

    async def answer(self, asker: Asker, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a response, as JSON."""
        return json.loads((await self.ask(asker, query, variables)).partition(b"\n\n")[2])

    async def follow(self, asker: Asker, query: str, variables: Mapping[str, Any]) -> bytes:
        """The raw messages of one operation on a socket of its own, once it is accepted, to its end."""
        to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        from_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        payload = {"Authorization": f"Bearer {self._token(asker)}"} if self._token(asker) else {}
        payload |= {"Omniloket-Purpose": asker.purpose} if asker.purpose else {}
        operation = {"id": "1", "type": "subscribe", "payload": {"query": query, "variables": dict(variables)}}
        to_server.put_nowait({"type": "websocket.connect"})
        for message in ({"type": "connection_init", "payload": payload}, operation):
            to_server.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})
        serving = asyncio.create_task(self._app(_SOCKET, to_server.get, from_server.put))
        heard: list[dict[str, Any]] = []
        while not heard or not _is_last(heard[-1]):
            heard.append(await from_server.get())
        to_server.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await serving
        return "\n".join(
            each.get("text") or json.dumps(each) for each in heard if each["type"] != "websocket.accept"
        ).encode()

    def _token(self, asker: Asker) -> str | None:
        if asker not in self._tokens:
            self._tokens[asker] = asker.token(self.world.bsn_of(asker))
        return self._tokens[asker]


@asynccontextmanager
async def served(world: World, key_file: Path) -> AsyncGenerator[Served]:
    """The application over a world. Its streams end with the history, and one operation may ask for all of it."""
    key_file.touch(mode=0o600)
    key_file.write_text(KEY.hex())
    cost = {
        "max_operation": 10_000_000,
        **dict.fromkeys(("burst", "per_second", "address_burst", "address_per_second"), 1_000_000_000),
    }
    sources = {name: {"url": url, "timeout_seconds": 60} for name, url in world.urls.items()}
    app = application(settings(world.urls, sources=sources, development_key_file=key_file, cost=cost))
    async with AsyncExitStack() as closing:
        with patch("omniloket.opening.Hub", HistoryHub):
            await closing.enter_async_context(app.router.lifespan_context(app))
        client = await closing.enter_async_context(httpx.AsyncClient(transport=httpx.ASGITransport(app)))
        yield Served(world, app, client)


_SOCKET = {
    "type": "websocket",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "scheme": "ws",
    "path": "/graphql",
    "raw_path": b"/graphql",
    "query_string": b"",
    "root_path": "",
    "headers": [],
    "subprotocols": [SUBPROTOCOL],
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 80),
    "extensions": {},
}


def _is_last(message: Mapping[str, Any]) -> bool:
    return message["type"] == "websocket.close" or json.loads(message.get("text", "{}")).get("type") in _LAST

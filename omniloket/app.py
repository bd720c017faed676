"""The ASGI application: GraphQL over HTTP and WebSocket at one address, and the endpoints for those who operate it."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from omniloket import garbage, graphiql, logs
from omniloket.house import House, open_house
from omniloket.http import PURPOSE_HEADER, GraphQLEndpoint
from omniloket.settings import Settings, read
from resolvers.errors import Unauthenticated
from subscriptions.socket import ConnectionRefused, SocketLimits, SocketProtocol
from subscriptions.streams import MakeContext, Streams

SETTINGS_FILE = "OMNILOKET_SETTINGS_FILE"
"""The environment variable by which a parent process tells its workers which settings file to read."""


def create() -> Starlette:
    """The application of a server process, with the settings that its parent named."""
    path = os.environ.get(SETTINGS_FILE)
    settings = read(Path(path) if path else None)
    logs.configure(settings.log_level)
    return application(settings, started=garbage.settle)


def application(settings: Settings, started: Callable[[], None] = lambda: None) -> Starlette:
    """The application. Sources open when it starts and close when it stops; `started` is called in between."""
    doors = _Doors(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with open_house(settings) as house:
            doors.open(house)
            started()
            yield

    return Starlette(
        lifespan=lifespan,
        routes=[
            *graphiql.routes(),
            Route("/graphql", _Endpoint(doors)),
            WebSocketRoute("/graphql", doors.socket),
            Route("/healthz", _healthz),
            Route("/readyz", doors.readyz),
        ],
    )


class _Doors:
    """What the routes lead to, once the house is open."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.house: House
        self.http: GraphQLEndpoint
        self._sockets: SocketProtocol

    def open(self, house: House) -> None:
        live = self._settings.live
        limits = SocketLimits(live.init_timeout_seconds, live.operations_per_socket)
        self.house = house
        self.http = GraphQLEndpoint(
            house.executor,
            house.context,
            house.before,
            house.record,
            max_body_bytes=self._settings.max_body_bytes,
            cookie=self._settings.cookie,
        )
        streams = Streams(house.executor, house.record)
        self._sockets = SocketProtocol(house.executor, streams, self._connect, house.before, house.record, limits)

    async def socket(self, websocket: WebSocket) -> None:
        await self._sockets.serve(websocket)

    async def readyz(self, _request: Request) -> Response:
        """Ready when every source answers."""
        found = await asyncio.gather(*(back_end.health() for back_end in self.house.services.sources.back_ends))
        ready = all(health.available for health in found)
        sources = {health.source: "good" if health.available else "unavailable" for health in found}
        return JSONResponse({"ready": ready, "sources": sources}, 200 if ready else 503)

    async def _connect(self, websocket: WebSocket, payload: Mapping[str, Any]) -> MakeContext:
        """The token is looked at again for every operation and event, so that no stream outlives it."""
        house, authorization = self.house, _given(websocket, payload, "Authorization")
        purpose = _given(websocket, payload, PURPOSE_HEADER)

        async def make_context() -> object:
            return await house.context(authorization, purpose)

        try:
            await make_context()
        except Unauthenticated:
            raise ConnectionRefused from None
        return make_context


class _Endpoint:
    """The HTTP side of the GraphQL address. An ASGI application, so that it sees every method."""

    def __init__(self, doors: _Doors) -> None:
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._doors.http(scope, receive, send)


def _given(websocket: WebSocket, payload: Mapping[str, Any], name: str) -> str | None:
    """What connection_init carries, under either spelling of the name; else the handshake's own header."""
    given = payload.get(name, payload.get(name.lower()))
    if given is None:
        return websocket.headers.get(name)
    if not isinstance(given, str):
        raise ConnectionRefused
    return given


async def _healthz(_request: Request) -> Response:
    return JSONResponse({"alive": True})

"""The ASGI application: GraphQL over HTTP and WebSocket at one address, and the endpoints for those who operate it."""

import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.datastructures import Address
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send
from starlette.websockets import WebSocket

from omniloket import garbage, graphiql, logs
from omniloket.addresses import address_of, is_within
from omniloket.doorkeeper import Doorkeeper
from omniloket.hosts import is_called, misdirect
from omniloket.house import House
from omniloket.http import GraphQLEndpoint
from omniloket.http_connection import BOUNDS, DOORKEEPER
from omniloket.opening import open_house
from omniloket.origins import is_welcome, open_to
from omniloket.rates import RateLimited
from omniloket.readiness import Readiness
from omniloket.reading_settings import read
from omniloket.settings import LiveSettings, Settings
from omniloket.socket_ends import STOP
from omniloket.socket_sessions import SocketSessions
from omniloket.variables import SETTINGS_FILE
from subscriptions.socket import SocketLimits, SocketProtocol
from subscriptions.sse import EventStreams

_NOT_OPEN = Response("This server does not serve yet. Try again.", 503)


def create() -> Starlette:
    """The application of a server process, with the settings that its parent named."""
    path = os.environ.get(SETTINGS_FILE)
    settings = read(Path(path) if path else None)
    logs.configure(settings.log_level)
    return application(settings, started=garbage.settle)


def application(settings: Settings, started: Callable[[], None] = lambda: None) -> Starlette:
    """The application. Sources open when it starts and close when it stops; `started` is called in between."""

    @asynccontextmanager
    async def lifespan(app: _Application) -> AsyncGenerator[dict[str, Any]]:
        async with open_house(settings) as house:
            doors = _Doors(settings, house)
            app.open(doors)
            started()
            keeper = Doorkeeper(house.admission, house.accounts, is_open_to_others=bool(settings.requests.origins))
            yield {STOP: doors.stop, BOUNDS: house.bounds, DOORKEEPER: keeper}

    return _Application(settings.requests.hosts, lifespan)


class _Application(Starlette):
    """GraphQL comes in by the shortest way.

    What Starlette puts in between would last as long as a socket does, and take memory; and it costs each request, a
    refused one too, ten microseconds.
    """

    def __init__(self, hosts: Sequence[str], lifespan: "Lifespan[_Application]") -> None:
        super().__init__(lifespan=lifespan)
        self._hosts = hosts
        self._http: ASGIApp = _NOT_OPEN
        self._socket: ASGIApp = _NOT_OPEN

    def open(self, doors: "_Doors") -> None:
        """From now on there are ways in."""
        self._http, self._socket = doors.http, doors.socket
        self.router.routes = [
            *graphiql.routes(),
            Route("/healthz", _healthz),
            Route("/readyz", doors.readiness.readyz),
            Route("/metrics", doors.metrics),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._hosts and scope["type"] != "lifespan" and not is_called(scope, self._hosts):
            await misdirect(scope, receive, send)
        elif scope["type"] == "lifespan" or scope["path"] != "/graphql":
            await super().__call__(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._http(scope, receive, send)


class _Doors:
    """The ways into a house that is open."""

    def __init__(self, settings: Settings, house: House) -> None:
        live = settings.live
        streams = house.streams
        self._settings = settings
        self._house = house
        self._operators = [ip_network(each) for each in settings.operators]
        self._event_streams = EventStreams(house.executor, streams, live.heartbeat_seconds)
        self._sockets = SocketProtocol(house, streams, SocketSessions(house).connect, _limits(live))
        self.http = open_to(GraphQLEndpoint(house, self._event_streams), settings.requests.origins)
        required = [name for name, source in settings.sources if source.required]
        self.readiness = Readiness(house.services.sources.back_ends, required)

    def stop(self) -> None:
        """Lets nobody in any more, and sends away who is there: not all at once, since they will be back elsewhere."""
        if not self.readiness.is_stopping:
            self.readiness.is_stopping = True
            self._sockets.drain(self._settings.live.drain_seconds)
            self._event_streams.drain(self._settings.live.drain_seconds)

    async def socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket."""
        websocket = WebSocket(scope, receive, send)
        refusal = self._no_entry(websocket)
        if refusal is None:
            await self._sockets.serve(websocket)
        else:
            await websocket.send_denial_response(refusal)

    async def metrics(self, request: Request) -> Response:
        """For operators' addresses; for others there is no such page."""
        peer = (request.client or Address("", 0)).host
        if not is_within(peer, self._operators):
            return Response(status_code=404)
        return Response(self._house.accounts.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    def _no_entry(self, websocket: WebSocket) -> Response | None:
        """Why a handshake is refused, if it is; one that is not is paid for."""
        if self.readiness.is_stopping:
            return Response("This server stops. Try again.", 503)
        if not is_welcome(websocket.headers, self._settings.live.origins):
            return Response("Pages of this origin may not connect.", 403)
        try:
            self._house.charging.handshake(address_of(websocket.scope))
        except RateLimited as limited:
            return Response(limited.errors[0]["message"], 429, {"Retry-After": str(limited.retry_after)})
        return None


def _limits(live: LiveSettings) -> SocketLimits:
    return SocketLimits(
        init_timeout_seconds=live.init_timeout_seconds,
        heartbeat_seconds=live.heartbeat_seconds,
        operations=live.operations_per_socket,
        messages_per_second=live.messages_per_second,
        message_bytes=live.max_message_bytes,
    )


async def _healthz(_request: Request) -> Response:
    return JSONResponse({"alive": True})

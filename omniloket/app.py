"""The ASGI application: GraphQL over HTTP and WebSocket at one address, and the endpoints for those who operate it."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
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
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from engine.codes import LIMIT_EXCEEDED
from engine.responses import refusal
from omniloket import garbage, graphiql, logs
from omniloket.addresses import address_of, is_within
from omniloket.doorkeeper import Doorkeeper
from omniloket.headers import PURPOSE_HEADER
from omniloket.hosts import is_called, misdirect
from omniloket.house import House
from omniloket.http import GraphQLEndpoint
from omniloket.http_connection import BOUNDS, DOORKEEPER
from omniloket.opening import open_house
from omniloket.origins import is_welcome, open_to
from omniloket.rates import RateLimited
from omniloket.reading_settings import read
from omniloket.sessions import Session, TooManySessions
from omniloket.settings import Settings
from omniloket.socket_ends import STOP
from omniloket.variables import SETTINGS_FILE
from resolvers.errors import Unauthenticated
from subscriptions.socket import ConnectionRefused, SocketLimits, SocketProtocol, SocketSession
from subscriptions.sse import EventStreams

AUTHORIZATION = "Authorization"

READY_SECONDS = 1.0
"""How long the answer about readiness holds, so that asking often is no flood of statements."""


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
    async def lifespan(_app: Starlette) -> AsyncGenerator[dict[str, Any]]:
        async with open_house(settings) as house:
            doors.open(house)
            started()
            keeper = Doorkeeper(house.admission, house.accounts, is_open_to_others=bool(settings.requests.origins))
            yield {STOP: doors.stop, BOUNDS: house.bounds, DOORKEEPER: keeper}

    return _Application(
        doors,
        settings.requests.hosts,
        lifespan=lifespan,
        routes=[
            *graphiql.routes(),
            Route("/healthz", _healthz),
            Route("/readyz", doors.readyz),
            Route("/metrics", doors.metrics),
        ],
    )


class _Application(Starlette):
    """GraphQL comes in by the shortest way.

    What Starlette puts in between would last as long as a socket does, and take memory; and it costs each request, a
    refused one too, ten microseconds.
    """

    def __init__(self, doors: "_Doors", hosts: Sequence[str], **settings: Any) -> None:
        super().__init__(**settings)
        self._doors = doors
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._hosts and scope["type"] != "lifespan" and not is_called(scope, self._hosts):
            await misdirect(scope, receive, send)
        elif scope["type"] == "lifespan" or scope["path"] != "/graphql":
            await super().__call__(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._doors.socket(WebSocket(scope, receive, send))
        else:
            await self._doors.http(scope, receive, send)


class _Doors:
    """What the routes lead to, once the house is open."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.house: House
        self.http: ASGIApp
        self._sockets: SocketProtocol
        self._event_streams: EventStreams
        self._is_stopping = False
        self._looked: tuple[float, asyncio.Future[Mapping[str, str]]] | None = None
        self._operators = [ip_network(each) for each in settings.operators]

    def open(self, house: House) -> None:
        live = self._settings.live
        limits = SocketLimits(
            init_timeout_seconds=live.init_timeout_seconds,
            heartbeat_seconds=live.heartbeat_seconds,
            operations=live.operations_per_socket,
            messages_per_second=live.messages_per_second,
            message_bytes=live.max_message_bytes,
        )
        streams = house.streams
        self.house = house
        self._event_streams = EventStreams(house.executor, streams, live.heartbeat_seconds)
        endpoint = GraphQLEndpoint(house, self._event_streams)
        self.http = open_to(endpoint, self._settings.requests.origins)
        self._sockets = SocketProtocol(house, streams, self._connect, limits)

    def stop(self) -> None:
        """Lets nobody in any more, and sends away who is there: not all at once, since they will be back elsewhere."""
        if not self._is_stopping:
            self._is_stopping = True
            self._sockets.drain(self._settings.live.drain_seconds)
            self._event_streams.drain(self._settings.live.drain_seconds)

    async def socket(self, websocket: WebSocket) -> None:
        refusal = self._no_entry(websocket)
        if refusal is None:
            await self._sockets.serve(websocket)
        else:
            await websocket.send_denial_response(refusal)

    def _no_entry(self, websocket: WebSocket) -> Response | None:
        """Why a handshake is refused, if it is; one that is not is paid for."""
        if self._is_stopping:
            return Response("This server stops. Try again.", 503)
        if not is_welcome(websocket.headers, self._settings.live.origins):
            return Response("Pages of this origin may not connect.", 403)
        try:
            self.house.charge_handshake(address_of(websocket.scope))
        except RateLimited as limited:
            return Response(limited.errors[0]["message"], 429, {"Retry-After": str(limited.retry_after)})
        return None

    async def readyz(self, _request: Request) -> Response:
        """Ready when every required source answers, and the server does not stop."""
        now = time.monotonic()
        if self._looked is None or now >= self._looked[0] + READY_SECONDS:
            self._looked = now, asyncio.ensure_future(self._look())
        sources = await asyncio.shield(self._looked[1])
        required = {name for name, source in self._settings.sources if source.required}
        ready = not self._is_stopping and all(sources[name] == "good" for name in required)
        return JSONResponse({"ready": ready, "stopping": self._is_stopping, "sources": sources}, 200 if ready else 503)

    async def _look(self) -> Mapping[str, str]:
        """How each source is: a question that waits two seconds at most."""
        found = await asyncio.gather(*(back_end.health() for back_end in self.house.services.sources.back_ends))
        return {health.source: "good" if health.available else "unavailable" for health in found}

    async def metrics(self, request: Request) -> Response:
        """For operators' addresses; for others there is no such page."""
        peer = (request.client or Address("", 0)).host
        if not is_within(peer, self._operators):
            return Response(status_code=404)
        return Response(self.house.accounts.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    async def _connect(
        self, websocket: WebSocket, payload: Mapping[str, Any], ended: Callable[[], None]
    ) -> SocketSession:
        """What connection_init says of who asks; what it leaves out, the handshake's own headers may say."""
        said = {name: _said(payload, name) for name in (AUTHORIZATION, PURPOSE_HEADER)}
        authorization, purpose = (
            websocket.headers.get(name) if given is None else given for name, given in said.items()
        )
        address = address_of(websocket.scope)
        try:
            session = await self.house.sessions.open(authorization, purpose, address, ended)
            return _SocketSession(session, lambda error: self._refused(error, address))
        except Unauthenticated as error:
            raise self._refused(error, address) from None
        except TooManySessions as error:
            self.house.refused(refusal(str(error), LIMIT_EXCEEDED, limit=error.limit))
            raise ConnectionRefused(4429, "Too many sockets and event streams") from None

    def _refused(self, error: Unauthenticated, address: str) -> ConnectionRefused:
        """What a socket is told whose token does not hold; its address pays for that, as over HTTP."""
        try:
            self.house.charge_bad_token(address)
        except RateLimited as limited:
            return ConnectionRefused(4429, str(limited.errors[0]["message"]))
        self.house.accounts.refused({"code": error.code})
        return ConnectionRefused()


class _SocketSession:
    """A session, as the payloads of a socket speak of it. `refused` is what a token leads to that does not hold."""

    def __init__(self, session: Session, refused: Callable[[Unauthenticated], ConnectionRefused]) -> None:
        self._session = session
        self._refused = refused
        self.make_context = session.make_context
        self.is_certain = session.is_certain
        self.close = session.close

    async def refresh(self, payload: Mapping[str, Any]) -> bool:
        authorization = _said(payload, AUTHORIZATION)
        if authorization is None:
            return False
        try:
            await self._session.refresh(authorization)
        except Unauthenticated as error:
            raise self._refused(error) from None
        return True


def _said(payload: Mapping[str, Any], name: str) -> str | None:
    """What a payload carries, under either spelling of the name."""
    said = payload.get(name, payload.get(name.lower()))
    if said is not None and not isinstance(said, str):
        raise ConnectionRefused
    return said


async def _healthz(_request: Request) -> Response:
    return JSONResponse({"alive": True})

"""The server side of graphql-transport-ws, the WebSocket sub-protocol for queries and subscriptions.

Messages and close codes are those of the protocol's own document. The legacy sub-protocol `graphql-ws` is refused.
Whatever a client sends, the socket answers or closes with a code; it never breaks off. Dead peers are noticed by the
ping frames of WebSocket itself, which the server under it sends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from engine.executor import Executor, Prepared, RequestRefused, Response, StreamFailed
from subscriptions.streams import MakeContext, Streams

SUBPROTOCOL = "graphql-transport-ws"

Connect = Callable[[WebSocket, Mapping[str, Any]], Awaitable[MakeContext]]
"""From a socket and the payload of its connection_init to its contexts; raises ConnectionRefused."""

_LONGEST_REASON = 123
"""Bytes that a close frame has for its reason (RFC 6455, section 5.5)."""


class ConnectionRefused(Exception):
    """The connection_init does not show who asks."""


class _Closing(Exception):
    """The server closes the socket."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class SocketLimits:
    """What one socket may take: seconds until connection_init, operations at a time."""

    init_timeout_seconds: float = 10.0
    operations: int = 100


class SocketProtocol:
    """Serves sockets. `before` is awaited for each query and mutation before it executes, with its context.

    `record` is awaited for each of their answers before it leaves, with the context that it was made in.
    """

    def __init__(
        self,
        executor: Executor,
        streams: Streams,
        connect: Connect,
        before: Callable[[Prepared, object], Awaitable[None]],
        record: Callable[[Prepared, object], Awaitable[None]],
        limits: SocketLimits | None = None,
    ) -> None:
        self.executor = executor
        self.streams = streams
        self.connect = connect
        self.before = before
        self.record = record
        self.limits = limits or SocketLimits()

    async def serve(self, websocket: WebSocket) -> None:
        """Speaks with one client until either side closes."""
        offered = cast(list[str], websocket.scope.get("subprotocols", []))
        if SUBPROTOCOL not in offered:
            # Accepted first: a browser shows no close code of a handshake that failed.
            await websocket.accept()
            await websocket.close(4406, "Subprotocol not acceptable")
            return
        await websocket.accept(SUBPROTOCOL)
        await _Connection(self, websocket).run()


class _Connection:
    """One socket: who asks, and which operations are running."""

    def __init__(self, protocol: SocketProtocol, websocket: WebSocket) -> None:
        self._protocol = protocol
        self._websocket = websocket
        self._make_context: MakeContext | None = None
        self._initialised = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        watchdog = asyncio.create_task(self._await_introduction())
        try:
            while True:
                await self._handle(await self._receive())
        except _Closing as closing:
            await self._close(closing.code, closing.reason)
        except WebSocketDisconnect:
            pass
        finally:
            for task in (watchdog, *self._running):
                task.cancel()
            await asyncio.gather(watchdog, *self._running, return_exceptions=True)

    async def _await_introduction(self) -> None:
        """Closes a socket that does not say connection_init in time."""
        await asyncio.sleep(self._protocol.limits.init_timeout_seconds)
        if self._make_context is None:
            await self._close(4408, "Connection initialisation timeout")

    async def _receive(self) -> dict[str, Any]:
        received = await self._websocket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1005))
        text = received.get("text")
        if not isinstance(text, str):
            raise _Closing(4400, "Messages are text, not binary")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise _Closing(4400, "Message is not JSON") from None
        if not isinstance(message, dict):
            raise _Closing(4400, "Message must be a JSON object")
        return cast(dict[str, Any], message)

    async def _handle(self, message: dict[str, Any]) -> None:
        handlers = {
            "connection_init": self._initialise,
            "subscribe": self._subscribe,
            "complete": self._complete,
            "ping": self._pong,
            "pong": self._heard,
        }
        kind = message.get("type")
        if not isinstance(kind, str) or kind not in handlers:
            raise _Closing(4400, "Message has an unknown type")
        await handlers[kind](message)

    async def _initialise(self, message: dict[str, Any]) -> None:
        if self._initialised:
            raise _Closing(4429, "Too many initialisation requests")
        self._initialised = True
        try:
            self._make_context = await self._protocol.connect(self._websocket, _optional_object(message, "payload"))
        except ConnectionRefused:
            raise _Closing(4403, "Forbidden") from None
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, message: dict[str, Any]) -> None:
        if self._make_context is None:
            raise _Closing(4401, "Unauthorized")
        operation_id = _operation_id(message)
        request = _request(message)
        if operation_id in self._operations:
            raise _Closing(4409, f"Subscriber for {operation_id} already exists")
        # Those whose last message waits for a client that does not read count as well.
        if sum(not task.cancelling() for task in self._running) >= self._protocol.limits.operations:
            await self._send_error(operation_id, [_too_many(self._protocol.limits.operations)])
            return
        task = asyncio.create_task(self._operate(operation_id, request, self._make_context))
        self._operations[operation_id] = task
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _complete(self, message: dict[str, Any]) -> None:
        task = self._operations.pop(_operation_id(message), None)
        if task is not None:
            task.cancel()

    async def _pong(self, message: dict[str, Any]) -> None:
        payload = _optional_object(message, "payload")
        await self._send({"type": "pong", "payload": payload} if payload else {"type": "pong"})

    async def _heard(self, message: dict[str, Any]) -> None:
        _optional_object(message, "payload")

    async def _operate(self, operation_id: str, request: "_Request", make_context: MakeContext) -> None:
        """One operation, from its start to its last message."""
        try:
            await self._run(operation_id, request, make_context)
        except (RequestRefused, StreamFailed) as error:
            self._operations.pop(operation_id, None)
            await self._send_error(operation_id, error.errors)
        except WebSocketDisconnect:
            self._operations.pop(operation_id, None)
        except Exception as error:
            self._operations.pop(operation_id, None)
            await self._send_error(operation_id, [self._protocol.executor.encoded(error)])

    async def _run(self, operation_id: str, request: "_Request", make_context: MakeContext) -> None:
        executor, record = self._protocol.executor, self._protocol.record
        prepared = executor.prepare(request.query, request.operation_name)
        if prepared.kind == "subscription":
            async with aclosing(self._protocol.streams.open(prepared, request.variables, make_context)) as payloads:
                async for payload in payloads:
                    await self._send_next(operation_id, payload.json)
        else:
            context = await make_context()
            await self._protocol.before(prepared, context)
            response = await executor.execute(prepared, request.variables, context)
            await record(prepared, context)
            await self._send_next(operation_id, orjson.dumps(response))
        self._operations.pop(operation_id, None)
        await self._send({"id": operation_id, "type": "complete"})

    async def _send_next(self, operation_id: str, payload: bytes) -> None:
        await self._send({"id": operation_id, "type": "next", "payload": orjson.Fragment(payload)})

    async def _send_error(self, operation_id: str, errors: object) -> None:
        await self._send({"id": operation_id, "type": "error", "payload": errors})

    async def _send(self, message: dict[str, Any]) -> None:
        if self._is_open:
            await self._websocket.send_text(orjson.dumps(message).decode())

    async def _close(self, code: int, reason: str) -> None:
        if self._is_open:
            await self._websocket.close(code, reason.encode()[:_LONGEST_REASON].decode(errors="ignore"))

    @property
    def _is_open(self) -> bool:
        websocket = self._websocket
        return (websocket.application_state, websocket.client_state) == (WebSocketState.CONNECTED,) * 2


@dataclass(frozen=True)
class _Request:
    query: str
    operation_name: str | None
    variables: Mapping[str, Any]


def _operation_id(message: Mapping[str, Any]) -> str:
    given = message.get("id")
    if not isinstance(given, str) or not given:
        raise _Closing(4400, "'id' must be a string that is not empty")
    return given


def _request(message: Mapping[str, Any]) -> _Request:
    payload = message.get("payload")
    if not isinstance(payload, dict):
        raise _Closing(4400, "'payload' must be an object")
    given = cast(dict[str, Any], payload)
    query, name = given.get("query"), given.get("operationName")
    if not isinstance(query, str):
        raise _Closing(4400, "'query' must be a string")
    if name is not None and not isinstance(name, str):
        raise _Closing(4400, "'operationName' must be a string")
    _optional_object(given, "extensions")
    return _Request(query, name, _optional_object(given, "variables"))


def _optional_object(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    if value is not None and not isinstance(value, dict):
        raise _Closing(4400, f"'{name}' must be an object")
    return cast(dict[str, Any], value or {})


def _too_many(most: int) -> Response:
    return {
        "message": f"This socket runs {most} operations already, which is the most it may.",
        "extensions": {"code": "LIMIT_EXCEEDED"},
    }

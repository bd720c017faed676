"""The server side of graphql-transport-ws, the WebSocket sub-protocol for queries and subscriptions.

Messages and close codes are those of the protocol's own document. The legacy sub-protocol `graphql-ws` is refused.
Whatever a client sends, the socket answers or closes with a code; it never breaks off. A socket closes when the rights
that it came with end, when its peer gives no sign of life, and when the server stops, also while nothing happens on it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Protocol, cast

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from engine.codes import LIMIT_EXCEEDED
from engine.executor import Executor
from engine.prepared import Prepared
from engine.responses import RequestRefused, Response, StreamFailed, refusal
from subscriptions.allowance import Allowance
from subscriptions.asking import GraphQLRequest, RequestMalformed, read_request
from subscriptions.frames import WRITE, Write, text_frame
from subscriptions.started import started
from subscriptions.streams import Payload, Streams
from subscriptions.terms import Deliver

SUBPROTOCOL = "graphql-transport-ws"

_LONGEST_REASON = 123
"""Bytes that a close frame has for its reason (RFC 6455, section 5.5)."""

LARGEST_MESSAGE = 64
"""As how many a message counts that is as long as one may be; a shorter one by its length, and as one at least."""

SECONDS_AT_ONCE = 4
"""Messages of so many seconds are read without a pause, by a socket that was quiet before."""

_CLOSE_SECONDS = 1.0
"""How long a close frame may wait for a peer that does not read."""


class ConnectionRefused(Exception):
    """A payload does not show who asks, or shows somebody else than before; or whoever asks may not have a socket."""

    def __init__(self, code: int = 4403, reason: str = "Forbidden") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class SocketSession(Protocol):
    """The rights of whoever opened a socket. They may end at any moment."""

    async def make_context(self) -> object:
        """A fresh context for one operation or event; raises when the rights have ended."""
        ...

    def is_certain(self) -> bool:
        """Whether the rights hold, as far as can be told without asking anybody."""
        ...

    async def refresh(self, payload: Mapping[str, Any]) -> bool:
        """Takes what the payload of a ping says of who asks; whether it says anything. Raises ConnectionRefused."""
        ...

    def close(self) -> None: ...


Connect = Callable[[WebSocket, Mapping[str, Any], Callable[[], None]], Awaitable[SocketSession]]
"""From a socket and the payload of its connection_init to its session; raises ConnectionRefused.

The third is called when the session's rights have ended.
"""


class _Closing(Exception):
    """The server closes the socket."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class SocketLimits:
    """What one socket may take: seconds until connection_init and between two signs of life, operations at a time.

    `messages_per_second`, of `message_bytes` at most, are read of it; those of SECONDS_AT_ONCE without a pause.
    """

    init_timeout_seconds: float = 10.0
    heartbeat_seconds: float = 20.0
    operations: int = 100
    messages_per_second: float = 100.0
    message_bytes: int = 131_072


class Operations(Protocol):
    """What happens to operations, wherever they come from."""

    @property
    def executor(self) -> Executor: ...

    def prepare(self, query: str | None, document_id: str, operation_name: str | None, context: Any) -> Prepared:
        """The operation of a text, or without one of the document with an id; raises RequestRefused."""
        ...

    async def before(self, prepared: Prepared, variables: Mapping[str, Any], context: Any) -> None:
        """Awaited before a stream begins. Raises RequestRefused for one that may not."""
        ...

    async def execute(
        self, prepared: Prepared, variables: Mapping[str, Any], context: Any, *, wants_cost: bool
    ) -> Response:
        """The answer to a query or mutation; raises RequestRefused."""
        ...

    def refused(self, error: Response) -> None:
        """Told of what a transport refuses by itself; `error` is in its client form."""
        ...


class SocketProtocol:
    """Serves sockets."""

    def __init__(
        self, operations: Operations, streams: Streams, connect: Connect, limits: SocketLimits | None = None
    ) -> None:
        self.operations = operations
        self.streams = streams
        self.connect = connect
        self.limits = limits or SocketLimits()
        self.connections: set[_Connection] = set()

    async def serve(self, websocket: WebSocket) -> None:
        """Speaks with one client until either side closes."""
        offered = cast("list[str]", websocket.scope.get("subprotocols", []))
        if SUBPROTOCOL not in offered:
            # Accepted first: a browser shows no close code of a handshake that failed.
            await websocket.accept()
            await websocket.close(4406, "Subprotocol not acceptable")
            return
        await websocket.accept(SUBPROTOCOL)
        await _Connection(self, websocket).run()

    def drain(self, seconds: float) -> None:
        """Closes every socket for the server's stop, spread over some seconds: clients do not come back all at once."""
        loop, count = asyncio.get_running_loop(), len(self.connections)
        for number, connection in enumerate(self.connections):
            loop.call_later(seconds * number / count, connection.end, 1012, "Service restart")


class _Connection:
    """One socket: who asks, and which operations are running."""

    def __init__(self, protocol: SocketProtocol, websocket: WebSocket) -> None:
        self._protocol = protocol
        self._websocket = websocket
        self._session: SocketSession | None = None
        self._initialised = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._ending: _Closing | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._is_asked = False
        self._is_paused = False
        self._ping: asyncio.Task[None] | None = None
        per_second = protocol.limits.messages_per_second
        self._allowance = Allowance(per_second, per_second * SECONDS_AT_ONCE)

    async def run(self) -> None:
        self._protocol.connections.add(self)
        self._wake_after(self._protocol.limits.init_timeout_seconds, self._miss_introduction)
        try:
            await self._converse()
        finally:
            self._protocol.connections.discard(self)
            self._stop()
            await self._close()
            await asyncio.gather(*self._running, return_exceptions=True)

    def end(self, code: int, reason: str) -> None:
        """Closes the socket from the server's side, whatever is going on in it."""
        if self._ending is None and self in self._protocol.connections:
            self._ending = _Closing(code, reason)
            self._life.reschedule(asyncio.get_running_loop().time())

    async def _converse(self) -> None:
        """Hears messages until either side closes."""
        try:
            async with asyncio.timeout(None) as self._life:
                while True:
                    await self._handle(await self._receive())
        except _Closing as closing:
            self._ending = closing
        except WebSocketDisconnect:
            pass
        except Exception:
            if self._ending is None:
                self._ending = _Closing(4500, "Internal server error")
                raise

    def _stop(self) -> None:
        """Nothing more is sent, watched or worked on."""
        if self._session is not None:
            self._session.close()
        if self._alarm is not None:
            self._alarm.cancel()
        if self._ping is not None:
            self._ping.cancel()
        for task in self._running:
            task.cancel()

    def _wake_after(self, seconds: float, action: Callable[[], None]) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_later(seconds, action)

    def _miss_introduction(self) -> None:
        self.end(4408, "Connection initialisation timeout")

    def _lose_rights(self) -> None:
        self.end(4403, "Forbidden")

    def _beat(self) -> None:
        """Asks the peer for a sign of life; one that gave none since it was asked before, or reads nothing, is gone."""
        is_silent = self._is_asked and not self._is_paused
        if is_silent or (self._ping is not None and not self._ping.done()):
            self.end(4499, "Terminated: no sign of life")
        else:
            self._is_asked = True
            self._ping = asyncio.create_task(self._send_ping())
            self._wake_after(self._protocol.limits.heartbeat_seconds, self._beat)

    async def _send_ping(self) -> None:
        with suppress(WebSocketDisconnect):
            await self._send({"type": "ping"})

    async def _receive(self) -> dict[str, Any]:
        received = await self._websocket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1005))
        self._is_asked = False
        text = received.get("text")
        if not isinstance(text, str):
            raise _Closing(4400, "Messages are text, not binary")
        written = text.encode()
        await self._take(len(written))
        try:
            message = orjson.loads(written)
        except orjson.JSONDecodeError:
            raise _Closing(4400, "Message is not JSON") from None
        if not isinstance(message, dict):
            raise _Closing(4400, "Message must be a JSON object")
        return cast("dict[str, Any]", message)

    async def _take(self, size: int) -> None:
        """Lets a peer that sends too much wait. Nothing is read of it meanwhile, so that it cannot send more either."""
        messages = max(1.0, size / self._protocol.limits.message_bytes * LARGEST_MESSAGE)
        seconds = self._allowance.take(messages, asyncio.get_running_loop().time())
        if seconds > 0:
            self._is_paused = True
            await asyncio.sleep(seconds)
            self._is_paused = False

    async def _handle(self, message: dict[str, Any]) -> None:
        handlers = {
            "connection_init": self._initialise,
            "subscribe": self._subscribe,
            "complete": self._complete,
            "ping": self._answer,
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
        payload = _optional_object(message, "payload")
        try:
            self._session = await self._protocol.connect(self._websocket, payload, self._lose_rights)
        except ConnectionRefused as refused:
            raise _Closing(refused.code, refused.reason) from None
        self._wake_after(self._protocol.limits.heartbeat_seconds, self._beat)
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, message: dict[str, Any]) -> None:
        if self._session is None:
            raise _Closing(4401, "Unauthorized")
        operation_id = _operation_id(message)
        request = _request(message)
        if operation_id in self._operations:
            raise _Closing(4409, f"Subscriber for {operation_id} already exists")
        # Those whose last message waits for a client that does not read count as well.
        if sum(not task.cancelling() for task in self._running) >= self._protocol.limits.operations:
            await self._refuse(operation_id, _too_many(self._protocol.limits.operations))
            return
        task = asyncio.create_task(self._operate(operation_id, request, self._session))
        self._operations[operation_id] = task
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.sleep(0)  # it begins, which may be to parse and validate, before the next message is looked at

    async def _complete(self, message: dict[str, Any]) -> None:
        task = self._operations.pop(_operation_id(message), None)
        if task is not None:
            task.cancel()

    async def _answer(self, message: dict[str, Any]) -> None:
        """A pong with what the ping said; a token, which a ping may bring as well, is not said again."""
        payload = _optional_object(message, "payload")
        try:
            is_refreshed = self._session is not None and await self._session.refresh(payload)
        except ConnectionRefused:
            raise _Closing(4403, "Forbidden") from None
        await self._send({"type": "pong", "payload": payload} if payload and not is_refreshed else {"type": "pong"})

    async def _heard(self, message: dict[str, Any]) -> None:
        _optional_object(message, "payload")

    async def _operate(self, operation_id: str, request: GraphQLRequest, session: SocketSession) -> None:
        """One operation, from its start to its last message."""
        try:
            await self._run(operation_id, request, session)
        except (RequestRefused, StreamFailed) as error:
            self._operations.pop(operation_id, None)
            await self._send_error(operation_id, error.errors)
        except WebSocketDisconnect:
            self._operations.pop(operation_id, None)
        except Exception as error:
            self._operations.pop(operation_id, None)
            await self._send_error(operation_id, [self._protocol.operations.executor.encoded(error)])

    async def _run(self, operation_id: str, request: GraphQLRequest, session: SocketSession) -> None:
        operations, context = self._protocol.operations, await session.make_context()
        prepared = operations.prepare(request.query, request.document_id, request.operation_name, context)
        if prepared.kind == "subscription":
            await operations.before(prepared, request.variables, context)
            deliver = self._delivery(operation_id)
            await self._protocol.streams.serve(
                prepared, request.variables, session.make_context, deliver, session.is_certain
            )
        else:
            response = await operations.execute(prepared, request.variables, context, wants_cost=request.wants_cost)
            await self._send({"id": operation_id, "type": "next", "payload": response})
        self._operations.pop(operation_id, None)
        await self._send({"id": operation_id, "type": "complete"})

    def _delivery(self, operation_id: str) -> Deliver:
        """Sends an event's answer, at once where the client reads.

        The message is made once for all who gave their operation the same id, as pages do that count theirs. Where
        each has one of its own, as with `graphql-ws`, it is made for each.
        """
        websocket = self._websocket
        write: Write | None = websocket.scope["extensions"].get(WRITE) if "extensions" in websocket.scope else None
        head = b'{"id":%b,"type":"next","payload":' % orjson.dumps(operation_id)

        def deliver(payload: Payload) -> Awaitable[None] | None:
            message_of, message = payload.sent
            if message_of != operation_id:
                message = text_frame(head + payload.json + b"}")
                payload.sent = operation_id, message
            if self._ending is not None or (write is not None and write(message)) or not self._is_open:
                return None
            return started(websocket.send_text((head + payload.json + b"}").decode()))

        return deliver

    async def _refuse(self, operation_id: str, error: Response) -> None:
        # Told in a context of its own: what is kept there, as the id of a request, is not for later operations.
        copy_context().run(self._protocol.operations.refused, error)
        await self._send_error(operation_id, [error])

    async def _send_error(self, operation_id: str, errors: object) -> None:
        """How an operation ends. What JSON has no form for is told of as a fault of ours: it ends all the same."""
        try:
            await self._send({"id": operation_id, "type": "error", "payload": errors})
        except orjson.JSONEncodeError as error:
            fault = self._protocol.operations.executor.encoded(error)
            await self._send({"id": operation_id, "type": "error", "payload": [fault]})

    async def _send(self, message: dict[str, Any]) -> None:
        if self._is_open and self._ending is None:
            await self._websocket.send_text(orjson.dumps(message).decode())

    async def _close(self) -> None:
        closing = self._ending
        if closing is None or not self._is_open:
            return
        reason = closing.reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
        with suppress(TimeoutError, WebSocketDisconnect):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._websocket.close(closing.code, reason)

    @property
    def _is_open(self) -> bool:
        websocket = self._websocket
        return (websocket.application_state, websocket.client_state) == (WebSocketState.CONNECTED,) * 2


def _operation_id(message: Mapping[str, Any]) -> str:
    given = message.get("id")
    if not isinstance(given, str) or not given:
        raise _Closing(4400, "'id' must be a string that is not empty")
    return given


def _request(message: Mapping[str, Any]) -> GraphQLRequest:
    payload = message.get("payload")
    if not isinstance(payload, dict):
        raise _Closing(4400, "'payload' must be an object")
    try:
        return read_request(cast("dict[str, Any]", payload))
    except RequestMalformed as malformed:
        raise _Closing(4400, str(malformed)) from None


def _optional_object(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    if value is not None and not isinstance(value, dict):
        raise _Closing(4400, f"'{name}' must be an object")
    return cast("dict[str, Any]", value or {})


def _too_many(most: int) -> Response:
    message = f"This socket runs {most} operations already, which is the most it may."
    return refusal(message, LIMIT_EXCEEDED, limit="operations_per_socket")

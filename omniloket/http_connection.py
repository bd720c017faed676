"""What uvicorn does not bound of a connection, before the application hears of a request and after it has answered.

That is: a request's line and headers, in length and time; the time that a body may take to come; how many connections
one address has; an answer that nobody reads; and requests of which the application should not hear at all.
"""

from asyncio import TimerHandle, Transport
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from httptools import HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from omniloket.addresses import address_of
from omniloket.arrival import Arrival
from omniloket.bounds import Bounds
from omniloket.socket_ends import STOP

MOST_WAITING = 20
"""Requests that one connection may have waiting for the answer to another. Browsers and libraries send none ahead."""

BOUNDS = "bounds"
"""The key in the lifespan's state of the Bounds that hold."""

DOORKEEPER = "doorkeeper"
"""The key of who may turn away a request by its URL and headers: with the headers and body of a 503."""

TurnAway = Callable[[bytes, Sequence[tuple[bytes, bytes]]], bytes | None]


class BoundedConnection(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it. A head that is too long is 400; one that does not end is given up.

    A body that does not end is 408, one connection more than an address may have is 429. When the server stops, the
    application ends the answers that go on.
    """

    _reading: TimerHandle | None = None
    _counted: str | None = None
    _refusal: bytes | None = None
    _is_last = False

    def connection_made(self, transport: Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._bounds: Bounds = self.app_state[BOUNDS]
        self._arrival = Arrival(self.loop, self._bounds)
        self._turn_away: TurnAway | None = self.app_state.get(DOORKEEPER)
        address = address_of({"client": self.client})
        if self._bounds.is_proxy(self.client):
            self._arrival.await_head(self._miss_head)
        elif self._bounds.admit(address):
            self._counted = address
            self._arrival.await_head(self._miss_head)
        else:
            self._bounds.exceeded["connections_per_address"] += 1
            self._refuse(b"429 Too Many Requests", "Too many connections from this address.")

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrival.end()
        self._uncount()
        self._await_reading(is_blocked=False)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_last:
            return
        arrival = self._arrival
        if self.timeout_keep_alive_task is not None and not arrival.is_in_body:
            # From now on uvicorn does not, even when a blank line is all that ever comes.
            arrival.await_head(self._miss_head)
        super().data_received(data)
        if arrival.is_in_body:
            arrival.await_body(self._miss_body)
        if (arrival.is_in_head or arrival.is_in_body) and not self.transport.is_closing():
            arrival.bytes_beside += len(data)
            if arrival.bytes_beside > self._bounds.head_bytes:
                self._bounds.exceeded["head_bytes"] += 1
                self.send_400_response(f"A request may have {self._bounds.head_bytes} bytes beside its body.")
        if self._is_forgotten:
            arrival.await_head(self._miss_head)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._arrival.await_head(self._miss_head)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._arrival.is_in_head:  # those behind a body are nobody's
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._arrival.end()
        if len(self.pipeline) >= MOST_WAITING:
            raise ValueError("too many requests wait")
        if len(self.url) + sum([len(name) + len(value) for name, value in self.headers]) > self._bounds.head_bytes:
            self._bounds.exceeded["head_bytes"] += 1
            raise ValueError("the head is too long")  # the parser hands it to uvicorn, whose answer is 400
        self._check_host()
        is_last = self._parser.should_upgrade() and self._is_last_of_http()
        self._arrival.begin_body()
        self._refusal = self._turned_away()
        if self._refusal is None:
            super().on_headers_complete()
        if is_last:
            self._is_last = True
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._arrival.bytes_beside -= len(body)
        if self._refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._arrival.end()
        if self._refusal is not None:
            self._answer(self._refusal)
            self._refusal = None
            return
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(b"400 Bad Request", msg)

    def handle_websocket_upgrade(self) -> None:
        """The socket goes on counting as a connection of its address.

        There is none while an answer is under way: its bytes would come in the midst of the socket's.
        """
        self._arrival.end()
        if not self._is_idle:
            self.transport.close()
            return
        super().handle_websocket_upgrade()
        if self._counted is not None:
            release = partial(self._bounds.release, self._counted)
            cast("Any", self.transport.get_protocol()).on_lost = release
            self._counted = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reading(is_blocked=True)

    def resume_writing(self) -> None:
        self._await_reading(is_blocked=False)
        super().resume_writing()

    def shutdown(self) -> None:
        self.app_state[STOP]()
        super().shutdown()

    def _check_host(self) -> None:
        """A request names one host (RFC 9112, section 3.2): two, and a proxy may have looked at the other."""
        named = sum([name == b"host" for name, _ in self.headers])
        if named > 1 or (named == 0 and self._parser.get_http_version() == "1.1"):
            raise ValueError("a request names one host")

    def _is_last_of_http(self) -> bool:
        """Whether a request that asks for another protocol is answered as any other, and its connection closed.

        The parser takes what follows its head for the other protocol, so that a body would be read as the next
        request: whoever shares the connection, behind a proxy, would get its answer. Raises ValueError for a body.
        """
        given = dict(self.headers)
        if b"transfer-encoding" in given or given.get(b"content-length", b"0").strip(b"0"):
            raise ValueError("a request with a body asks for another protocol")
        return not self._should_upgrade()

    def _turned_away(self) -> bytes | None:
        """What the doorkeeper says; never while an earlier request waits for its answer, which has to come first.

        Nor to HEAD, which the application refuses without a body.
        """
        if self._turn_away is None or not self._is_idle or self.expect_100_continue or self._parser.should_upgrade():
            return None
        return None if self._parser.get_method() == b"HEAD" else self._turn_away(self.url, self.headers)

    def _answer(self, refusal: bytes) -> None:
        lines = [b"HTTP/1.1 503 Service Unavailable\r\n"]
        lines += [b"%b: %b\r\n" % header for header in self.server_state.default_headers]
        keeps_alive = self._parser.get_http_version() != "1.0" and self._parser.should_keep_alive()
        self.transport.write(b"".join([*lines, b"" if keeps_alive else b"connection: close\r\n", refusal]))
        if not keeps_alive:
            self.transport.close()
        self.on_response_complete()

    @property
    def _is_idle(self) -> bool:
        """Whether everything that came has been answered."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    @property
    def _is_forgotten(self) -> bool:
        """Whether nobody waits for anything any more.

        uvicorn waits for a next head from its answer on, until something comes: that may be the rest of a body.
        """
        is_waiting = self._arrival.is_awaited or self.timeout_keep_alive_task is not None
        return self._is_idle and not is_waiting and self.transport.get_protocol() is self

    @property
    def _parser(self) -> HttpRequestParser:
        """It is there while it calls."""
        return cast("HttpRequestParser", self.parser)

    def _await_reading(self, *, is_blocked: bool) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._reading = self.loop.call_later(self._bounds.unread_seconds, self._miss_reader) if is_blocked else None

    def _miss_reader(self) -> None:
        self._bounds.exceeded["unread_seconds"] += 1
        self.transport.abort()

    def _miss_head(self) -> None:
        self._bounds.exceeded["head_seconds"] += 1
        self.transport.close()

    def _miss_body(self) -> None:
        self._bounds.exceeded["body_seconds"] += 1
        self._refuse(b"408 Request Timeout", f"A body may take {self._bounds.body_seconds:g} seconds to come.")

    def _refuse(self, status: bytes, message: str) -> None:
        """Says why, where that would not be taken for the answer to another request; and closes."""
        if self._may_answer:
            lines = [b"HTTP/1.1 " + status, b"content-type: text/plain; charset=utf-8", b"connection: close"]
            lines += [b"content-length: %d" % len(message), b"", message.encode()]
            self.transport.write(b"\r\n".join(lines))
        self.transport.close()

    @property
    def _may_answer(self) -> bool:
        """Whether the next answer is that to the request which comes in, and has not begun."""
        if self._is_idle:
            return True
        cycle = self.cycle
        return self._arrival.is_in_body and not cycle.response_started and not self.pipeline

    def _uncount(self) -> None:
        if self._counted is not None:
            self._bounds.release(self._counted)
            self._counted = None

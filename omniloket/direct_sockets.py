"""A way to a WebSocket that is as short as can be, beside the one that ASGI has.

An event goes to thousands of sockets as the same bytes. ASGI would frame them for each, in a coroutine of its own.
"""

from asyncio import Handle
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

from subscriptions.allowance import Allowance
from subscriptions.frames import WRITE

MOST_FRAGMENTS = 100
"""Frames of one message. How much they hold is bounded elsewhere, but a frame may hold nothing."""

SIGNALS_AT_ONCE = 100
SIGNALS_PER_SECOND = 10
"""Frames that are no messages: pings and pongs of WebSocket itself, and the further frames of a message. Whoever sends
more is no client of good will."""

SLICE_BYTES = 1_024
"""What is read of a socket before others have their turn: frames of six bytes each take it a millisecond."""

_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class DirectSockets(WebSocketsSansIOProtocol):
    """WebSockets as uvicorn speaks them; the application may also hand over frames that are made already.

    What a peer sends makes nothing pile up here, and keeps nobody else waiting, whether it reads or not.
    """

    _turn: Handle | None = None
    _is_held = False

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._unread = bytearray()
        self._signals = Allowance(SIGNALS_PER_SECOND, SIGNALS_AT_ONCE)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._turn is not None:
            self._turn.cancel()
        self._unread.clear()
        super().connection_lost(exc)

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            extensions: dict[str, Any] = self.scope.setdefault("extensions", {})
            extensions[WRITE] = self.write_frame

    def data_received(self, data: bytes) -> None:
        if not self.handshake_initiated:
            super().data_received(data)
            if not self.handshake_initiated:  # the whole head is here, and is none: uvicorn has no answer to that
                self._hang_up(_BAD_REQUEST)
        elif len(data) <= SLICE_BYTES and not self._unread:
            super().data_received(data)
        else:
            self._unread += data
            self._go_on()

    async def receive(self) -> Any:
        message = await super().receive()
        self._go_on()
        return message

    async def send(self, message: Any) -> None:
        await super().send(message)
        self._go_on()

    def _go_on(self) -> None:
        """Reads what has come, a slice at a turn of the loop; first of all what waits for the application, if any."""
        if self.read_paused or self._turn is not None:
            return
        if self._unread:
            self._is_held = True
            self.transport.pause_reading()
            self._turn = self.loop.call_soon(self._read_slice)
        elif self._is_held:
            self._is_held = False
            self.transport.resume_reading()

    def _read_slice(self) -> None:
        self._turn = None
        data = bytes(self._unread[:SLICE_BYTES])
        del self._unread[:SLICE_BYTES]
        super().data_received(data)
        self._go_on()

    def send_receive_event_to_app(self) -> None:
        if not self.close_sent or self._may_signal():  # after the end a message is none any more
            super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        if self._may_signal():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        if self._may_signal():
            super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        if not self._may_signal():
            return
        if len(self.frames) < MOST_FRAGMENTS:
            super().handle_cont(event)
        else:
            self._fail(CloseCode.MESSAGE_TOO_BIG, f"more than {MOST_FRAGMENTS} frames")

    def write_frame(self, frame: bytes) -> bool:
        """Whether the frame was taken. It is not by a socket that is closing, or that has enough to send already."""
        if not self.writable.is_set() or self.close_sent or self.disconnected or not self.handshake_complete:
            return False
        self.transport.write(frame)
        return True

    def _may_signal(self) -> bool:
        """Whether one more frame is taken that is no message. The socket is closed when there are too many."""
        if self.transport.is_closing():
            return False
        if self._signals.take(1, self.loop.time()) > 0:
            self._fail(CloseCode.POLICY_VIOLATION, "too many frames")
            return False
        return True

    def _fail(self, code: CloseCode, reason: str) -> None:
        self.conn.fail(code, reason)
        self._hang_up()

    def _hang_up(self, last: bytes = b"") -> None:
        """After what the protocol has to say, or else these last bytes."""
        self.close_sent = True
        self._unread.clear()
        self.transport.write(b"".join(self.conn.data_to_send()) or last)
        self.transport.close()

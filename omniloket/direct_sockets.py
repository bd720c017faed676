"""A way to a WebSocket that is as short as can be, beside the one that ASGI has.

An event goes to thousands of sockets as the same bytes. ASGI would frame them for each, in a coroutine of its own.
"""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

from subscriptions.frames import WRITE

MOST_FRAGMENTS = 1_000
"""Frames of one message. How much they hold is bounded elsewhere, but a frame may hold nothing."""

_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class DirectSockets(WebSocketsSansIOProtocol):
    """WebSockets as uvicorn speaks them; the application may also hand over frames that are made already.

    What a peer sends makes nothing pile up here, whether it reads or not.
    """

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            extensions: dict[str, Any] = self.scope.setdefault("extensions", {})
            extensions[WRITE] = self.write_frame

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated:  # the whole head is here, and is none: uvicorn has no answer to that
            self._hang_up(_BAD_REQUEST)

    def handle_ping(self) -> None:
        """A pong; none while the peer does not read (RFC 6455, section 5.5.3: the last ping is enough)."""
        pong = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(pong)

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) < MOST_FRAGMENTS:
            super().handle_cont(event)
        else:
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, f"more than {MOST_FRAGMENTS} frames")
            self._hang_up()

    def write_frame(self, frame: bytes) -> bool:
        """Whether the frame was taken. It is not by a socket that is closing, or that has enough to send already."""
        if not self.writable.is_set() or self.close_sent or self.disconnected or not self.handshake_complete:
            return False
        self.transport.write(frame)
        return True

    def _hang_up(self, last: bytes = b"") -> None:
        """After what the protocol has to say, or else these last bytes."""
        self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()) or last)
        self.transport.close()

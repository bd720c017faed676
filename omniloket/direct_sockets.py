"""A way to a WebSocket that is as short as can be, beside the one that ASGI has.

An event goes to thousands of sockets as the same bytes. ASGI would frame them for each, in a coroutine of its own.
"""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from subscriptions.frames import WRITE


class DirectSockets(WebSocketsSansIOProtocol):
    """WebSockets as uvicorn speaks them; the application may also hand over frames that are made already."""

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            extensions: dict[str, Any] = self.scope.setdefault("extensions", {})
            extensions[WRITE] = self.write_frame

    def write_frame(self, frame: bytes) -> bool:
        """Whether the frame was taken. It is not by a socket that is closing, or that has enough to send already."""
        if not self.writable.is_set() or self.close_sent or self.disconnected or not self.handshake_complete:
            return False
        self.transport.write(frame)
        return True

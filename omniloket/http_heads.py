"""What uvicorn does not bound: a request's line and headers, in length and time, and an answer that nobody reads."""

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from omniloket.socket_ends import STOP

MAX_HEAD_BYTES = 65_536
HEAD_SECONDS = 15.0
"""From the start of a connection or a request to the end of its headers."""

UNREAD_SECONDS = 30.0
"""How long a client may leave an answer unread that fills all buffers on the way."""


class BoundedHeads(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it. A head that is too long is 400; one that does not end is given up.

    So is an answer that is not read. When the server stops, the application ends the answers that go on.
    """

    _head_bytes = 0
    _is_in_head = True
    _deadline: TimerHandle | None = None
    _patience: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._await_reading(is_blocked=False)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # A chunk is small beside the limit: only what lies before it is counted exactly.
        if self._is_in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response(f"A request's line and headers may have {MAX_HEAD_BYTES} bytes.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reading(is_blocked=True)

    def resume_writing(self) -> None:
        self._await_reading(is_blocked=False)
        super().resume_writing()

    def shutdown(self) -> None:
        self.app_state[STOP]()
        super().shutdown()

    def _await_reading(self, *, is_blocked: bool) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._patience = self.loop.call_later(UNREAD_SECONDS, self.transport.abort) if is_blocked else None

    def _await_head(self) -> None:
        self._stop_waiting()
        self._is_in_head, self._head_bytes = True, 0
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        self._is_in_head = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

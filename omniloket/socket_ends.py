"""How a WebSocket ends: what uvicorn leaves to chance, or does too soon."""

from asyncio import Task, TimerHandle
from collections.abc import Callable

from omniloket.direct_sockets import DirectSockets

STOP = "stop"
"""The key in the lifespan's state of what is to be called when the server stops."""

PATIENCE_SECONDS = 5.0
"""How long a peer may take to read what was left for it, once its socket is done with."""


class GentleSockets(DirectSockets):
    """WebSockets as uvicorn speaks them; but the application closes them when the server stops, each in its turn.

    A peer that does not read its last messages is not waited for.
    """

    _giving_up: TimerHandle | None = None
    on_lost: Callable[[], None] | None = None
    """Called when the connection is lost."""

    def shutdown(self) -> None:
        self.app_state[STOP]()
        if self.close_sent:
            super().shutdown()

    def on_task_complete(self, task: Task[None]) -> None:
        super().on_task_complete(task)
        if not self.disconnected:
            self._giving_up = self.loop.call_later(PATIENCE_SECONDS, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost()
        if self._giving_up is not None:
            self._giving_up.cancel()

"""What a client asked for is not worked on once it has gone: cancelled, down to the database's statement."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

from starlette.requests import ClientDisconnect
from starlette.types import Receive

QUICK_SECONDS = 0.1
"""Answers that are there sooner are never watched over: nearly all, and watching costs more than some of them."""


@asynccontextmanager
async def while_connected(receive: Receive, quick_seconds: float = QUICK_SECONDS) -> AsyncGenerator[None]:
    """Cancels what is done inside when the client goes away, and raises ClientDisconnect. The body must be read."""
    watching = _Watching(receive)
    timer = asyncio.get_running_loop().call_later(quick_seconds, watching.start)
    try:
        yield
    except asyncio.CancelledError:
        if not watching.has_cancelled:
            raise
        watching.asking.uncancel()
        raise ClientDisconnect from None
    finally:
        timer.cancel()
        watching.stop()


class _Watching:
    """Waits for the client to go, beside the task that answers it."""

    def __init__(self, receive: Receive) -> None:
        self.asking = cast("asyncio.Task[object]", asyncio.current_task())
        self.has_cancelled = False
        self._receive = receive
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._watch())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.has_cancelled = True
        self.asking.cancel()

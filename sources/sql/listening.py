"""Wake-ups from PostgreSQL: one connection of its own per database and process, that LISTENs while somebody hears.

Whose statement rings is in `sources.sql.triggers`: a trigger to which the owner consented, or our own writer.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import Context
from typing import Any

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from sources.sql.connections import FAILURES
from sources.waking import Bell

WAKE_UP = "omniloket"
"""The name under which PostgreSQL tells that a log has grown; the payload is empty."""

CONNECT_SECONDS = 5.0
SIGN_OF_LIFE_SECONDS = 30.0
"""How often a quiet connection is asked whether it is one still."""

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 5.0


class Listener:
    """The wake-ups of one database (`sources.ports.WakeUps`). It listens while somebody hears them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._bell = Bell()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def heard(self, woken: asyncio.Event) -> Generator[None]:
        try:
            with self._bell.heard(woken):
                if self._task is None:
                    self._task = asyncio.create_task(self._run(), name="listening", context=Context())
                yield
        finally:
            if not self._bell.is_heard and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _run(self) -> None:
        """Listens, and begins anew when the connection is cut: soon at first, then at longer intervals."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                async with self._listening() as connection:
                    pause = _FIRST_PAUSE_SECONDS
                    # What was written while nobody listened.
                    self._bell.ring()
                    await _end_of(connection)
            except (*FAILURES, TimeoutError):
                pass
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _ring(self, *_: object) -> None:
        self._bell.ring()

    @asynccontextmanager
    async def _listening(self) -> AsyncGenerator[Any]:
        """A connection that rings. It is dropped without a goodbye, which a server that is stuck would not answer."""
        engine = create_async_engine(self._url, poolclass=NullPool)
        async with asyncio.timeout(CONNECT_SECONDS):
            connected = await engine.connect()
            connection: Any = (await connected.get_raw_connection()).driver_connection
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.add_listener(WAKE_UP, self._ring)
            yield connection
        finally:
            connection.terminate()
            await connected.close()


async def _end_of(connection: Any) -> None:
    """Waits until the server or the network has cut the connection."""
    ended = asyncio.Event()

    def end(_: object) -> None:
        ended.set()

    connection.add_termination_listener(end)
    while not connection.is_closed():
        try:
            async with asyncio.timeout(SIGN_OF_LIFE_SECONDS):
                await ended.wait()
        except TimeoutError:
            await connection.execute("SELECT 1", timeout=CONNECT_SECONDS)

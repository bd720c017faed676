"""The lease by which one process at a time is the linker."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from uuid import uuid4

from sources.linking.storing import JourneyStore, NotTheLinker


class Lease:
    """One process's place as the linker: taken for `seconds`, and for longer while it works."""

    def __init__(self, store: JourneyStore, seconds: float, clock: Callable[[], datetime]) -> None:
        self.holder = uuid4().hex
        self._store = store
        self._seconds = seconds
        self._clock = clock

    async def take(self) -> None:
        """Becomes the linker, or stays it. Raises NotTheLinker while another process is."""
        now = self._clock()
        if not await self._store.hold(self.holder, now, now + timedelta(seconds=self._seconds)):
            raise NotTheLinker

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[None]:
        """Takes it, and keeps it for as long as the work inside goes on, which may be longer than the lease.

        Or processes whose back-ends are slow would take it from each other for ever, before any of them has written.
        """
        await self.take()
        renewing = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])

    async def release(self) -> None:
        """Lets another process take over at once."""
        await self._store.release(self.holder, self._clock())

    async def _renew(self) -> None:
        """Never takes it back from another process: what that one wrote in between, the work here does not know."""
        while True:
            await asyncio.sleep(self._seconds / 3)
            with suppress(Exception):  # of whatever kind: what is written is fenced
                await self._store.renew(self.holder, self._clock() + timedelta(seconds=self._seconds))

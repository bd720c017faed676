"""How many operations run at a time, and how many wait for that: beyond, a server that has too much to do says so.

A request that waits long is answered when nobody wants the answer any more, and makes all others wait as long. Those
that run are as many as keep the processor busy while their sources are waited for.
"""

import asyncio
from types import TracebackType

from engine.codes import LIMIT_EXCEEDED
from omniloket.refusals import ComeBackLater

RETRY_SECONDS = 1


class Overloaded(ComeBackLater):
    def __init__(self) -> None:
        message = "The server has too much to do. Ask again in a while."
        super().__init__(503, message, RETRY_SECONDS, LIMIT_EXCEEDED, limit="running")


class Admission:
    """Entered by each operation for as long as it runs; raises Overloaded on entering.

    At most `running` are inside, and `waiting` before the door, each for `waiting_seconds` at most.
    """

    def __init__(self, running: int, waiting: int, waiting_seconds: float) -> None:
        self._most = running + waiting
        self._waiting_seconds = waiting_seconds
        self._places = asyncio.Semaphore(running)
        self.present = 0
        self.refused = 0

    @property
    def is_full(self) -> bool:
        """Whether one more would be refused."""
        return not self.has_room_for(1)

    def has_room_for(self, more: int) -> bool:
        """Whether so many more would not be refused."""
        return self.present + more <= self._most

    def refuse(self) -> Overloaded:
        """What one more is told."""
        self.refused += 1
        return Overloaded()

    async def __aenter__(self) -> None:
        if self.is_full:
            raise self.refuse()
        self.present += 1
        try:
            if self._places.locked():
                async with asyncio.timeout(self._waiting_seconds):
                    await self._places.acquire()
            else:
                await self._places.acquire()
        except TimeoutError:
            self.present -= 1
            raise self.refuse() from None
        except BaseException:
            self.present -= 1
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.present -= 1
        self._places.release()

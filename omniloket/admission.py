"""How many operations run at a time, and how many wait for that: beyond, a server that has too much to do says so.

A request that waits long is answered when nobody wants the answer any more, and makes all others wait as long. Those
that run are as many as keep the processor busy while their sources are waited for.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Hashable
from types import TracebackType
from typing import Any, cast

from engine.codes import LIMIT_EXCEEDED
from omniloket.refusals import ComeBackLater
from sources.shares import Shares, all_but_a_quarter

RETRY_SECONDS = 1


class Overloaded(ComeBackLater):
    def __init__(self) -> None:
        message = "The server has too much to do. Ask again in a while."
        super().__init__(503, message, RETRY_SECONDS, LIMIT_EXCEEDED, limit="running")


class Admission:
    """Entered by each operation for as long as it runs (`of`); raises Overloaded on entering.

    At most `running` are inside, and `waiting` before the door, each for `waiting_seconds` at most. All but a quarter
    of either are for one asker, so that the slow operations of one do not shut the others out.
    """

    def __init__(self, running: int, waiting: int, waiting_seconds: float) -> None:
        self._most = running + waiting
        self._most_waiting_each = all_but_a_quarter(waiting)
        self._waiting_seconds = waiting_seconds
        self._places = asyncio.Semaphore(running)
        self._shares = Shares(running, waiting)
        self._waiting: Counter[Hashable | None] = Counter()
        self.present = 0
        self.refused = 0

    @property
    def is_full(self) -> bool:
        """Whether one more would be refused, whoever asks."""
        return not self.has_room_for(1)

    def has_room_for(self, more: int) -> bool:
        """Whether so many more would not be refused."""
        return self.present + more <= self._most

    def refuse(self) -> Overloaded:
        """What one more is told."""
        self.refused += 1
        return Overloaded()

    def of(self, asker: Hashable | None) -> "Place":
        """To be entered for an operation of the asker's; None is nobody in particular, whom only the whole bounds."""
        return Place(self, asker)

    async def enter(self, asker: Hashable | None) -> None:
        """What has a place at once waits for nothing."""
        if self.present >= self._most:
            raise self.refuse()
        self.present += 1
        try:
            if self._places.locked() or not self._shares.took(asker):
                await self._wait(asker)
            else:
                await self._places.acquire()
        except BaseException:
            self.present -= 1
            raise

    def leave(self, asker: Hashable | None) -> None:
        self.present -= 1
        self._places.release()
        self._shares.give_back(asker)

    async def _wait(self, asker: Hashable | None) -> None:
        if asker is not None and self._waiting[asker] >= self._most_waiting_each:
            raise self.refuse()
        self._waiting[asker] += 1
        try:
            async with asyncio.timeout(self._waiting_seconds):
                await self._turn(asker)
        except TimeoutError:
            raise self.refuse() from None
        finally:
            self._waiting[asker] -= 1
            if not self._waiting[asker]:
                del self._waiting[asker]

    async def _turn(self, asker: Hashable | None) -> None:
        """For one of the asker's places first: who waits for itself stands in nobody else's way."""
        if not self._shares.took(asker):
            await self._shares.turn(cast("Hashable", asker))
        try:
            await self._places.acquire()
        except BaseException:
            self._shares.give_back(asker)
            raise


class Place:
    """Where one operation runs."""

    __slots__ = ("_admission", "_asker")

    def __init__(self, admission: Admission, asker: Hashable | None) -> None:
        self._admission = admission
        self._asker = asker

    def __aenter__(self) -> Coroutine[Any, Any, None]:
        return self._admission.enter(self._asker)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admission.leave(self._asker)

"""How many places each asker may hold where there are few, so that others find room beside whatever it asks.

A source's connections are such places, and those of the operations that run at a time.
"""

import asyncio
import math
from collections import deque
from collections.abc import Hashable


def all_but_a_quarter(count: int) -> int:
    """What one asker may have of so many; one at least."""
    return max(1, count - math.ceil(count / 4))


class Shares:
    """All places but a quarter, for each asker; one at least. None is nobody in particular, and unbounded.

    Who has its share waits for one of its own, and its questions have them in turn: all but a quarter of `waiting`.
    """

    def __init__(self, places: int, waiting: int) -> None:
        self.most = all_but_a_quarter(places)
        self._most_waiting = all_but_a_quarter(waiting)
        self._held: dict[Hashable, int] = {}
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @property
    def waiting(self) -> int:
        """How many questions wait for a place of their own asker's."""
        return sum(map(len, self._waiting.values()))

    def has_room(self, asker: Hashable | None) -> bool:
        """Whether one more may wait for a place of the asker's."""
        return len(self._waiting.get(asker, ())) < self._most_waiting

    def took(self, asker: Hashable | None) -> bool:
        """Takes a place of the asker's, if there is one left; else it has to wait for its turn."""
        if asker is None:
            return True
        held = self._held.get(asker, 0)
        if held >= self.most:
            return False
        self._held[asker] = held + 1
        return True

    async def turn(self, asker: Hashable) -> None:
        """Waits for a place of the asker's."""
        given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(asker, deque()).append(given)
        try:
            await given
        except asyncio.CancelledError:
            if given.done() and not given.cancelled():
                self.give_back(asker)
            else:
                self._leave(asker, given)
            raise

    def _leave(self, asker: Hashable, given: asyncio.Future[None]) -> None:
        waiting = self._waiting.get(asker)
        if waiting is not None and given in waiting:
            waiting.remove(given)
            if not waiting:
                del self._waiting[asker]

    def give_back(self, asker: Hashable | None) -> None:
        """One of the asker's is free: for who has waited longest, if anybody still does."""
        if asker is None:
            return
        waiting = self._waiting.pop(asker, None) if self._waiting else None
        while waiting:
            given = waiting.popleft()
            if not given.done():
                given.set_result(None)
                if waiting:
                    self._waiting[asker] = waiting
                return
        held = self._held.pop(asker) - 1
        if held:
            self._held[asker] = held

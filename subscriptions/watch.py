"""Tailing one source's log: read once a process for all that follow it, and only while somebody does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from sources.errors import SourceError
from sources.ports import Change, Log, MalformedChange
from subscriptions.waking import Rest

BATCH = 500
"""Rows that one reading of a log asks for."""


class Follower(Protocol):
    """What a tail hands changes to; it must not wait."""

    def offer(self, log: str, change: Change[Any]) -> None: ...


class Tail:
    """The tail of one log. Reads when it is woken, and every `poll_seconds` in any case.

    A source that fails is asked again at the same pace.

    `report` is told of every failure and of every row that could not be read.
    """

    def __init__(
        self,
        name: str,
        log: Log[Any],
        *,
        poll_seconds: float,
        sleep: Callable[[float], Awaitable[None]],
        clock: Callable[[], float],
        report: Callable[[str, Exception], None],
    ) -> None:
        self.name = name
        self.log = log
        self._poll_seconds = poll_seconds
        self._sleep = sleep
        self._clock = clock
        self._report = report
        self._followers: set[Follower] = set()
        self._starting = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._position = 0
        self._caught_up_at: float | None = None

    @property
    def lag_seconds(self) -> float | None:
        """How long ago this tail last stood at the end of its log; None while nobody follows."""
        return None if self._caught_up_at is None else self._clock() - self._caught_up_at

    async def join(self, follower: Follower) -> int:
        """Adds a follower; it is offered every change after the position that this returns."""
        async with self._starting:
            if self._task is None:
                self._position = await self.log.end()
                self._caught_up_at = self._clock()
                self._task = asyncio.create_task(self._run(), name=f"tail of {self.name}")
            self._followers.add(follower)
            return self._position

    async def leave(self, follower: Follower) -> None:
        """Removes a follower; without any, nothing is polled any more."""
        self._followers.discard(follower)
        if not self._followers:
            await self.stop()

    async def stop(self) -> None:
        task, self._task, self._caught_up_at = self._task, None, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        with Rest([self.log], self._sleep) as rest:
            while True:
                try:
                    is_behind = await self._read()
                except SourceError as error:
                    self._report(self.name, error)
                    is_behind = False
                if not is_behind:
                    await rest.take(self._poll_seconds)

    async def _read(self) -> bool:
        """Hands on one batch; whether there may be more at once."""
        changes = await self.log.changes(self._position, BATCH)
        for change in changes:
            self._position = change.position
            if isinstance(change, MalformedChange):
                self._report(self.name, change.error)
                continue
            for follower in tuple(self._followers):
                follower.offer(self.name, change)
        if len(changes) < BATCH:
            self._caught_up_at = self._clock()
        return len(changes) == BATCH

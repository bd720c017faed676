"""Tailing one source's log: read once a process for all that follow it, and only while somebody does."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any, Protocol

from sources.errors import MarkExpired
from sources.ports import Change, Log, MalformedChange, Mark
from subscriptions.waking import Rest

BATCH = 500
"""Rows that one reading of a log asks for, or as many as may wait for a stream, if that is less."""

WHOLE_SECONDS = 30.0
"""How often a log is read as a whole, for rows that come very late by their serials."""


class Follower(Protocol):
    """What a tail hands changes to; it must not wait."""

    def offer(self, log: str, change: Change[Any]) -> None: ...

    def fail(self, error: MarkExpired) -> None:
        """Nothing more comes: the log does not go on from where it was read."""
        ...


class Tail:
    """The tail of one log. Reads when it is woken, and every `poll_seconds` in any case.

    A log that cannot be read, for whatever reason, is asked again at the same pace. `mark` is where it stands. Between
    two batches followers that wait for changes have a turn: no more than `batch` are handed on at once.

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
        batch: int = BATCH,
    ) -> None:
        self.name = name
        self.log = log
        self._poll_seconds = poll_seconds
        self._sleep = sleep
        self._clock = clock
        self._report = report
        self._batch = batch
        self._followers: set[Follower] = set()
        self._starting = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.mark: Mark = ""
        self._whole_at = 0.0
        self._caught_up_at: float | None = None

    @property
    def lag_seconds(self) -> float | None:
        """How long ago this tail last stood at the end of its log; None while nobody follows."""
        return None if self._caught_up_at is None else self._clock() - self._caught_up_at

    async def join(self, follower: Follower, after: Mark | None = None) -> Mark:
        """Adds a follower; it is offered every change after the mark that this returns, which covers `after`.

        Raises MarkExpired when what came after `after` cannot be told.
        """
        async with self._starting:
            if self._task is None:
                self.mark = await self.log.end()
                self._whole_at = self._caught_up_at = self._clock()
                self._task = asyncio.create_task(self._run(), name=f"tail of {self.name}", context=Context())
            self._followers.add(follower)  # before it is waited for anything, or the last one to leave stops the tail
            try:
                if after is not None:
                    await self._reach(after)
            except BaseException:
                self._followers.discard(follower)
                raise
            return self.mark

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
                    is_behind = await self._read(whole=self._clock() - self._whole_at >= WHOLE_SECONDS)
                except MarkExpired as error:
                    self._fail(error)
                    return
                except Exception as error:  # of whatever kind: a tail that died of it would be missed by nobody
                    self._report(self.name, error)
                    is_behind = False
                if not is_behind:
                    await rest.take(self._poll_seconds)

    async def _reach(self, mark: Mark) -> None:
        """Reads on until a mark is covered, which another process may have given out just now."""
        while not await self.log.covers(self.mark, mark):
            if not await self._read(whole=True) and not await self.log.covers(self.mark, mark):
                raise MarkExpired(self.log.source)

    async def _read(self, *, whole: bool) -> bool:
        """Hands on one batch; whether there may be more at once."""
        async with self._reading:
            # Also when it fails: a table that takes too long to be read as a whole is followed all the same.
            self._whole_at = self._clock() if whole else self._whole_at
            reading = await self.log.changes(self.mark, self._batch, whole=whole)
            self.mark = reading.mark
            for change in reading.changes:
                self._hand_on(change)
            if not reading.more:
                self._caught_up_at = self._clock()
        if reading.more:
            await asyncio.sleep(0)
        return reading.more

    def _hand_on(self, change: Change[Any] | MalformedChange) -> None:
        if isinstance(change, MalformedChange):
            self._report(self.name, change.error)
            return
        for follower in tuple(self._followers):
            follower.offer(self.name, change)

    def _fail(self, error: MarkExpired) -> None:
        self._report(self.name, error)
        self._task = self._caught_up_at = None
        followers, self._followers = self._followers, set()
        for follower in followers:
            follower.fail(error)

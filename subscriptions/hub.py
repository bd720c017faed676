"""Fanning changes out to streams, with bounded queues and replay from the source.

No truth is kept here: a stream that starts after a position reads what it missed from the source's own log.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sources.ports import Change, Log, MalformedChange
from subscriptions.watch import BATCH, Tail


@dataclass(frozen=True)
class Event:
    """A change in a log. `positions`: where the stream stands in each of its logs once this event is handled."""

    log: str
    record: Any
    positions: Mapping[str, int]


class StreamOverflowed(Exception):
    """The stream's queue is full: its reader is too slow. `positions` is where it stands."""

    def __init__(self, positions: Mapping[str, int]) -> None:
        super().__init__("the stream's queue is full")
        self.positions = positions


class Hub:
    """All tails of this process, by the name of the log.

    `queue_size` bounds the changes that may wait for one stream; a stream beyond it ends with StreamOverflowed.
    """

    def __init__(
        self,
        logs: Mapping[str, Log[Any]],
        *,
        poll_seconds: float = 1.0,
        queue_size: int = 1000,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        report: Callable[[str, Exception], None] = lambda _name, _error: None,
    ) -> None:
        self._queue_size = queue_size
        self._tails = {
            name: Tail(name, log, poll_seconds=poll_seconds, sleep=sleep, clock=clock, report=report)
            for name, log in logs.items()
        }

    async def ends(self) -> Mapping[str, int]:
        """The position of the newest change in every log: the place to follow from, taken before anything is read."""
        ends = await asyncio.gather(*(tail.log.end() for tail in self._tails.values()))
        return dict(zip(self._tails, ends, strict=True))

    def lag_seconds(self, source: str) -> float | None:
        """The largest lag of the tails of a source's logs; None while nobody follows one."""
        lags = [tail.lag_seconds for tail in self._tails.values() if tail.log.source == source]
        return max((lag for lag in lags if lag is not None), default=None)

    @asynccontextmanager
    async def follow(self, after: Mapping[str, int | None]) -> AsyncGenerator[AsyncIterator[Event]]:
        """The changes of some logs, each after a position, or from now on where that is None.

        Raises SourceUnavailable when a log cannot be read at the start. The iterator raises StreamOverflowed.
        """
        stream = _Stream(self._queue_size)
        async with AsyncExitStack() as leaving:
            joined: dict[str, int] = {}
            for name in after:
                tail = self._tails[name]
                leaving.push_async_callback(tail.leave, stream)
                joined[name] = await tail.join(stream)
            stream.positions = {name: joined[name] if start is None else start for name, start in after.items()}
            yield self._events(stream, joined)

    async def close(self) -> None:
        """Stops all tails. Streams that still follow get nothing more."""
        await asyncio.gather(*(tail.stop() for tail in self._tails.values()))

    async def _events(self, stream: "_Stream", joined: Mapping[str, int]) -> AsyncIterator[Event]:
        for name, end in joined.items():
            async for change in self._replayed(name, stream.positions[name], end):
                yield stream.passed(name, change)
        while True:
            name, change = await stream.next()
            if change.position > stream.positions[name]:
                yield stream.passed(name, change)

    async def _replayed(self, name: str, after: int, end: int) -> AsyncIterator[Change[Any]]:
        """What a log holds after a position up to the one at which the stream joined: paged, never all at once."""
        while after < end:
            changes = await self._tails[name].log.changes(after, BATCH)
            if not changes:
                return
            for change in changes:
                after = change.position
                if after <= end and not isinstance(change, MalformedChange):
                    yield change


class _Stream:
    """The bounded queue of one stream."""

    def __init__(self, size: int) -> None:
        self.positions: dict[str, int] = {}
        self._size = size
        self._waiting: deque[tuple[str, Change[Any]]] = deque()
        self._arrived = asyncio.Event()
        self._overflowed = False

    def offer(self, log: str, change: Change[Any]) -> None:
        if len(self._waiting) >= self._size:
            self._overflowed = True
        else:
            self._waiting.append((log, change))
        self._arrived.set()

    async def next(self) -> tuple[str, Change[Any]]:
        while not self._waiting:
            if self._overflowed:
                raise StreamOverflowed(self.positions)
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    def passed(self, log: str, change: Change[Any]) -> Event:
        self.positions = {**self.positions, log: change.position}
        return Event(log, change.record, self.positions)

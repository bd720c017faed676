"""Fanning changes out to streams, with bounded queues and replay from the source.

No truth is kept here: a stream that starts after a mark reads what it missed from the source's own log.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sources.errors import MarkExpired, SourceUnavailable
from sources.ports import Change, Changes, HeldBack, Log, MalformedChange, Mark, Place
from sources.records import Key
from subscriptions.watch import BATCH, Tail


@dataclass(frozen=True)
class Event:
    """A change in a log. `positions`: where the stream stands in each of its logs once this event is handled.

    `more`: the next is there already, and comes without a wait.
    """

    log: str
    place: Place
    record: Any
    positions: Mapping[str, Mark]
    more: bool = False


@dataclass(frozen=True)
class Standing:
    """Where a stream stands in each log. `shown`: the places of rows that come after that, and were shown before."""

    positions: Mapping[str, Mark | None]
    shown: Mapping[str, Sequence[Place]] = field(default_factory=dict[str, Sequence[Place]])

    @property
    def shown_is_left(self) -> bool:
        """Whether any such row is still to come."""
        return any(self.shown.values())

    def has_shown(self, event: Event) -> bool:
        return event.place in self.shown.get(event.log, ())

    def after(self, event: Event) -> "Standing":
        """Where the stream stands once an event is handled."""
        if not self.has_shown(event):
            return replace(self, positions=event.positions)
        left = [place for place in self.shown[event.log] if place != event.place]
        return Standing(event.positions, {**self.shown, event.log: left})


class StreamOverflowed(Exception):
    """The stream's queue is full: its reader is too slow. `positions` is where it stands."""

    def __init__(self, positions: Mapping[str, Mark]) -> None:
        super().__init__("the stream's queue is full")
        self.positions = positions


MOST_SHOWN = 100
"""Rows of a log that are remembered because an answer may show them before they come."""

WAIT_REPORTED_SECONDS = 60.0
"""How often it is told that changes wait for a source, as long as they do."""

MOST_PAGING = 3
"""Pages that are read for streams at the same moment: however many resume at once, queries find room beside them."""


class Hub:
    """All tails of this process, by the name of the log.

    `queue_size` bounds the changes that may wait for one stream; a stream beyond it ends with StreamOverflowed.
    `report` is told of what could not be read, by the name of the log that it was read for; `waits`, of a source that
    the changes of a log wait for.
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
        waits: Callable[[str, SourceUnavailable], None] = lambda _name, _error: None,
    ) -> None:
        self.report = report
        self._waits = waits
        self._waits_told: dict[tuple[str, str], float] = {}
        self._clock = clock
        self._queue_size = queue_size
        self._paging = asyncio.Semaphore(MOST_PAGING)
        self._tails = {
            name: Tail(
                name,
                log,
                poll_seconds=poll_seconds,
                sleep=sleep,
                clock=clock,
                report=report,
                # More than that at once would overflow the queue of one who is about to take them.
                batch=min(BATCH, queue_size),
            )
            for name, log in logs.items()
        }

    async def ends(self) -> Mapping[str, Mark]:
        """The mark at the end of every log: the place to follow from, taken before anything is read."""
        ends = await asyncio.gather(*(tail.log.end() for tail in self._tails.values()))
        return dict(zip(self._tails, ends, strict=True))

    async def standing(self) -> Standing:
        """Where all logs end, and what everybody can see already though it comes after that."""
        ends = await self.ends()
        ahead = await asyncio.gather(*(self._tails[name].log.ahead(end, MOST_SHOWN) for name, end in ends.items()))
        return Standing(ends, dict(zip(ends, ahead, strict=True)))

    def mark(self, name: str) -> Mark:
        """How far a log has been read, once somebody follows it."""
        return self._tails[name].mark

    async def held_back(self, source: str) -> HeldBack | None:
        """What holds the logs of a source back now, if anything does."""
        log = next((tail.log for tail in self._tails.values() if tail.log.source == source), None)
        return None if log is None else await log.held_back()

    def report_wait(self, name: str, error: SourceUnavailable) -> None:
        """Changes of a log cannot be shown before this source answers. However many streams wait, it is told seldom."""
        now, waiting = self._clock(), (name, error.source)
        if now - self._waits_told.get(waiting, -WAIT_REPORTED_SECONDS) >= WAIT_REPORTED_SECONDS:
            self._waits_told[waiting] = now
            self._waits(name, error)

    def lag_seconds(self, source: str) -> float | None:
        """The largest lag of the tails of a source's logs; None while nobody follows one."""
        lags = [tail.lag_seconds for tail in self._tails.values() if tail.log.source == source]
        return max((lag for lag in lags if lag is not None), default=None)

    @asynccontextmanager
    async def follow(
        self, after: Mapping[str, Mark | None], *, until_now: bool = False, subject: Key | None = None
    ) -> AsyncGenerator[AsyncIterator[Event]]:
        """The changes of some logs, each after a mark, or from now on where that is None.

        `until_now`: only those up to where the logs have been read by now, for whoever follows already. `subject`: of
        what was missed, all that is about this report or journey; of the rest there may be any, or nothing.
        Raises SourceUnavailable when a log cannot be read at the start. It and the iterator raise MarkExpired, the
        iterator StreamOverflowed.
        """
        stream = _Stream(self._queue_size, subject)
        async with AsyncExitStack() as leaving:
            for name, start in after.items():
                tail = self._tails[name]
                leaving.push_async_callback(tail.leave, stream)
                joined = await tail.join(stream, start)
                stream.stand(name, joined if start is None else start)
                if start is None:
                    stream.listen(name)
            replayed = [name for name, start in after.items() if start is not None]
            yield self._events(stream, replayed, until_now=until_now)

    async def close(self) -> None:
        """Stops all tails. Streams that still follow get nothing more."""
        await asyncio.gather(*(tail.stop() for tail in self._tails.values()))

    async def _events(self, stream: "_Stream", replayed: Sequence[str], *, until_now: bool) -> AsyncIterator[Event]:
        for name in replayed:
            async for change, more in self._missed(stream, name):
                yield stream.passed(name, change, more=more)
        while not until_now:
            name, change = await stream.next()
            yield stream.passed(name, change, more=stream.has_more)

    async def _missed(self, stream: "_Stream", name: str) -> AsyncIterator[tuple[Change[Any], bool]]:
        """What a stream has missed of a log, however much, to where it goes live.

        It listens only once it has come near the end, so that its queue does not overflow meanwhile.
        """
        tail, is_near = self._tails[name], False
        while not is_near:
            rows = 0
            async for missed in self._between(stream, name, tail.mark):
                rows += 1
                yield missed
            is_near = rows < BATCH
        stream.listen(name)
        async for missed in self._between(stream, name, tail.mark):
            yield missed

    async def _between(self, stream: "_Stream", name: str, end: Mark) -> AsyncIterator[tuple[Change[Any], bool]]:
        """What lies between where a stream stands and a mark, where it stands then: paged, never all at once.

        Each with whether more of its page follow.
        """
        if stream.positions[name] == end:
            return
        async with aclosing(self._tails[name].log.between(stream.positions[name], end, stream.subject)) as pages:
            while (page := await self._page(pages)) is not None:
                good = [change for change in page if not isinstance(change, MalformedChange)]
                for change in good:
                    yield change, change is not good[-1]
        stream.stand(name, end)

    async def _page(self, pages: AsyncGenerator[Changes[Any]]) -> Changes[Any] | None:
        async with self._paging:
            return await anext(pages, None)


class _Stream:
    """The bounded queue of one stream. `subject`: what it has missed is read for that alone, where it is about one."""

    def __init__(self, size: int, subject: Key | None) -> None:
        self.subject = subject
        self.positions: dict[str, Mark] = {}
        self._listening: set[str] = set()
        self._size = size
        self._waiting: deque[tuple[str, Change[Any]]] = deque()
        self._arrived = asyncio.Event()
        self._overflowed = False
        self._expired: MarkExpired | None = None

    def stand(self, log: str, mark: Mark) -> None:
        self.positions = {**self.positions, log: mark}

    def listen(self, log: str) -> None:
        """From now on, what is offered of a log waits for the reader."""
        self._listening.add(log)

    def offer(self, log: str, change: Change[Any]) -> None:
        if log not in self._listening:
            return
        if len(self._waiting) >= self._size:
            self._overflowed = True
        elif not self._overflowed:  # once it has lost one, nothing that came later
            self._waiting.append((log, change))
        self._arrived.set()

    def fail(self, error: MarkExpired) -> None:
        self._expired = error
        self._arrived.set()

    async def next(self) -> tuple[str, Change[Any]]:
        while not self._waiting:
            if self._overflowed:
                raise StreamOverflowed(self.positions)
            if self._expired is not None:
                raise self._expired
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    @property
    def has_more(self) -> bool:
        return bool(self._waiting)

    def passed(self, log: str, change: Change[Any], *, more: bool) -> Event:
        self.stand(log, change.mark)
        return Event(log, change.place, change.record, self.positions, more)

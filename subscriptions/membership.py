"""One client's part in a stream that it may share with others.

A member is offered what its group gets, and hands it to its client at once where the client takes it. What the client
does not take waits, up to a bound: nobody else waits for it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import orjson

from engine.prepared import Prepared

MakeContext = Callable[[], Awaitable[Any]]
"""A fresh context for one operation or event; raises when the connection's rights have ended."""


@dataclass(eq=False)
class Payload:
    """One event's answer as JSON. `cursor`: the position to resume after, where the event has one.

    `place` tells the event from others of its stream. `number` counts what the group was offered. `sent` is what a
    transport made of it, and for which operation, for the next who needs the same.
    """

    json: bytes
    cursor: str | None
    place: object = None
    number: int = 0
    sent: tuple[str, bytes] = field(default=("", b""), repr=False)


Deliver = Callable[[Payload], Awaitable[None] | None]
"""Hands a payload to a client. None: that is done; else what has to be awaited until it is."""


Record = Callable[[Prepared, object, Sequence[object]], Awaitable[None]]
"""Told of an answer before it leaves: the context that it was made in, and those of whom it goes to."""


@dataclass(frozen=True)
class Common:
    """What streams must have in common to be served together. `make_context`: a context that knows that alone."""

    key: Hashable
    make_context: Callable[[], object]


@dataclass(frozen=True)
class Terms:
    """How all streams are served.

    `common` tells what the streams of an operation must have in common, from a context of one of them. `queue_size`
    bounds what may wait for a client, or for a group; beyond it, it ends as `too_slow` says of its last cursor, or of
    where it began. `rights_changed` ends a stream whose client has other rights than it began with. `failure` is an
    error as the end of a stream, or of several.
    """

    record: Record
    common: Callable[[Prepared, Any], Common]
    too_slow: Callable[[str | None], Exception]
    rights_changed: Callable[[], Exception]
    failure: Callable[[Exception], Exception]
    queue_size: int = 1000


class Group(Protocol):
    """What a member needs to know of its group. `offered` counts what it was offered so far."""

    @property
    def terms(self) -> Terms: ...

    @property
    def common(self) -> Common: ...

    @property
    def offered(self) -> int: ...


class Asked:
    """What a client asked, and with whose rights. `context` is the latest that was made with them."""

    def __init__(
        self,
        prepared: Prepared,
        variables: Mapping[str, Any],
        make_context: MakeContext,
        is_sure: Callable[[], bool],
    ) -> None:
        self.prepared = prepared
        self.variables = variables
        self.is_sure = is_sure
        self.context: Any = None
        self._make_context = make_context

    @property
    def inner_values(self) -> bytes:
        """The values of the variables that the answer to an event depends on."""
        given = {name: self.variables[name] for name in self.prepared.inner_variables if name in self.variables}
        return orjson.dumps(given, option=orjson.OPT_SORT_KEYS)

    async def make_context(self) -> Any:
        self.context = await self._make_context()
        return self.context


class Member:
    """One client of a stream. It catches up by itself, while what its group gets waits, and then goes on with it.

    `is_ready`: nothing waits for the client, and what it had before it took part does not come again. `cursor`: after
    what it took last, or where it began.
    """

    def __init__(self, asked: Asked, deliver: Deliver) -> None:
        self.asked = asked
        self.cursor: str | None = None
        self.group: Group | None = None
        self.is_ready = False
        self._deliver = deliver
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._error: Exception | None = None
        self._is_catching_up = True
        self._has_missed = False
        self._waiting: deque[tuple[Payload, bool]] | None = None
        self._handing: asyncio.Task[None] | None = None
        self._entered_at = 0
        self._told: dict[object, None] = {}
        self._told_until = 0
        self._is_settled = False

    @property
    def is_over(self) -> bool:
        """Whether the stream has ended, though its client may not have left yet."""
        return self._over.done()

    @property
    def behind(self) -> int:
        """How much waits for the client; what waits until it has caught up does not count."""
        return 0 if self._waiting is None or self._is_catching_up else len(self._waiting)

    def has_caught_up(self) -> bool:
        """Whether what waits is all that came since. Where it was too much, what was missed has to be caught up too."""
        if self._has_missed:
            self._waiting = None
            self._has_missed = False
            return False
        return True

    def enter(self, group: Group, cursor: str | None) -> None:
        """Takes part in a group: in what it is offered from now on. `cursor`: where that begins."""
        self.group, self._entered_at = group, group.offered
        if self.cursor is None:
            self.cursor = cursor

    async def take(self, payload: Payload) -> None:
        """Hands over what the client gets alone; done when the client has taken it."""
        if self.group is not None:
            self._told[payload.place] = None
            if len(self._told) > 3 * self.group.terms.queue_size:
                del self._told[next(iter(self._told))]
        await self._hand(payload)

    async def stay(self) -> None:
        """Goes on with the group, if there is one, until the stream ends. Raises what ended it."""
        if self.group is None:
            return
        self._is_catching_up = False
        self._told_until = self.group.offered
        self._waiting = deque(each for each in self._waiting or () if each[0].place not in self._told) or None
        if self._waiting and not self._over.done():
            self._begin(self._hand_on())
        await self._over
        if self._error is not None:
            # It may be what ends others, too: whoever raises it would add to its traceback, which keeps their frames.
            raise self._error.with_traceback(None)

    def offer(self, payload: Payload, *, is_sure: bool) -> None:
        """Something that the group got. `is_sure`: the rights hold, and it is recorded that the client gets it."""
        if self._over.done() or not self._is_new(payload):
            return
        if self._is_catching_up or self._handing is not None:
            self._wait(payload, cast("Group", self.group).terms, is_sure=is_sure)
        elif is_sure:
            self.hand(payload)
        else:
            self._waiting = deque([(payload, is_sure)])
            self._begin(self._hand_on())

    def hand(self, payload: Payload) -> None:
        """Hands something over to a client that is ready for it."""
        try:
            rest = self._deliver(payload)
        except Exception as error:
            self.end(error)
            return
        if rest is None:
            self.cursor, self.is_ready = payload.cursor, self._is_settled
        else:
            self._begin(self._hand_on(payload, rest))

    def end(self, error: Exception | None = None) -> None:
        """Ends the stream; what waits is given up."""
        if self._over.done():
            return
        self._error = error
        self.is_ready = False
        self._over.set_result(None)
        self._waiting = None
        if self._handing is not None and self._handing is not asyncio.current_task():
            self._handing.cancel()

    def _is_new(self, payload: Payload) -> bool:
        """Whether the client has yet to get it: not what came before it took part, nor what it got alone."""
        if self._is_catching_up:
            return payload.number > self._entered_at
        if payload.number > self._told_until:
            self._told.clear()
            self._is_settled = True
        return payload.number > self._entered_at and payload.place not in self._told

    def _wait(self, payload: Payload, terms: Terms, *, is_sure: bool) -> None:
        if self._waiting is None:
            self._waiting = deque()
        if len(self._waiting) < terms.queue_size:
            self._waiting.append((payload, is_sure))
        elif self._is_catching_up:
            self._has_missed = True
        else:
            self.end(terms.failure(terms.too_slow(self.cursor)))

    def _begin(self, handing: Coroutine[Any, Any, None]) -> None:
        self.is_ready = False
        self._handing = asyncio.create_task(handing)

    async def _hand_on(self, begun: Payload | None = None, rest: Awaitable[None] | None = None) -> None:
        """Hands over what waits, as the client takes it; before that, the rest of what it began to take."""
        try:
            if begun is not None and rest is not None:
                await rest
                self.cursor = begun.cursor
            while self._waiting:
                payload, is_sure = self._waiting.popleft()
                if not (is_sure and self.asked.is_sure()):
                    await self._check(cast("Group", self.group))
                if not is_sure:
                    await self._record(cast("Group", self.group).terms)
                await self._hand(payload)
        except Exception as error:
            self.end(error)
        finally:
            self._handing = self._waiting = None
            self.is_ready = self._is_settled and not self._over.done()

    async def _hand(self, payload: Payload) -> None:
        rest = self._deliver(payload)
        if rest is not None:
            await rest
        self.cursor = payload.cursor

    async def _record(self, terms: Terms) -> None:
        context = self.asked.context
        await terms.record(self.asked.prepared, context, [context])

    async def _check(self, group: Group) -> None:
        """Looks at the rights again; raises when they have ended, or are no longer what the group has in common."""
        terms = group.terms
        try:
            context = await self.asked.make_context()
        except Exception as error:
            raise terms.failure(error) from error
        if terms.common(self.asked.prepared, context).key != group.common.key:
            raise terms.failure(terms.rights_changed())

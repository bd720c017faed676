"""One client's part in a stream that it may share with others.

A member is offered what its group gets, and hands it to its client at once where the client takes it. What the client
does not take waits, up to a bound: nobody else waits for it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, NamedTuple, Protocol, cast

import orjson

from engine.prepared import Prepared
from subscriptions.terms import Common, Deliver, Payload, Terms

MakeContext = Callable[[], Awaitable[Any]]
"""A fresh context for one operation or event; raises when the connection's rights have ended."""


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
        is_certain: Callable[[], bool],
    ) -> None:
        self.prepared = prepared
        self.variables = variables
        self.is_certain = is_certain
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


class _Waiting(NamedTuple):
    """What waits for a client. `is_recorded`: that it gets it."""

    payload: Payload
    is_recorded: bool


class _Told:
    """What a member has had of what its group is offered: what came before it took part, and what it got alone.

    `is_past`: whatever the group is offered from now on is new to it.
    """

    def __init__(self) -> None:
        self.is_past = False
        self._entered_at = 0
        self._alone: dict[object, None] = {}
        self._alone_until = 0

    def enter(self, offered: int) -> None:
        """It takes part, after the group was offered so much."""
        self._entered_at = offered

    def add(self, payload: Payload, most: int) -> None:
        """It gets this alone. Only the last `most` are remembered."""
        self._alone[payload.place] = None
        if len(self._alone) > most:
            del self._alone[next(iter(self._alone))]

    def stop_adding(self, offered: int) -> None:
        """It gets nothing alone any more; the group was offered so much by now."""
        self._alone_until = offered

    def without(self, waiting: Iterable[_Waiting]) -> deque[_Waiting]:
        """What waits, but for what it got alone meanwhile."""
        return deque(each for each in waiting if each.payload.place not in self._alone)

    def came_before(self, payload: Payload) -> bool:
        """Whether the group was offered it before the member took part."""
        return payload.number <= self._entered_at

    def has(self, payload: Payload) -> bool:
        """Whether the member, which gets nothing alone any more, has had it."""
        if payload.number > self._alone_until:
            self._alone.clear()
            self.is_past = True
        return self.came_before(payload) or payload.place in self._alone


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
        self._waiting: deque[_Waiting] | None = None
        self._handing: asyncio.Task[None] | None = None
        self._told = _Told()

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
        self.group = group
        self._told.enter(group.offered)
        if self.cursor is None:
            self.cursor = cursor

    async def take(self, payload: Payload) -> None:
        """Hands over what the client gets alone; done when the client has taken it."""
        if self.group is not None:
            self._told.add(payload, 3 * self.group.terms.queue_size)
        await self._hand(payload)

    async def stay(self) -> None:
        """Goes on with the group, if there is one, until the stream ends. Raises what ended it."""
        if self.group is None:
            return
        self._is_catching_up = False
        self._told.stop_adding(self.group.offered)
        self._waiting = self._told.without(self._waiting or ()) or None
        if self._waiting and not self._over.done():
            self._begin(self._hand_on())
        await self._over
        if self._error is not None:
            # It may be what ends others, too: whoever raises it would add to its traceback, which keeps their frames.
            raise self._error.with_traceback(None)

    def offer(self, payload: Payload, *, is_recorded: bool) -> None:
        """Something that the group got. `is_recorded`: that this client gets it; its rights held then."""
        if self._over.done() or self._has(payload):
            return
        if self._is_catching_up or self._handing is not None:
            self._wait(payload, cast("Group", self.group).terms, is_recorded=is_recorded)
        elif is_recorded:
            self.hand(payload)
        else:
            self._waiting = deque([_Waiting(payload, is_recorded)])
            self._begin(self._hand_on())

    def hand(self, payload: Payload) -> None:
        """Hands something over to a client that is ready for it."""
        try:
            rest = self._deliver(payload)
        except Exception as error:
            self.end(error)
            return
        if rest is None:
            self.cursor, self.is_ready = payload.cursor, self._told.is_past
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

    def _has(self, payload: Payload) -> bool:
        """While it catches up, what it gets alone is told apart only at the end: it may be catching up with this."""
        return self._told.came_before(payload) if self._is_catching_up else self._told.has(payload)

    def _wait(self, payload: Payload, terms: Terms, *, is_recorded: bool) -> None:
        if self._waiting is None:
            self._waiting = deque()
        if len(self._waiting) < terms.queue_size:
            self._waiting.append(_Waiting(payload, is_recorded))
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
                waiting = self._waiting.popleft()
                if not (waiting.is_recorded and self.asked.is_certain()):
                    await self._check(cast("Group", self.group))
                if not waiting.is_recorded:
                    await self._record(cast("Group", self.group).terms)
                await self._hand(waiting.payload)
        except Exception as error:
            self.end(error)
        finally:
            self._handing = self._waiting = None
            self.is_ready = self._told.is_past and not self._over.done()

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

"""Streams that are alike, served together: one reading, one execution and one encoding for each change.

Streams form a group when they have the same operation, the same subject and equal values of the claims that are read
for their answers. Groups that differ in their subject alone are a family: what a batch of changes means to all of them
is found out at once. A change is matched to groups by its subject, however many there are of others.

A group is nobody's: it is executed with what its members have in common and nothing else, in a fresh context for each
batch, and each member's own rights are looked at again before each delivery.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import orjson

from engine.executor import Executor
from engine.prepared import Prepared
from sources.deadlines import ask_for
from subscriptions.hub import Event, StreamOverflowed
from subscriptions.member import Asked, Member
from subscriptions.terms import Common, Payload, Terms

BATCH = 500
"""Changes that a family finds out about at a time, or half of what may wait for a client, if that is less."""

AT_A_TIME = 500
"""Deliveries between which others have their turn."""

TURNS = 10
"""Turns of the loop within which a member that reads has taken something."""

Follow = Callable[[Mapping[str, Any]], AbstractAsyncContextManager[AsyncIterator[Event]]]
"""The changes of logs, each after a position, or from now on where that is None."""


@dataclass(frozen=True)
class Following:
    """What a stream follows: the changes in a log that concern its subject.

    `subject_of` tells the subject of a row; without it every row may concern the stream, whose subject is a filter.
    `events` gives, for several changes and the subject that each is looked at for, the event of its streams, None where
    they get nothing, or an exception that ends them. It is one function for the whole family.
    """

    log: str
    subject: Hashable
    events: Callable[[Sequence[tuple[Event, Any]], Any], Awaitable[Sequence[Any]]]
    subject_of: Callable[[Any], Hashable] | None = None


Reach = Callable[[], Awaitable[str | None]]
"""Reads a log until it has come to where a stream stands, which another process may have told first.

Gives the cursor of that place, for who falls behind before it has taken anything.
"""


class Membership(Protocol):
    """How a stream takes part in a group, when it knows what it follows."""

    async def join(self, following: Following, reach: Reach) -> None:
        """From now on, what the group gets waits for the stream. Raises what keeps the log from being read."""
        ...

    def has_caught_up(self) -> bool:
        """Whether what waits is all that came since; else that has to be caught up with anew."""
        ...


class Sharing:
    """All groups of this process. `delivered`: what they got, as often as they had members."""

    def __init__(self, executor: Executor, follow: Follow, terms: Terms) -> None:
        self.executor = executor
        self.follow = follow
        self.terms = terms
        self.delivered = 0
        self._readings: dict[str, _Reading] = {}
        self._families: dict[Hashable, _Family] = {}

    @property
    def members(self) -> Sequence[int]:
        """How many members each group has."""
        return [len(group.members) for family in self._families.values() for group in family.groups.values()]

    async def join(self, member: Member, following: Following, reach: Reach) -> None:
        """From now on, the member is offered what its group gets. Raises what keeps the log from being read."""
        asked = member.asked
        common = self.terms.common(asked.prepared, asked.context)
        reading = self._reading(following.log)
        reading.users += 1
        try:
            await reading.begun()
            cursor = await reach()
            # What that brought is offered to the groups before this one takes part.
            await asyncio.sleep(0)
        except BaseException:
            reading.release()
            raise
        self._family(asked, common, following, reading).group(following).join(member, cursor)

    def leave(self, member: Member) -> None:
        """The member gets nothing more. What nobody takes part in any more is given up."""
        group, member.group = member.group, None
        member.end()
        if isinstance(group, _Group):
            group.leave(member)

    def end(self, groups: "Iterable[_Group]", error: Exception | None) -> None:
        """Ends the streams of several groups. What one error is to all of them is encoded once."""
        living = [group for group in groups if not group.is_over]
        if isinstance(error, StreamOverflowed):
            for group in living:
                group.overtake()
            return
        failure = self.terms.failure(error) if living and error is not None else None
        for group in living:
            group.end(failure)

    def _reading(self, log: str) -> "_Reading":
        found = self._readings.get(log)
        if found is None or found.is_over:
            found = self._readings[log] = _Reading(self, log)
        return found

    def _family(self, asked: Asked, common: Common, following: Following, reading: "_Reading") -> "_Family":
        key = (asked.prepared, common.key, asked.inner_values, following.events, reading)
        if key not in self._families:
            self._families[key] = _Family(self, asked, common, following, reading, lambda: self._families.pop(key))
        return self._families[key]


class _Reading:
    """The reading of one log, for as long as there are `users` of it: members of groups, and those about to be.

    `error` is what ended it, if anything did.
    """

    def __init__(self, sharing: Sharing, log: str) -> None:
        self.users = 0
        self.is_over = False
        self.error: Exception | None = None
        self._sharing = sharing
        self._log = log
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._by_subject: dict[Callable[[Any], Hashable], dict[Hashable, dict[_Group, None]]] = {}
        self._of_every_row: dict[_Group, None] = {}
        self._task = asyncio.create_task(self._run(), name=f"groups on {log}", context=Context())

    async def begun(self) -> None:
        """Waits until no change is missed any more; raises what keeps the log from being read."""
        await asyncio.shield(self._begun)

    def release(self) -> None:
        """One user less; without any, nothing is read any more."""
        self.users -= 1
        if not self.users:
            self.is_over = True
            self._task.cancel()

    def add(self, group: "_Group", following: Following) -> None:
        self._groups(following)[group] = None

    def remove(self, group: "_Group", following: Following) -> None:
        groups = self._groups(following)
        groups.pop(group, None)
        if not groups and following.subject_of is not None:
            self._by_subject[following.subject_of].pop(following.subject)

    def _groups(self, following: Following) -> "dict[_Group, None]":
        if following.subject_of is None:
            return self._of_every_row
        return self._by_subject.setdefault(following.subject_of, {}).setdefault(following.subject, {})

    def _concerned(self, record: Any) -> "Iterable[_Group]":
        yield from self._of_every_row
        for subject_of, groups in self._by_subject.items():
            yield from groups.get(subject_of(record), ())

    async def _run(self) -> None:
        try:
            async with self._sharing.follow({self._log: None}) as events:
                self._begun.set_result(None)
                async for event in events:
                    for group in self._concerned(event.record):
                        group.offer(event)
        except Exception as error:
            self.error = error
        finally:
            self._end()

    def _end(self) -> None:
        self.is_over = True
        if not self._begun.done():
            self._begun.set_exception(self.error or asyncio.CancelledError())
            self._begun.exception()
        of_subjects = [groups for index in self._by_subject.values() for groups in index.values()]
        self._sharing.end([group for groups in (self._of_every_row, *of_subjects) for group in groups], self.error)


class _Offered(NamedTuple):
    """A change that a group is to find out about."""

    number: int
    event: Event
    group: "_Group"


class _Family:
    """Groups of which a batch of changes is found out together. `offered` counts the changes, over all groups."""

    def __init__(
        self,
        sharing: Sharing,
        asked: Asked,
        common: Common,
        following: Following,
        reading: _Reading,
        forget: Callable[[], object],
    ) -> None:
        self.sharing = sharing
        self.reading = reading
        self.offered = 0
        self._prepared = asked.prepared
        self._variables = asked.variables
        self.common = common
        self._events = following.events
        self._forget = forget
        self.groups: dict[Hashable, _Group] = {}
        self._waiting: deque[_Offered] = deque()
        self._task: asyncio.Task[None] | None = None

    def group(self, following: Following) -> "_Group":
        if following.subject not in self.groups:
            self.groups[following.subject] = group = _Group(self, following)
            self.reading.add(group, following)
        return self.groups[following.subject]

    def remove(self, group: "_Group", following: Following) -> None:
        del self.groups[following.subject]
        self.reading.remove(group, following)
        if not self.groups:
            self._forget()
            if self._task is not None:
                self._task.cancel()

    def offer(self, event: Event, group: "_Group") -> None:
        self.offered += 1
        self._waiting.append(_Offered(self.offered, event, group))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), context=Context())

    async def _run(self) -> None:
        ask_for(self)  # one family holds no more connections than one principal may
        try:
            while self._waiting:
                most = min(BATCH, self.sharing.terms.queue_size // 2 + 1)
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), most))]
                for each in batch:
                    each.group.waiting -= 1
                await self._serve([each for each in batch if each.group.members and not each.group.is_over])
                await _ease({each.group for each in batch})
        finally:
            self._task = None

    async def _serve(self, batch: "Sequence[_Offered]") -> None:
        """Finds out what changes mean to their groups, and delivers it in the order of the changes."""
        context = self.common.make_context()
        try:
            found = await self._events([(each.event, each.group.subject) for each in batch], context)
            shown = self._shown(batch, found)
            answers = await self.sharing.executor.answers(
                self._prepared, self._variables, context, [event for _, event in shown]
            )
            for (each, event), answer in zip(shown, answers, strict=True):
                payload = Payload(orjson.dumps(answer), event.cursor, event.place, each.number)
                await each.group.deliver(payload, self._prepared, context)
        except Exception as error:
            self.sharing.end({each.group for each in batch}, error)

    def _shown(self, batch: "Sequence[_Offered]", found: Sequence[Any]) -> "Sequence[tuple[_Offered, Any]]":
        """The changes that groups get. Those that a change ends instead are ended."""
        shown: list[tuple[_Offered, Any]] = []
        ended: dict[Exception, set[_Group]] = {}
        for each, event in zip(batch, found, strict=True):
            if isinstance(event, Exception):
                ended.setdefault(event, set()).add(each.group)
            elif event is not None:
                shown.append((each, event))
        for error, groups in ended.items():
            self.sharing.end(groups, error)
        return shown


class _Group:
    """Members that get the same. `waiting` counts the changes that it has not been found out about yet.

    `is_over`: the streams of all its members have ended. They leave by and by; nothing is done for them any more.
    """

    def __init__(self, family: _Family, following: Following) -> None:
        self.subject = following.subject
        self.members: dict[Member, None] = {}
        self.waiting = 0
        self.is_over = False
        self._family = family
        self._following = following

    @property
    def terms(self) -> Terms:
        return self._family.sharing.terms

    @property
    def common(self) -> Common:
        return self._family.common

    @property
    def offered(self) -> int:
        return self._family.offered

    def join(self, member: Member, cursor: str | None) -> None:
        self.members[member] = None
        self.is_over = False
        member.enter(self, cursor)
        if self._family.reading.is_over:
            self._family.sharing.end([self], self._family.reading.error)

    def leave(self, member: Member) -> None:
        del self.members[member]
        if not self.members:
            self._family.remove(self, self._following)
        self._family.reading.release()

    def offer(self, event: Event) -> None:
        if self.is_over:
            return
        if self.waiting < self.terms.queue_size:
            self.waiting += 1
            self._family.offer(event, self)
        else:
            self.overtake()

    def overtake(self) -> None:
        """Ends the streams of a group that could not keep up, each with the last cursor of its member."""
        terms = self.terms
        for member in self._over():
            member.end(terms.failure(terms.too_slow(member.cursor)))

    def end(self, failure: Exception | None) -> None:
        """Ends the streams of all members with one failure, or without any."""
        for member in self._over():
            member.end(failure)

    def _over(self) -> Sequence[Member]:
        """Is over from now on. Gives the members whose streams have not ended before."""
        self.is_over = True
        return [member for member in self.members if not member.is_over]

    async def deliver(self, payload: Payload, prepared: Prepared, context: object) -> None:
        """The same bytes to all members. Those whose rights are not sure are looked at first, each by itself."""
        self._family.sharing.delivered += len(self.members)
        sure = [member for member in self.members if member.asked.is_certain()]
        unsure = self.members.keys() - sure if len(sure) < len(self.members) else ()
        if sure:
            await self.terms.record(prepared, context, [member.asked.context for member in sure])
        for member in unsure:
            member.offer(payload, is_recorded=False)
        for count, member in enumerate(sure, start=1):
            if member.is_ready:
                member.hand(payload)
            else:
                member.offer(payload, is_recorded=True)
            if count % AT_A_TIME == 0:
                await asyncio.sleep(0)


async def _ease(groups: "Iterable[_Group]") -> None:
    """Lets members take what waits for them, as long as they do: that much came at once is no fault of theirs."""
    behind = {member: member.behind for group in groups for member in group.members if member.behind}
    while behind:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        behind = {member: member.behind for member, before in behind.items() if 0 < member.behind < before}

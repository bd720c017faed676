"""How groups end: once, with one cause for all of them, and with a place to resume from."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from engine.executor import Executor
from sources.deadlines import ask_for, asker
from sources.errors import MarkExpired
from sources.memory import MemoryLog
from sources.ports import Mark, Reading
from subscriptions.hub import Event, Hub
from subscriptions.member import Asked, Member
from subscriptions.sharing import Following, Sharing
from subscriptions.terms import Common, Payload, Terms

Events = Callable[[Sequence[tuple[Event, Any]], Any], Awaitable[Sequence[Any]]]


class Register(MemoryLog[int]):
    """A log that takes its time, as one that is asked over a network, and fails when a test says so."""

    fails: Exception | None = None

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.askers: set[object] = set()
        self.begun_by: set[object] = set()

    async def end(self) -> Mark:
        self.begun_by.add(asker())
        return await super().end()

    async def changes(self, after: Mark, limit: int, *, whole: bool = False) -> Reading[int]:
        self.askers.add(asker())
        if self.fails is not None:
            raise self.fails
        await asyncio.sleep(0)
        return await super().changes(after, limit, whole=whole)


@dataclass
class Shown:
    cursor: str
    place: object


class Prepared:
    """An operation whose answers depend on no variable."""

    inner_variables: frozenset[str] = frozenset()


class Answering:
    """An executor whose every answer is empty."""

    async def answers(self, _prepared: object, _variables: object, _context: object, events: Sequence[Any]) -> Any:
        return [{} for _ in events]


class FellBehind(Exception):
    def __init__(self, cursor: str | None) -> None:
        super().__init__("too slow")
        self.cursor = cursor


class World:
    """Streams on one log, what they were given, and the errors that were encoded for them."""

    def __init__(self, queue_size: int = 1000) -> None:
        self.log = Register("register")
        self.encoded: list[Exception] = []
        self.taken: list[Payload] = []
        self.prepared: Any = Prepared()
        self.hub = Hub({"log": self.log}, poll_seconds=0.01, queue_size=queue_size)
        common = Common("everybody", object)
        terms = Terms(self._record, lambda *_: common, FellBehind, RuntimeError, self._failure, queue_size)
        self.sharing = Sharing(cast("Executor", Answering()), self.hub.follow, terms)

    async def join(
        self, following: Following, reach: Callable[[], Awaitable[str | None]] | None = None
    ) -> "asyncio.Task[None]":
        """A stream of a client that takes everything at once; done with what ended it."""
        return asyncio.create_task(self._serve(await self.member(), following, reach or _nowhere))

    async def member(self) -> Member:
        asked = Asked(self.prepared, {}, self._context, lambda: True)
        await asked.make_context()
        return Member(asked, self.taken.append)

    @asynccontextmanager
    async def joined(self, following: Following, count: int) -> "AsyncGenerator[Sequence[asyncio.Task[None]]]":
        """Several streams of one group."""
        before = sum(self.sharing.members)
        streams = [await self.join(following) for _ in range(count)]
        await _eventually(lambda: sum(self.sharing.members) == before + count)
        try:
            yield streams
        finally:
            for stream in streams:
                stream.cancel()
            await asyncio.gather(*streams, return_exceptions=True)

    def grow(self, rows: int) -> None:
        for number in range(rows):
            self.log.append(number)

    async def _serve(self, member: Member, following: Following, reach: Callable[[], Awaitable[str | None]]) -> None:
        try:
            await self.sharing.join(member, following, reach)
            await member.stay()
        finally:
            self.sharing.leave(member)

    async def _record(self, *_: object) -> None:
        pass

    async def _context(self) -> object:
        return object()

    def _failure(self, error: Exception) -> Exception:
        self.encoded.append(error)
        return error


async def _nowhere() -> str | None:
    return None


async def _here() -> str | None:
    return "here"


async def _eventually(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.001)


async def _all_over(streams: "Sequence[asyncio.Task[None]]") -> "list[Any]":
    """What ended some streams."""
    async with asyncio.timeout(10):
        return await asyncio.gather(*streams, return_exceptions=True)


async def _shown(asked: Sequence[tuple[Event, Any]], _context: Any) -> Sequence[Any]:
    return [Shown(str(event.place), event.place) for event, _ in asked]


async def _stuck(_asked: Sequence[tuple[Event, Any]], _context: Any) -> Sequence[Any]:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_failing_batch_ends_its_group_once_and_its_error_is_encoded_once() -> None:
    async def events(_asked: Sequence[tuple[Event, Any]], _context: Any) -> Sequence[Any]:
        raise ValueError

    world = World()
    async with world.joined(Following("log", "all", events), 20) as streams:
        world.grow(40)
        assert [type(each) for each in await _all_over(streams)] == [ValueError] * 20
    assert len(world.encoded) == 1


async def test_changes_that_end_their_groups_with_one_error_have_it_encoded_once() -> None:
    broken = ValueError()

    async def events(asked: Sequence[tuple[Event, Any]], _context: Any) -> Sequence[Any]:
        return [broken for _ in asked]

    world = World()
    one, other = (Following("log", subject, events) for subject in ("one", "other"))
    async with world.joined(one, 3) as streams:
        more = [await world.join(other) for _ in range(3)]
        await _eventually(lambda: world.sharing.members == [3, 3])
        world.grow(40)
        assert set(await _all_over([*streams, *more])) == {broken}
    assert world.encoded == [broken]


async def test_a_group_that_is_overtaken_ends_each_member_once() -> None:
    world = World(queue_size=600)
    async with world.joined(Following("log", "all", _stuck), 20) as streams:
        world.grow(1000)
        assert [type(each) for each in await _all_over(streams)] == [FellBehind] * 20
    assert len(world.encoded) == 20


async def test_who_is_overtaken_before_it_took_anything_resumes_where_it_began() -> None:
    world = World(queue_size=10)
    stream = await world.join(Following("log", "all", _stuck), _here)
    await _eventually(lambda: world.sharing.members == [1])
    world.grow(200)
    (error,) = await _all_over([stream])
    assert error.cursor == "here"


async def test_who_joins_a_group_that_is_over_gets_what_comes_then() -> None:
    is_broken = True

    async def events(asked: Sequence[tuple[Event, Any]], context: Any) -> Sequence[Any]:
        if is_broken:
            raise ValueError
        return await _shown(asked, context)

    world = World()
    following = Following("log", "all", events)
    first = await world.member()
    await world.sharing.join(first, following, _nowhere)
    world.grow(1)
    await _eventually(lambda: first.is_over)
    is_broken = False
    async with world.joined(following, 1):
        world.sharing.leave(first)
        world.grow(1)
        await _eventually(lambda: len(world.taken) == 1)


async def test_who_joins_while_the_reading_ends_ends_with_its_error() -> None:
    world = World()
    following = Following("log", "all", _shown)

    async def reach() -> str | None:
        world.log.fails = MarkExpired("register")
        world.log.wake_ups.ring()
        await _all_over([first])
        return None

    first = await world.join(following)
    await _eventually(lambda: world.sharing.members == [1])
    second = await world.join(following, reach)
    assert [type(each) for each in await _all_over([first, second])] == [MarkExpired] * 2


async def test_a_burst_beyond_the_queue_ends_only_the_groups_that_it_concerns() -> None:
    world = World(queue_size=10)
    quiet = Following("log", "quiet", _shown, subject_of=lambda _: "busy")
    async with world.joined(quiet, 1) as streams:
        world.grow(150)
        await _eventually(lambda: world.hub.mark("log") == "150")
        await asyncio.sleep(0.01)
        assert not streams[0].done()


async def test_what_is_done_for_all_is_on_no_member_s_behalf() -> None:
    world, askers = World(), list[object]()

    async def events(asked: Sequence[tuple[Event, Any]], _context: Any) -> Sequence[Any]:
        askers.append(asker())
        return [None] * len(asked)

    async def joined() -> None:
        ask_for("a member")
        async with world.joined(Following("log", "all", events), 1):
            world.grow(3)
            await _eventually(lambda: askers)

    await asyncio.create_task(joined())
    assert world.log.askers == world.log.begun_by == {None}
    # A group of streams has connections of its own, as anybody who asks: neither all of them nor a member's.
    assert not {None, "a member"} & set(askers)


async def test_a_log_that_a_stream_alone_is_the_first_to_follow_is_read_for_nobody() -> None:
    world = World()

    async def followed() -> None:
        ask_for("a member")
        async with world.hub.follow({"log": None}) as events:
            world.grow(1)
            await anext(events)

    await asyncio.create_task(followed())
    assert world.log.askers == {None}

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from sources.errors import MarkExpired, SourceUnavailable
from sources.memory import MemoryLog
from sources.ports import Log, Mark, Reading
from subscriptions.hub import Event, Hub, StreamOverflowed
from subscriptions.watch import BATCH, WHOLE_SECONDS


class CountedLog(MemoryLog[int]):
    """A log that holds 1, 2, 3 and so on: counted when it is read, and able to fail."""

    def __init__(self, length: int) -> None:
        super().__init__("register")
        self.readings = 0
        self.whole: list[bool] = []
        self.fails: Exception | None = None
        self.length = 0
        for _ in range(length):
            self.grow()

    def grow(self) -> None:
        self.length += 1
        self.append(self.length)

    async def changes(self, after: Mark, limit: int, *, whole: bool = False) -> Reading[int]:
        self.readings += 1
        self.whole.append(whole)
        if self.fails is not None:
            raise self.fails
        return await super().changes(after, limit, whole=whole)


class Clock:
    """Time that passes when a test says so: `tick` lets every sleeper go on."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[asyncio.Future[None]] = []

    async def sleep(self, seconds: float) -> None:
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers.append(sleeper)
        await sleeper

    async def tick(self, seconds: float = 1.0) -> None:
        self.now += seconds
        # Twice: one whom a wake-up has roused rests a little, for more of its kind.
        for _ in range(2):
            sleepers, self._sleepers = self._sleepers, []
            for sleeper in sleepers:
                if not sleeper.done():
                    sleeper.set_result(None)
            for _ in range(10):
                await asyncio.sleep(0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log() -> CountedLog:
    return CountedLog(3)


MakeHub = Callable[..., Hub]


@pytest.fixture
def make_hub(log: CountedLog, clock: Clock) -> MakeHub:
    def make(logs: Mapping[str, Log[Any]] | None = None, **settings: Any) -> Hub:
        return Hub(logs or {"log": log}, sleep=clock.sleep, clock=lambda: clock.now, **settings)

    return make


async def taken(events: Awaitable[Event]) -> Any:
    async with asyncio.timeout(1):
        return (await events).record


async def test_a_stream_starts_now(make_hub: MakeHub, log: CountedLog, clock: Clock) -> None:
    async with make_hub().follow({"log": None}) as events:
        log.grow()
        await clock.tick()
        assert await taken(anext(events)) == 4


async def test_a_stream_with_a_position_replays_what_it_missed_and_goes_on_without_gap_or_repeat(
    make_hub: MakeHub, log: CountedLog, clock: Clock
) -> None:
    async with make_hub().follow({"log": "1"}) as events:
        log.grow()
        await clock.tick()
        assert [await taken(anext(events)) for _ in range(3)] == [2, 3, 4]


async def test_a_position_ahead_of_the_tail_is_read_up_to_and_not_gone_back_on(
    make_hub: MakeHub, log: CountedLog, clock: Clock
) -> None:
    hub = make_hub()
    async with hub.follow({"log": None}) as behind:
        log.grow()
        log.grow()
        async with hub.follow({"log": "4"}) as ahead:
            assert await taken(anext(ahead)) == 5
            log.grow()
            await clock.tick()
            assert await taken(anext(ahead)) == 6
        assert [await taken(anext(behind)) for _ in range(3)] == [4, 5, 6]


async def test_a_position_that_the_log_never_came_to_has_expired(make_hub: MakeHub) -> None:
    with pytest.raises(MarkExpired):
        async with make_hub().follow({"log": "4"}):
            pass


async def test_a_log_that_does_not_go_on_from_where_it_was_read_ends_its_streams(
    make_hub: MakeHub, log: CountedLog, clock: Clock
) -> None:
    hub = make_hub()
    async with hub.follow({"log": None}) as events:
        log.grow()
        await clock.tick()
        log.fails = MarkExpired("register")
        await clock.tick()
        assert await taken(anext(events)) == 4
        with pytest.raises(MarkExpired):
            await taken(anext(events))
        log.fails = None
        async with hub.follow({"log": None}) as anew:
            log.grow()
            await clock.tick()
            assert await taken(anext(anew)) == 5


async def test_a_log_is_read_as_a_whole_once_in_a_while(make_hub: MakeHub, log: CountedLog, clock: Clock) -> None:
    async with make_hub().follow({"log": None}):
        await clock.tick()
        await clock.tick()
        assert not any(log.whole)
        await clock.tick(WHOLE_SECONDS)
        await clock.tick()
        assert log.whole.count(True) == 1


async def test_a_log_that_cannot_be_read_as_a_whole_is_followed_all_the_same(
    make_hub: MakeHub, log: CountedLog, clock: Clock
) -> None:
    async with make_hub().follow({"log": None}) as events:
        log.fails = SourceUnavailable("register")
        await clock.tick()
        await clock.tick(WHOLE_SECONDS)
        log.fails = None
        log.grow()
        await clock.tick()
        assert log.whole.count(True) == 1
        assert await taken(anext(events)) == 4


async def test_each_event_tells_where_its_stream_stands(make_hub: MakeHub) -> None:
    async with make_hub().follow({"log": "1"}) as events:
        assert (await anext(events)).positions == {"log": "2"}


async def test_two_streams_share_one_reading(make_hub: MakeHub, log: CountedLog, clock: Clock) -> None:
    hub = make_hub()
    async with hub.follow({"log": None}) as one, hub.follow({"log": None}) as two:
        await clock.tick()
        readings = log.readings
        log.grow()
        await clock.tick()
        assert log.readings == readings + 1
        assert await taken(anext(one)) == await taken(anext(two)) == 4


async def test_nothing_is_read_while_nobody_follows(make_hub: MakeHub, log: CountedLog, clock: Clock) -> None:
    hub = make_hub()
    async with hub.follow({"log": None}):
        await clock.tick()
    readings = log.readings
    for _ in range(3):
        await clock.tick()
    assert log.readings == readings
    assert hub.lag_seconds("register") is None


async def test_a_stream_that_is_not_read_ends_with_its_position_and_costs_the_others_nothing(
    make_hub: MakeHub, log: CountedLog, clock: Clock
) -> None:
    hub = make_hub(queue_size=2)
    async with hub.follow({"log": None}) as slow, hub.follow({"log": None}) as quick:
        seen: list[int] = []
        for _ in range(3):
            log.grow()
            await clock.tick()
            seen.append(await taken(anext(quick)))
        assert seen == [4, 5, 6]
        assert await taken(anext(slow)) == 4
        # There is room again, but one was lost: nothing that came later follows.
        log.grow()
        await clock.tick()
        assert await taken(anext(slow)) == 5
        with pytest.raises(StreamOverflowed) as overflow:
            await taken(anext(slow))
        assert overflow.value.positions == {"log": "5"}


@pytest.mark.parametrize("failure", [SourceUnavailable("register"), OverflowError("nobody has thought of that")])
async def test_a_source_that_fails_is_asked_again_and_nothing_is_lost(
    make_hub: MakeHub, log: CountedLog, clock: Clock, failure: Exception
) -> None:
    failures: list[Any] = []
    hub = make_hub(report=lambda name, error: failures.append((name, type(error))))
    async with hub.follow({"log": None}) as events:
        log.fails = failure
        log.grow()
        await clock.tick()
        log.fails = None
        await clock.tick()
        assert await taken(anext(events)) == 4
    assert set(failures) == {("log", type(failure))}


async def test_who_joins_while_the_last_one_leaves_is_followed_for(
    make_hub: MakeHub, log: CountedLog, clock: Clock
) -> None:
    hub = make_hub()
    reading, may_be_read = asyncio.Event(), asyncio.Event()

    async def covers(mark: Mark, other: Mark) -> bool:
        reading.set()
        await may_be_read.wait()
        return int(mark) >= int(other)

    async def follow() -> Any:
        async with hub.follow({"log": "3"}) as events:
            return await taken(anext(events))

    async with AsyncExitStack() as leaving:
        await leaving.enter_async_context(hub.follow({"log": None}))
        log.covers = covers
        joining = asyncio.create_task(follow())
        await reading.wait()
    may_be_read.set()
    await asyncio.sleep(0)
    log.grow()
    await clock.tick()
    assert await joining == 4


async def test_the_lag_grows_while_the_source_fails(make_hub: MakeHub, log: CountedLog, clock: Clock) -> None:
    hub = make_hub()
    async with hub.follow({"log": None}):
        log.fails = SourceUnavailable("register")
        await clock.tick()
        await clock.tick()
        assert hub.lag_seconds("register") == 2.0
        log.fails = None
        await clock.tick()
        assert hub.lag_seconds("register") == 0.0


async def test_a_long_replay_does_not_overflow_the_queue(make_hub: MakeHub, log: CountedLog, clock: Clock) -> None:
    async with make_hub(queue_size=2).follow({"log": "0"}) as events:
        seen = [await taken(anext(events))]
        for _ in range(5):
            log.grow()
            await clock.tick()
        seen += [await taken(anext(events)) for _ in range(7)]
        log.grow()
        await clock.tick()
        assert [*seen, await taken(anext(events))] == list(range(1, 10))


async def test_more_than_one_reading_gives_comes_at_once(make_hub: MakeHub, log: CountedLog, clock: Clock) -> None:
    async with make_hub(queue_size=3 * BATCH).follow({"log": None}) as events:
        for _ in range(2 * BATCH + 10):
            log.grow()
        await clock.tick()
        assert [await taken(anext(events)) for _ in range(2 * BATCH + 10)] == list(range(4, 2 * BATCH + 14))


async def test_a_burst_beyond_the_queue_costs_one_who_reads_at_once_nothing(
    make_hub: MakeHub, log: CountedLog, clock: Clock
) -> None:
    async def read(events: AsyncIterator[Event]) -> list[int]:
        return [(await anext(events)).record for _ in range(35)]

    async with make_hub(queue_size=10).follow({"log": None}) as events:
        reading = asyncio.create_task(read(events))
        for _ in range(35):
            log.grow()
        await clock.tick()
        assert await reading == list(range(4, 39))


async def test_a_stream_over_two_logs_keeps_a_position_in_each(make_hub: MakeHub, clock: Clock) -> None:
    one, two = CountedLog(1), CountedLog(1)
    async with make_hub({"one": one, "two": two}).follow({"one": "0", "two": None}) as events:
        assert (await anext(events)).positions == {"one": "1", "two": "1"}
        two.grow()
        await clock.tick()
        assert (await anext(events)).positions == {"one": "1", "two": "2"}


async def test_changes_that_wait_for_a_source_are_told_of_once_a_minute_and_source() -> None:
    clock = Clock()
    told: list[tuple[str, str]] = []
    hub = Hub({}, clock=lambda: clock.now, waits=lambda name, error: told.append((name, error.source)))
    away, another = SourceUnavailable("incidents"), SourceUnavailable("journeys")

    for error in (away, away, another):
        hub.report_wait("statuses", error)
    assert told == [("statuses", "incidents"), ("statuses", "journeys")]
    await clock.tick(59.9)
    hub.report_wait("statuses", away)
    assert len(told) == 2
    await clock.tick(0.1)
    hub.report_wait("statuses", away)
    assert told[2:] == [("statuses", "incidents")]

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from sources.errors import SourceUnavailable
from sources.ports import Change
from subscriptions.hub import Event, Hub, StreamOverflowed
from subscriptions.watch import BATCH


class ListLog:
    """A log in a list: the rows are their own positions."""

    source = "register"
    wake_ups = None

    def __init__(self, *rows: int) -> None:
        self.rows = list(rows)
        self.readings = 0
        self.fails = False

    async def end(self) -> int:
        return self.rows[-1] if self.rows else 0

    async def changes(self, after: int, limit: int) -> Sequence[Change[int]]:
        self.readings += 1
        if self.fails:
            raise SourceUnavailable(self.source)
        return [Change(row, row) for row in self.rows if row > after][:limit]


class Clock:
    """Time that passes when a test says so: `tick` lets every sleeper go on."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[asyncio.Future[None]] = []

    async def sleep(self, seconds: float) -> None:
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers.append(sleeper)
        await sleeper

    async def tick(self) -> None:
        self.now += 1.0
        sleepers, self._sleepers = self._sleepers, []
        for sleeper in sleepers:
            if not sleeper.done():
                sleeper.set_result(None)
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log() -> ListLog:
    return ListLog(1, 2, 3)


@pytest.fixture
def make_hub(log: ListLog, clock: Clock) -> Callable[..., Hub]:
    def make(**settings: object) -> Hub:
        return Hub({"log": log}, sleep=clock.sleep, clock=lambda: clock.now, **settings)  # type: ignore[arg-type]

    return make


async def taken(events: Awaitable[Event]) -> Event:
    async with asyncio.timeout(1):
        return await events


async def test_a_stream_starts_now(make_hub, log, clock):
    async with make_hub().follow({"log": None}) as events:
        log.rows.append(4)
        await clock.tick()
        assert (await taken(anext(events))).record == 4


async def test_a_stream_with_a_position_replays_what_it_missed_and_goes_on_without_gap_or_repeat(make_hub, log, clock):
    async with make_hub().follow({"log": 1}) as events:
        log.rows.append(4)
        await clock.tick()
        assert [(await taken(anext(events))).record for _ in range(3)] == [2, 3, 4]


async def test_a_replay_is_paged(make_hub, log):
    log.rows[:] = range(1, 2 * BATCH + 10)
    async with make_hub().follow({"log": 0}) as events:
        seen = [(await taken(anext(events))).record for _ in range(len(log.rows))]
    assert seen == log.rows


async def test_a_position_ahead_of_the_tail_is_not_gone_back_on(make_hub, log, clock):
    hub = make_hub()
    async with hub.follow({"log": None}):
        log.rows += [4, 5]
        async with hub.follow({"log": 4}) as ahead:
            await clock.tick()
            assert (await taken(anext(ahead))).record == 5


async def test_each_event_tells_where_its_stream_stands(make_hub, log):
    async with make_hub().follow({"log": 1}) as events:
        assert (await taken(anext(events))).positions == {"log": 2}


async def test_two_streams_share_one_reading(make_hub, log, clock):
    hub = make_hub()
    async with hub.follow({"log": None}) as one, hub.follow({"log": None}) as two:
        await clock.tick()
        readings = log.readings
        log.rows.append(4)
        await clock.tick()
        assert log.readings == readings + 1
        assert (await taken(anext(one))).record == (await taken(anext(two))).record == 4


async def test_nothing_is_read_while_nobody_follows(make_hub, log, clock):
    hub = make_hub()
    async with hub.follow({"log": None}):
        await clock.tick()
    readings = log.readings
    for _ in range(3):
        await clock.tick()
    assert log.readings == readings
    assert hub.lag_seconds("register") is None


async def test_a_stream_that_is_not_read_ends_with_its_position_and_costs_the_others_nothing(make_hub, log, clock):
    hub = make_hub(queue_size=2)
    async with hub.follow({"log": None}) as slow, hub.follow({"log": None}) as quick:
        seen = []
        for row in (4, 5, 6):
            log.rows.append(row)
            await clock.tick()
            seen.append((await taken(anext(quick))).record)
        assert seen == [4, 5, 6]
        assert [(await taken(anext(slow))).record for _ in range(2)] == [4, 5]
        with pytest.raises(StreamOverflowed) as overflow:
            await taken(anext(slow))
        assert overflow.value.positions == {"log": 5}


async def test_a_source_that_fails_is_asked_again_and_nothing_is_lost(make_hub, log, clock):
    failures = []
    hub = make_hub(report=lambda name, error: failures.append((name, type(error))))
    async with hub.follow({"log": None}) as events:
        log.fails = True
        log.rows.append(4)
        await clock.tick()
        log.fails = False
        await clock.tick()
        assert (await taken(anext(events))).record == 4
    assert failures == [("log", SourceUnavailable)]


async def test_the_lag_grows_while_the_source_fails(make_hub, log, clock):
    hub = make_hub()
    async with hub.follow({"log": None}):
        log.fails = True
        await clock.tick()
        await clock.tick()
        assert hub.lag_seconds("register") == 2.0
        log.fails = False
        await clock.tick()
        assert hub.lag_seconds("register") == 0.0


async def test_a_stream_over_two_logs_keeps_a_position_in_each(clock):
    one, two = ListLog(1), ListLog(1)
    hub = Hub({"one": one, "two": two}, sleep=clock.sleep, clock=lambda: clock.now)
    async with hub.follow({"one": 0, "two": None}) as events:
        assert (await taken(anext(events))).positions == {"one": 1, "two": 1}
        two.rows.append(2)
        await clock.tick()
        assert (await taken(anext(events))).positions == {"one": 1, "two": 2}

"""How many operations run, and how many wait: at the edge, and when they are given up."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omniloket.admission import Admission, Overloaded


class Operation:
    """One that runs until it is told to end."""

    def __init__(self, admission: Admission, asker: str | None) -> None:
        self._place = admission.of(asker)
        self._end = asyncio.Event()
        self.runs = False
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self._place:
            self.runs = True
            await self._end.wait()

    def may_end(self) -> None:
        self._end.set()

    async def end(self) -> None:
        self.may_end()
        await self.task


async def begun(admission: Admission, count: int, asker: str | None = None) -> list[Operation]:
    found = [Operation(admission, asker) for _ in range(count)]
    await asyncio.sleep(0)
    return found


async def test_so_many_run_so_many_wait_and_one_more_is_refused() -> None:
    admission = Admission(running=2, waiting=3, waiting_seconds=60)
    operations = await begun(admission, 5)
    assert [each.runs for each in operations] == [True, True, False, False, False]
    assert admission.is_full
    with pytest.raises(Overloaded) as caught:
        async with admission.of("another"):
            raise AssertionError
    assert (caught.value.status, caught.value.retry_after) == (503, 1)
    assert caught.value.errors[0]["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": "running",
        "retryAfter": 1,
    }
    for each in operations:
        await each.end()
    assert (admission.present, admission.refused) == (0, 1)


async def test_who_waits_has_a_turn_in_the_order_of_coming() -> None:
    admission = Admission(running=1, waiting=2, waiting_seconds=60)
    first, second, third = await begun(admission, 3)
    await first.end()
    await asyncio.sleep(0)
    assert (second.runs, third.runs) == (True, False)
    await second.end()
    await third.end()


async def test_who_has_waited_too_long_is_refused() -> None:
    admission = Admission(running=1, waiting=1, waiting_seconds=0.05)
    first, second = await begun(admission, 2)
    with pytest.raises(Overloaded):
        await second.task
    assert admission.present == 1
    await first.end()


async def test_who_goes_away_while_waiting_leaves_the_place_to_others() -> None:
    admission = Admission(running=1, waiting=1, waiting_seconds=60)
    first, second = await begun(admission, 2)
    second.task.cancel()
    await asyncio.gather(second.task, return_exceptions=True)
    assert admission.present == 1
    (third,) = await begun(admission, 1)
    await first.end()
    await third.end()
    assert admission.present == 0


async def ended(operations: list[Operation]) -> None:
    for each in operations:
        await each.end()


async def test_an_asker_runs_and_waits_in_all_but_a_quarter_of_what_may() -> None:
    admission = Admission(running=4, waiting=4, waiting_seconds=60)
    greedy = await begun(admission, 10, "greedy")
    assert [each.runs for each in greedy] == [True] * 3 + [False] * 7
    assert (admission.present, admission.refused) == (6, 4)
    assert [type(each.task.exception()) for each in greedy[6:]] == [Overloaded] * 4
    (other,) = await begun(admission, 1, "other")
    assert other.runs
    await ended([other])
    assert not greedy[3].runs
    await greedy[0].end()
    await asyncio.sleep(0)
    assert [each.runs for each in greedy[3:6]] == [True, False, False]
    await ended(greedy[1:6])
    assert admission.present == 0


async def test_who_waits_for_itself_is_overtaken_by_others() -> None:
    admission = Admission(running=2, waiting=8, waiting_seconds=60)
    greedy = await begun(admission, 3, "greedy")
    modest, last = await begun(admission, 1, "modest") + await begun(admission, 1, "last")
    assert (modest.runs, last.runs) == (True, False)
    await modest.end()
    await asyncio.sleep(0)
    assert (greedy[1].runs, last.runs) == (False, True)
    await ended([*greedy, last])


async def test_who_is_not_in_particular_is_bounded_by_the_whole_alone() -> None:
    admission = Admission(running=4, waiting=4, waiting_seconds=60)
    operations = await begun(admission, 8)
    assert sum(each.runs for each in operations) == 4
    await ended(operations)


@given(st.lists(st.tuples(st.sampled_from(["begin", "end", "cancel"]), st.sampled_from("aab"), st.integers(0, 20))))
@settings(max_examples=100, deadline=None)
def test_no_place_is_lost_whoever_ends_or_goes_away_when(steps: list[tuple[str, str, int]]) -> None:
    asyncio.run(_taken(steps))


async def _taken(steps: list[tuple[str, str, int]]) -> None:
    """Steps that follow each other at once, or after a turn of the loop; then everybody ends, and all is as before."""
    admission = Admission(running=3, waiting=3, waiting_seconds=60)
    operations: list[Operation] = []
    for step, asker, number in steps:
        if step == "begin":
            operations.append(Operation(admission, asker))
        elif operations:
            chosen = operations[number % len(operations)]
            chosen.task.cancel() if step == "cancel" else chosen.may_end()
        if number % 2:
            await asyncio.sleep(0)
        assert 0 <= admission.present <= 6
    for each in operations:
        each.may_end()
    await asyncio.gather(*(each.task for each in operations), return_exceptions=True)
    assert admission.present == 0
    again = await begun(admission, 2, "a") + await begun(admission, 1, "b")
    assert all(each.runs for each in again)
    await ended(again)

"""How many operations run, and how many wait: at the edge, and when they are given up."""

import asyncio

import pytest

from omniloket.admission import Admission, Overloaded


class Operation:
    """One that runs until it is told to end."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._end = asyncio.Event()
        self.runs = False
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self._admission:
            self.runs = True
            await self._end.wait()

    async def end(self) -> None:
        self._end.set()
        await self.task


async def begun(admission: Admission, count: int) -> list[Operation]:
    found = [Operation(admission) for _ in range(count)]
    await asyncio.sleep(0)
    return found


async def test_so_many_run_so_many_wait_and_one_more_is_refused() -> None:
    admission = Admission(running=2, waiting=3, waiting_seconds=60)
    operations = await begun(admission, 5)
    assert [each.runs for each in operations] == [True, True, False, False, False]
    assert admission.is_full
    with pytest.raises(Overloaded) as caught:
        async with admission:
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

import asyncio

import pytest

from subscriptions.started import started


async def test_what_need_not_wait_is_done_at_once() -> None:
    done: list[int] = []

    async def work() -> None:
        done.append(1)

    assert started(work()) is None
    assert done == [1]


async def test_what_waits_goes_on_when_it_is_awaited() -> None:
    gates = [asyncio.Event(), asyncio.Event()]
    done: list[int] = []

    async def work() -> None:
        for number, gate in enumerate(gates):
            await gate.wait()
            done.append(number)

    rest = started(work())
    assert rest is not None
    gates[0].set()
    waiting = asyncio.ensure_future(rest)
    await asyncio.sleep(0.01)
    assert done == [0]
    gates[1].set()
    await waiting
    assert done == [0, 1]


async def test_its_error_is_raised_wherever_it_comes() -> None:
    async def at_once() -> None:
        raise ValueError("at once")

    async def later() -> None:
        await asyncio.sleep(0)
        raise ValueError("later")

    with pytest.raises(ValueError, match="at once"):
        started(at_once())
    rest = started(later())
    assert rest is not None
    with pytest.raises(ValueError, match="later"):
        await rest


async def test_cancelling_reaches_it() -> None:
    told: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            told.append("cancelled")

    rest = started(work())
    assert rest is not None
    waiting = asyncio.ensure_future(rest)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert told == ["cancelled"]

import asyncio

import pytest

from sources.shares import Shares


@pytest.mark.parametrize(("connections", "most"), [(1, 1), (2, 1), (3, 2), (4, 3), (10, 7), (100, 75)])
def test_an_asker_has_all_but_a_quarter(connections: int, most: int) -> None:
    shares = Shares(connections, 4)
    assert [shares.took("a") for _ in range(most + 1)] == [True] * most + [False]
    assert shares.took("b")
    assert all(shares.took(None) for _ in range(2 * connections))


async def test_questions_of_one_asker_have_its_connections_in_turn() -> None:
    shares = Shares(1, 4)
    assert shares.took("a")
    had: list[int] = []

    async def ask(number: int) -> None:
        await shares.turn("a")
        had.append(number)
        await asyncio.sleep(0)
        shares.give_back("a")

    asking = [asyncio.create_task(ask(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert shares.waiting == 3
    shares.give_back("a")
    await asyncio.gather(*asking)
    assert (had, shares.waiting) == ([0, 1, 2], 0)
    assert shares.took("a")


@pytest.mark.parametrize("is_given", [False, True])
async def test_who_is_cancelled_leaves_nothing_behind(is_given: bool) -> None:
    shares = Shares(1, 4)
    assert shares.took("a")
    first, second = (asyncio.create_task(shares.turn("a")) for _ in range(2))
    await asyncio.sleep(0)
    if is_given:
        shares.give_back("a")
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert shares.waiting == (0 if is_given else 1)
    if not is_given:
        shares.give_back("a")
    async with asyncio.timeout(5):
        await second
    shares.give_back("a")
    assert shares.took("a")
    assert not shares.took("a")


@pytest.mark.parametrize(("waiting", "most"), [(1, 1), (2, 1), (4, 3), (20, 15)])
async def test_an_asker_waits_in_all_but_a_quarter_of_what_may(waiting: int, most: int) -> None:
    shares = Shares(1, waiting)
    assert shares.took("a")
    asking: list[asyncio.Task[None]] = []
    while shares.has_room("a"):
        asking.append(asyncio.create_task(shares.turn("a")))
        await asyncio.sleep(0)
    assert len(asking) == most
    assert shares.has_room("b")
    asking[0].cancel()
    await asyncio.wait(asking[:1])
    assert shares.has_room("a")
    for each in asking:
        each.cancel()
    await asyncio.wait(asking)
    assert shares.waiting == 0

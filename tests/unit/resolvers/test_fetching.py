"""Records by key: who asks for them shares the call."""

import asyncio
from collections.abc import Sequence

import pytest

from resolvers.fetching import Fetching
from sources.records import Key


class Source:
    """Answers each key with itself in capitals; knows no "?", and fails for a call with "!" among its keys."""

    def __init__(self) -> None:
        self.calls: list[list[Key]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self, keys: Sequence[Key]) -> Sequence[str | None]:
        self.calls.append(list(keys))
        await self.gate.wait()
        if "!" in keys:
            raise OSError("away")
        return [None if key == "?" else str(key).upper() for key in keys]

    async def called(self, times: int = 1) -> None:
        """Waits for so many calls."""
        while len(self.calls) < times:
            await asyncio.sleep(0)


@pytest.fixture
def source() -> Source:
    return Source()


async def test_those_who_ask_in_one_turn_share_a_call_with_each_key_once(source: Source) -> None:
    fetching = Fetching(source.fetch)
    found = await asyncio.gather(fetching.records(["a", "b", "a", None]), fetching.records(["b", "?", "c"]))
    assert found == [["A", "B", "A", None], ["B", None, "C"]]
    assert source.calls == [["a", "b", "?", "c"]]


async def test_a_key_that_is_known_or_under_way_is_not_asked_for_again(source: Source) -> None:
    fetching = Fetching(source.fetch)
    source.gate.clear()
    first = asyncio.create_task(fetching.records(["a"]))
    await source.called()
    second = asyncio.create_task(fetching.records(["a", "b"]))
    await source.called(2)
    source.gate.set()
    assert [await first, await second, await fetching.records(["b"])] == [["A"], ["A", "B"], ["B"]]
    assert source.calls == [["a"], ["b"]]


async def test_a_call_that_fails_is_the_failure_of_each_of_its_keys(source: Source) -> None:
    fetching = Fetching(source.fetch)
    failed = await fetching.records(["a", "!", None])
    assert [type(each) for each in failed] == [OSError, OSError, type(None)]
    assert await fetching.records(["b"]) == ["B"]


async def test_who_stops_waiting_ends_the_call(source: Source) -> None:
    fetching = Fetching(source.fetch)
    source.gate.clear()
    asking = asyncio.create_task(fetching.records(["a"]))
    await source.called()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_no_keys_are_no_call(source: Source) -> None:
    assert await Fetching(source.fetch).records([None]) == [None]
    assert source.calls == []


async def test_what_was_learned_is_not_asked_for(source: Source) -> None:
    fetching = Fetching(source.fetch)
    fetching.learn({"a": "A", "b": "B"})
    assert await fetching.records(["a", "c", "b"]) == ["A", "C", "B"]
    assert source.calls == [["c"]]


async def test_who_joins_a_call_waits_for_what_is_under_way_as_well(source: Source) -> None:
    fetching = Fetching(source.fetch)
    source.gate.clear()
    first = asyncio.create_task(fetching.records(["a"]))
    await source.called()
    others = [asyncio.create_task(fetching.records(keys)) for keys in (["b"], ["a", "c"])]
    await source.called(2)
    source.gate.set()
    assert [await each for each in (first, *others)] == [["A"], ["B"], ["A", "C"]]
    assert source.calls == [["a"], ["b", "c"]]

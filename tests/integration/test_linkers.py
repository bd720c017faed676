"""Several linkers over one journey database: one at a time works, and its work is never in vain."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, ClassVar

import pytest

from sources.linking.matching import Changes
from sources.linking.rules import Rules, StatusLine
from sources.linking.storing import LogPosition, NotTheLinker
from sources.ports import Sources
from sources.records import Channel, Contact, Direction, Medium
from sources.sql.journey_store import SqlJourneyStore
from sources.sql.journeys import JOURNEY
from sources.sql.migrating import migrate
from subscriptions.lease import Lease
from subscriptions.linker import NO_CHANGES, Linker, Pace
from support.back_ends import SEALER, Opened, rows_of
from support.memory_sources import Facts, memory_sources

NOW = datetime(2026, 11, 3, tzinfo=UTC)
CHANNEL = Channel("APP", "App", Medium.CHAT, urgent=False, open=True)


@pytest.fixture
async def url(tmp_path: Path) -> str:
    """An empty journey database."""
    address = f"sqlite+aiosqlite:///{tmp_path / 'journeys.db'}"
    await migrate(address)
    return address


@asynccontextmanager
async def sources_over(url: str, facts: Facts) -> AsyncGenerator[Sources]:
    """The back-ends in memory, the journeys in their database."""
    async with Opened(dict.fromkeys(("persons", "servicemodule", "incidents", "journeys"), url)) as opened:
        names = ("journeys", "journey_entries", "journey_channels", "handovers")
        yield replace(memory_sources(facts, SEALER), **{name: getattr(opened, name) for name in names})


def contacts(count: int) -> Facts:
    """As many unknown callers."""
    return Facts(
        contacts=[Contact(key, Direction.INBOUND, NOW - timedelta(hours=key), CHANNEL) for key in range(1, count + 1)]
    )


class Slow:
    """A collection that takes its time."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def by_ids(self, *what: Any) -> Any:
        await asyncio.sleep(0.2)
        return await self._inner.by_ids(*what)

    async def of_parents(self, *what: Any) -> Any:
        await asyncio.sleep(0.2)
        return await self._inner.of_parents(*what)


class RefusingStore(SqlJourneyStore):
    """A store to which another process is the linker at each write."""

    async def write(
        self, holder: str, changes: Changes, positions: Mapping[str, LogPosition], lines: Sequence[StatusLine] = ()
    ) -> None:
        raise NotTheLinker


async def test_linkers_whose_batches_take_longer_than_the_lease_link_all_the_same(url: str) -> None:
    pace = Pace(poll_seconds=0.05, lease_seconds=0.6)

    async def follow(sources: Sources) -> None:
        async with SqlJourneyStore(url) as store:
            await Linker(sources, store, SEALER, rules=Rules(), pace=pace).run()

    async with sources_over(url, contacts(3)) as quick:
        slow = {name: Slow(getattr(quick, name)) for name in ("contacts", "contact_subjects", "reports")}
        following = [asyncio.create_task(follow(replace(quick, **slow))) for _ in range(3)]
        with suppress(TimeoutError):
            async with asyncio.timeout(30):
                while not await rows_of(url, JOURNEY):
                    await asyncio.sleep(0.1)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
    assert len(await rows_of(url, JOURNEY)) == 3


async def test_a_lease_that_another_process_had_meanwhile_is_not_renewed(url: str) -> None:
    async with SqlJourneyStore(url) as store:
        soon, later = NOW + timedelta(seconds=1), NOW + timedelta(seconds=5)
        assert await store.hold("one", NOW, soon)
        await store.renew("one", later)
        assert not await store.hold("two", NOW + timedelta(seconds=2), later)
        assert await store.hold("two", later, later + timedelta(seconds=5))
        await store.release("two", later)
        await store.renew("one", later + timedelta(seconds=5))
        with pytest.raises(NotTheLinker):
            await store.write("one", NO_CHANGES, {})


@pytest.mark.parametrize("ends", [False, True])
async def test_a_renewal_ends_with_the_work_and_outlives_failures(url: str, ends: bool) -> None:
    renewed = asyncio.Event()
    tries = 0

    class FailingStore(SqlJourneyStore):
        async def hold(self, holder: str, now: datetime, until: datetime) -> bool:
            return True

        async def renew(self, holder: str, until: datetime) -> None:
            nonlocal tries
            tries += 1
            if tries >= 3:
                renewed.set()
            raise RuntimeError

    async with FailingStore(url) as store:
        before = asyncio.all_tasks()
        with suppress(ValueError):
            async with Lease(store, 0.003, lambda: NOW).held():
                await asyncio.wait_for(renewed.wait(), 10)
                if not ends:
                    raise ValueError
        assert asyncio.all_tasks() == before


async def test_batches_that_are_lost_are_told_once_in_a_while(url: str) -> None:
    told: list[str] = []
    now = NOW
    async with sources_over(url, contacts(1)) as sources, RefusingStore(url) as store:
        linker = Linker(
            sources,
            store,
            SEALER,
            rules=Rules(),
            report=lambda _, error: told.append(str(error)),
            clock=lambda: now,
        )
        for minutes in (0, 0.5, 1.5):
            now = NOW + timedelta(minutes=minutes)
            with pytest.raises(NotTheLinker):
                await linker.step()
    assert told == ["another process took over while a batch was being linked"] * 2


class Starting(frozenset[str]):
    """Channels that begin a journey; who asks for one waits until the event loop has had a turn."""

    asked, turned = Event(), Event()
    has_turned: ClassVar[list[bool]] = []

    def __contains__(self, channel: object) -> bool:
        self.asked.set()
        self.has_turned.append(self.turned.wait(10))
        return True


async def test_others_get_their_turns_while_the_rules_judge(url: str) -> None:
    starting = Starting()
    async with sources_over(url, contacts(2)) as sources, SqlJourneyStore(url) as store:
        rules = Rules(starting_channels=starting)
        linking = asyncio.create_task(Linker(sources, store, SEALER, rules=rules, clock=lambda: NOW).step())
        while not starting.asked.is_set():
            await asyncio.sleep(0)
        starting.turned.set()
        await linking
    assert starting.has_turned == [True] * 2


async def test_unknown_callers_who_stay_unknown_are_looked_at_and_not_judged_again(url: str) -> None:
    facts = contacts(2)
    asked: list[str] = []
    told: list[list[str]] = []
    rounds = 0

    class Counting(Slow):
        async def by_ids(self, *what: Any) -> Any:
            asked.append("contacts")
            return await self._inner.by_ids(*what)

        async def of_parents(self, *what: Any) -> Any:
            asked.append(what[0])
            return await self._inner.of_parents(*what)

    async def sleep(_seconds: float) -> None:
        nonlocal rounds
        rounds += 1
        told.append(list(asked))
        asked.clear()
        if rounds == 3:
            raise EOFError

    async with sources_over(url, facts) as sources, SqlJourneyStore(url) as store:
        counted = replace(sources, contacts=Counting(sources.contacts))
        pace, clock = Pace(again_seconds=0), lambda: NOW
        with pytest.raises(EOFError):
            await Linker(counted, store, SEALER, rules=Rules(), pace=pace, sleep=sleep, clock=clock).run()
    assert told[1:] == [["contacts"]] * 2
    assert len(await rows_of(url, JOURNEY)) == 2

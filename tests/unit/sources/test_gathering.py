"""What gathering everything of some owners costs, and that others get their turns meanwhile."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import msgspec
import pytest

from sources.linking.gathering import everything_of, no_longer_unknown
from sources.linking.rules import Owner
from sources.records import Channel, Contact, Direction, EntryKind, Medium, Report, ReportKind, ReportStatus
from support.back_ends import SEALER
from support.memory_sources import Facts, memory_sources

AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
CHANNEL = Channel("APP", "App", Medium.CHAT, urgent=False, open=True)


def crowd(callers: int) -> Facts:
    """A report that nobody filed, and as many unknown callers about it."""
    contacts = [Contact(key, Direction.INBOUND, AT + timedelta(seconds=key), CHANNEL) for key in range(1, callers + 1)]
    report = Report("R1", ReportKind.TIP, "explosion", ReportStatus.RECEIVED, "", AT, AT)
    return Facts(contacts=contacts, reports=[report], subjects={each.key: (each.key, "R1") for each in contacts})


class Walked(list[Contact]):
    """The contacts of a report, and how often somebody walked through them."""

    walks = 0

    def __iter__(self) -> Iterator[Contact]:
        self.walks += 1
        return super().__iter__()


class Counting:
    """The contacts; those of a report count who walks through them."""

    def __init__(self, inner: Any) -> None:
        self.handed: list[Walked] = []
        self._inner = inner

    async def by_ids(self, *what: Any) -> Any:
        return await self._inner.by_ids(*what)

    async def of_parents(self, *what: Any) -> Any:
        pages = [msgspec.structs.replace(page, rows=Walked(page.rows)) for page in await self._inner.of_parents(*what)]
        self.handed += [page.rows for page in pages]
        return pages


class Owners(set[Owner]):
    """Owners; who asks whether one is among them waits until the event loop has had a turn."""

    def __init__(self, owners: set[Owner]) -> None:
        super().__init__(owners)
        self.asked = Event()
        self.turned = Event()
        self.has_turned: list[bool] = []

    def __contains__(self, owner: object) -> bool:
        self.asked.set()
        self.has_turned.append(self.turned.wait(10))
        return super().__contains__(owner)


async def walks_for(callers: int) -> int:
    sources = memory_sources(crowd(callers), SEALER)
    counting = Counting(sources.contacts)
    sources = replace(sources, contacts=counting)
    gathered = await everything_of({Owner(EntryKind.REPORT, "R1")}, sources)
    assert len(gathered.happenings) == callers + 1
    return sum(each.walks for each in counting.handed)


async def test_a_reports_owner_is_not_worked_out_for_each_of_its_callers() -> None:
    assert await walks_for(3) == await walks_for(60)


async def test_others_get_their_turns_while_what_was_read_is_looked_through() -> None:
    facts = crowd(3)
    facts.contacts[:] = [msgspec.structs.replace(each, citizen_bsn="999990019") for each in facts.contacts]
    facts.subjects.clear()
    owners = Owners({Owner(None, "999990019")})

    gathering = asyncio.create_task(everything_of(owners, memory_sources(facts, SEALER)))
    while not owners.asked.is_set():
        await asyncio.sleep(0)
    owners.turned.set()
    assert len((await gathering).happenings) == 3
    assert owners.has_turned == [True] * 3


@pytest.mark.parametrize("bsn", [None, "999990019"])
async def test_only_callers_who_became_known_or_are_gone_are_judged_again(bsn: str | None) -> None:
    facts = crowd(2)
    facts.contacts[0] = msgspec.structs.replace(facts.contacts[0], citizen_bsn=bsn)
    looked_at = [(EntryKind.CONTACT, key) for key in ("1", "2", "3")]
    found = await no_longer_unknown(looked_at, memory_sources(facts, SEALER))
    assert [key for _, key in found] == (["3"] if bsn is None else ["1", "3"])

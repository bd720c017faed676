"""What every collection promises (sources.ports.Collection), on every adapter, compared with plain lists."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from sources.errors import MarkExpired
from sources.filters import CitizenMatch, ContactFilter, EntryFilter, JourneyFilter, NameMatch, ReportFilter
from sources.paging import ALL, PageRequest
from sources.ports import Sources
from sources.records import Direction, JourneyState, ReportKind, ReportStatus
from sources.scope import EVERYTHING, NOBODY, Scope
from support.back_ends import SEALER
from support.memory_sources import Facts, memory_sources, subjects_of

ORDINARY = Scope(everyone=True)
MIDDLE = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Port:
    """A port by name; `keys` are keys of rows, `parents` those that rows hang on, `filters` worth trying."""

    name: str
    keys: Callable[[Facts], Sequence[Any]] = lambda _: []
    parents: tuple[tuple[str, Callable[[Facts], Sequence[Any]]], ...] = ()
    filters: Callable[[Facts], Sequence[Any]] = lambda _: []

    def __repr__(self) -> str:
        return self.name


def bsns(facts: Facts) -> list[str]:
    return [citizen.bsn for citizen in facts.citizens]


def numbers(facts: Facts) -> list[str]:
    return [report.number for report in facts.reports]


def contact_keys(facts: Facts) -> list[int]:
    return [contact.key for contact in facts.contacts]


def journey_keys(facts: Facts) -> list[int]:
    return [journey.key for journey in facts.journeys]


def entry_keys(kind: str) -> Callable[[Facts], list[str]]:
    return lambda facts: [entry.entry_key for entry in facts.entries if entry.kind.value == kind]


def citizen_filters(facts: Facts) -> list[CitizenMatch]:
    named = next(each for each in facts.citizens if each.family_name and each.given_names)
    called = next(each for each in facts.citizens if each.phone)
    mailed = next(each for each in facts.citizens if each.email)
    return [
        CitizenMatch(bsn=named.bsn),
        CitizenMatch(phone=called.phone),
        CitizenMatch(email=str(mailed.email).upper()),
        CitizenMatch(name=NameMatch(str(named.family_name).upper())),
        CitizenMatch(name=NameMatch(str(named.family_name), str(named.given_names)[:2])),
        CitizenMatch(name=NameMatch(str(named.family_name), "%")),
        CitizenMatch(bsn="\x00"),
        CitizenMatch(),
    ]


def contact_filters(facts: Facts) -> list[ContactFilter]:
    called = next(each for each in facts.contacts if each.phone)
    return [
        ContactFilter(channel=("APP", "BALIE")),
        ContactFilter(direction=Direction.OUTBOUND, unit="PL1700"),
        ContactFilter(phone=called.phone),
        ContactFilter(since=MIDDLE),
        ContactFilter(until=MIDDLE, unassigned=True),
        ContactFilter(unassigned=False),
        ContactFilter(channel=("\x00",)),
        ContactFilter(channel=()),
    ]


def report_filters(facts: Facts) -> list[ReportFilter]:
    return [
        ReportFilter(number=tuple(numbers(facts)[:3])),
        ReportFilter(status=(ReportStatus.CLOSED, ReportStatus.OTHER)),
        ReportFilter(kind=(ReportKind.CRIME_REPORT,), unit="PL1700"),
        ReportFilter(since=MIDDLE, status=(ReportStatus.RECEIVED,)),
        ReportFilter(until=MIDDLE),
    ]


def journey_filters(_facts: Facts) -> list[JourneyFilter]:
    return [
        JourneyFilter(state=(JourneyState.OPEN, JourneyState.WAITING)),
        JourneyFilter(channel=("WHATSAPP",)),
        JourneyFilter(since=MIDDLE),
        JourneyFilter(until=MIDDLE, state=(JourneyState.CLOSED,)),
    ]


PORTS = [
    Port("citizens", bsns, filters=citizen_filters),
    Port("channels", lambda facts: [channel.code for channel in facts.channels]),
    Port("agents", lambda facts: [agent.key for agent in facts.agents]),
    Port("contacts", contact_keys, (("citizen", bsns), ("report", numbers)), contact_filters),
    Port("attachments", lambda facts: list(facts.attachments), (("contact", contact_keys),)),
    Port("contact_subjects", lambda facts: list(facts.subjects), (("contact", contact_keys),)),
    Port("reports", numbers, (("citizen", bsns),), report_filters),
    Port("status_changes", lambda facts: [each.key for each in facts.status_changes], (("report", numbers),)),
    Port(
        "journeys",
        journey_keys,
        (("citizen", bsns), ("contact", entry_keys("C")), ("report", entry_keys("R"))),
        journey_filters,
    ),
    Port(
        "journey_entries",
        lambda facts: [entry.key for entry in facts.entries],
        (("journey", journey_keys), ("key", entry_keys("R"))),
        lambda _: [EntryFilter(("C",)), EntryFilter(("R", "H"))],
    ),
    Port("journey_channels", parents=(("journey", journey_keys),)),
    Port("handovers", lambda facts: [each.key for each in facts.handovers], (("journey", journey_keys),)),
]
WITH_KEYS = [port for port in PORTS if port.name != "journey_channels"]
WITH_PARENTS = [
    pytest.param(port, link, parents, id=f"{port.name} of {link}") for port in PORTS for link, parents in port.parents
]
FILTERED = ("citizens", "contacts", "reports", "journeys", "journey_entries")
WITH_FILTERS = [port for port in PORTS if port.name in FILTERED]


@pytest.fixture
def model(facts: Facts) -> Sources:
    """The plain lists that adapters are compared with."""
    return memory_sources(facts, SEALER)


def scopes(facts: Facts) -> list[Scope]:
    return [EVERYTHING, ORDINARY, NOBODY, Scope(bsn=facts.citizens[0].bsn), Scope(bsn="000000000")]


@pytest.mark.parametrize("port", WITH_KEYS, ids=repr)
async def test_by_ids_keeps_the_order_and_knows_what_is_absent(port: Port, sources: Sources, facts: Facts) -> None:
    keys = list(port.keys(facts))
    wanted = [keys[-1], "not there", keys[0], -1, keys[0], 2**70, "\x00", *keys[:5]]
    collection, expected = getattr(sources, port.name), getattr(memory_sources(facts, SEALER), port.name)
    for scope in scopes(facts):
        assert await collection.by_ids(wanted, scope) == await expected.by_ids(wanted, scope)
    assert await collection.by_ids([], EVERYTHING) == []


@pytest.mark.parametrize("port", WITH_KEYS, ids=repr)
@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
async def test_paging_meets_every_row_once_in_order(
    port: Port, backwards: bool, sources: Sources, model: Sources, facts: Facts
) -> None:
    collection = getattr(sources, port.name)
    for scope in scopes(facts):
        expected = (await getattr(model, port.name).page(ALL, scope)).rows
        assert list((await collection.page(ALL, scope)).rows) == list(expected)
        assert await paged(collection, scope, 7, backwards) == list(expected)
        assert await collection.count(scope) == len(expected)


@pytest.mark.parametrize(("port", "link", "parents"), WITH_PARENTS)
async def test_each_parent_has_a_page_of_its_own(
    port: Port, link: str, parents: Any, sources: Sources, model: Sources, facts: Facts
) -> None:
    ids = [*parents(facts)[:40], "nobody's", 2**70, parents(facts)[0]]
    collection, expected = getattr(sources, port.name), getattr(model, port.name)
    for scope in scopes(facts):
        for request in (ALL, PageRequest(limit=2), PageRequest(limit=1, backwards=True), PageRequest(limit=0)):
            found = await collection.of_parents(link, ids, request, scope)
            wanted = await expected.of_parents(link, ids, request, scope)
            assert [(list(page.rows), page.more) for page in found] == [(list(each.rows), each.more) for each in wanted]
        counts = await collection.count_of_parents(link, ids, scope)
        assert list(counts) == list(await expected.count_of_parents(link, ids, scope))


@pytest.mark.parametrize(("port", "link", "parents"), WITH_PARENTS)
async def test_a_parents_pages_meet_every_row_once(
    port: Port, link: str, parents: Any, sources: Sources, facts: Facts
) -> None:
    collection = getattr(sources, port.name)
    ids = parents(facts)[:25]
    every = await collection.of_parents(link, ids, ALL, EVERYTHING)
    for parent, page in zip(ids, every, strict=True):
        met, after = [], None
        while True:
            (part,) = await collection.of_parents(link, [parent], PageRequest(1, after=after), EVERYTHING)
            met.extend(part.rows)
            if not part.more:
                break
            after = part.places[-1]
        assert met == list(page.rows)


@pytest.mark.parametrize("port", WITH_FILTERS, ids=repr)
async def test_filters(port: Port, sources: Sources, model: Sources, facts: Facts) -> None:
    collection, expected = getattr(sources, port.name), getattr(model, port.name)
    for narrowed in port.filters(facts):
        wanted = (await expected.page(ALL, ORDINARY, narrowed)).rows
        assert list((await collection.page(ALL, ORDINARY, narrowed)).rows) == list(wanted)
        assert await collection.count(ORDINARY, narrowed) == len(wanted)
        page = await collection.page(PageRequest(3), ORDINARY, narrowed)
        assert (list(page.rows), page.more) == (list(wanted[:3]), len(wanted) > 3)


@pytest.mark.parametrize("name", ["contact_log", "subject_log", "status_log", "involvement_log", "journey_log"])
async def test_a_log_gives_all_that_stands_there_and_no_more(name: str, sources: Sources, facts: Facts) -> None:
    log = getattr(sources, name)
    records: Any = {
        "contact_log": facts.contacts,
        "subject_log": subjects_of(facts),
        "status_log": facts.status_changes,
        "involvement_log": facts.involvements,
        "journey_log": facts.news,
    }[name]
    end, met, after = await log.end(), [], 0
    while changes := await log.history(end, after, 50):
        assert [change.serial for change in changes] == sorted({change.serial for change in changes})
        met.extend(change.record for change in changes)
        after = changes[-1].serial
    assert met == sorted(records, key=lambda each: each.key)
    assert (await log.changes(end, 50)).changes == []
    assert await log.serials(end) == after
    assert await log.covers(end, end)
    assert await log.ahead(end, 50) == []
    assert [page async for page in log.between(end, end) if page] == []


async def test_a_mark_that_a_log_never_gave_out_has_expired(sources: Sources) -> None:
    end = await sources.status_log.end()
    further = "9" + end if end.isdigit() else end.replace(",", ",9")
    with pytest.raises(MarkExpired):
        await sources.status_log.changes(further, 50)


async def test_nobody_reaches_no_back_end_that_is_not_public(sources: Sources, facts: Facts) -> None:
    assert await sources.contacts.count(NOBODY) == 0
    assert len((await sources.channels.page(ALL, NOBODY)).rows) == len(facts.channels)


async def test_every_back_end_tells_its_health(sources: Sources) -> None:
    found = [await back_end.health() for back_end in sources.back_ends]
    assert [health.source for health in found] == ["persons", "servicemodule", "incidents", "journeys"]
    assert all(health.available and health.latency_ms is not None for health in found)


async def test_every_back_end_tells_its_figures(sources: Sources) -> None:
    await sources.citizens.count(EVERYTHING)
    found = [back_end.figures() for back_end in sources.back_ends]
    await sources.citizens.count(EVERYTHING)
    later = [back_end.figures() for back_end in sources.back_ends]
    for before, after in zip(found, later, strict=True):
        assert 0 <= before.statements_sent <= after.statements_sent
        assert 0 <= before.keys_asked <= after.keys_asked
        assert 0 <= before.rows_read <= after.rows_read
        assert (after.statements_failed, after.busy, after.waiting, after.is_resting) == (0, 0, 0, False)
    if found[0].statements_sent:
        assert later[0].statements_sent == found[0].statements_sent + 1
        assert later[0].rows_read == found[0].rows_read + 1
        assert later[0].idle == 1


async def paged(collection: Any, scope: Scope, limit: int, backwards: bool) -> list[Any]:
    """Every row, a page at a time from one end to the other."""
    met: list[Any] = []
    edge = None
    while True:
        request = PageRequest(limit, before=edge, backwards=True) if backwards else PageRequest(limit, after=edge)
        page = await collection.page(request, scope)
        met = [*page.rows, *met] if backwards else [*met, *page.rows]
        if not page.more:
            return met
        edge = page.places[0 if backwards else -1]

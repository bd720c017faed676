"""What a viewer may not see leaves no trace: the answers are, byte for byte, those of back-ends that do not have it."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import create_async_engine

from engine.executor import Executor
from resolvers.context import Context, Services, Viewer
from resolvers.ids import encode
from schema.building import executable
from schema.errors import encoder
from sources.demo.people import bsns
from sources.local_time import local_bound
from sources.ports import Sources
from sources.records import (
    Citizen,
    Contact,
    Direction,
    EntryKind,
    Handover,
    Journey,
    JourneyEntry,
    JourneyState,
    Report,
    ReportKind,
    ReportStatus,
    StatusChange,
)
from sources.sealing import citizen_key
from sources.sql.incidents import BETROKKENE, INCIDENT, INCIDENT_STATUS, Incidents
from sources.sql.journeys import ENTRY, HANDOVER, JOURNEY, Journeys, naive_utc
from sources.sql.servicemodule import KLANTCONTACT, ONDERWERP, Servicemodule
from subscriptions.hub import Hub
from support.back_ends import SEALER, Opened, run
from support.houses import AGENT_WITHOUT_CLEARANCE, citizen
from support.memory_sources import Facts, memory_sources

EXECUTOR = Executor(executable(), encode_error=encoder(lambda _incident, _error: None))
OWN, OTHER = bsns(2)
START = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
CALL = 1000
"""A contact of the citizen's own, about every report; it is on no journey."""

TABLES = [ENTRY, HANDOVER, JOURNEY, ONDERWERP, KLANTCONTACT, INCIDENT_STATUS, BETROKKENE, INCIDENT]
PAGE = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { __typename %s } }"
FIELDS = {
    "contacts": ("journey", f"contacts(ARGUMENTS) {{ totalCount {PAGE % 'id subject'} }}"),
    "reports": ("journey", f"reports(ARGUMENTS) {{ totalCount {PAGE % 'id title'} }}"),
    "timeline": ("journey", f"timeline(ARGUMENTS) {{ totalCount incompleteSources {PAGE % '... on Node { id }'} }}"),
    "about": ("contact", f"about: reports(ARGUMENTS) {{ totalCount {PAGE % 'id title'} }}"),
}
IDS = {"journey": encode("Journey", 1), "contact": encode("Contact", CALL)}
VIEWERS = {"citizen": citizen(OWN), "agent": AGENT_WITHOUT_CLEARANCE}


@dataclass(frozen=True)
class Thing:
    """A contact or report on the journey; `is_hidden` from the viewer, for the reason there is for such a viewer."""

    is_report: bool
    is_hidden: bool
    has_subject: bool = True
    is_readable: bool = True


mostly = st.sampled_from([True, True, True, False])
visible_or_not = st.builds(Thing, st.booleans(), st.booleans(), st.booleans(), mostly)
hidden_run = st.builds(lambda is_report, length: [Thing(is_report, True)] * length, st.booleans(), st.integers(20, 60))
journeys = st.tuples(
    st.lists(visible_or_not, max_size=12), hidden_run | st.just([]), st.lists(visible_or_not, max_size=12)
).map(lambda parts: [thing for part in parts for thing in part])
steps = st.tuples(st.sampled_from(["first", "last"]), st.integers(0, 4))


def facts_of(things: Sequence[Thing], viewer: Viewer, *, with_hidden: bool) -> Facts:
    """The same keys with and without what is hidden."""
    facts = Facts(
        citizens=[Citizen(bsn, bsn) for bsn in (OWN, OTHER)],
        contacts=[Contact(CALL, Direction.INBOUND, START, citizen_bsn=OWN)],
        journeys=[Journey(1, JourneyState.OPEN, START, START, citizen_key=citizen_key(SEALER, OWN))],
        handovers=[Handover(key, 1, START + timedelta(minutes=3 * key)) for key in (1, 2)],
    )
    for key, thing in enumerate(things, start=1):
        if with_hidden or not is_hidden(thing, viewer):
            (_add_report if thing.is_report else _add_contact)(facts, key, thing, viewer)
    return facts


def is_hidden(thing: Thing, viewer: Viewer) -> bool:
    """An agent may see all contacts."""
    return thing.is_hidden and (thing.is_report or viewer.bsn is not None)


def _add_contact(facts: Facts, key: int, thing: Thing, viewer: Viewer) -> None:
    at, subject = START + timedelta(minutes=key // 2), f"contact {key}" if thing.has_subject else None
    whose = (OTHER if key % 2 else None) if is_hidden(thing, viewer) else OWN
    facts.contacts.append(Contact(key, Direction.INBOUND, at, subject=subject, citizen_bsn=whose))
    facts.entries.append(JourneyEntry(key, 1, EntryKind.CONTACT, str(key), at))


def _add_report(facts: Facts, key: int, thing: Thing, viewer: Viewer) -> None:
    at, number, received = START + timedelta(minutes=key // 2), f"R{key}", ReportStatus.RECEIVED
    hidden = is_hidden(thing, viewer)
    whose, confidential = (OTHER, False) if hidden and viewer.bsn else (OWN, hidden)
    facts.reports.append(
        Report(
            number, ReportKind.TIP, f"report {key}", received, "", at, at, confidential=confidential, citizen_bsn=whose
        )
    )
    facts.entries.append(JourneyEntry(key, 1, EntryKind.REPORT, number, at))
    facts.subjects[key] = (CALL, number)
    facts.status_changes += [
        StatusChange(2 * key + line, number, received, "", at + timedelta(minutes=5 * line)) for line in (0, 1)
    ]


@pytest.mark.parametrize("role", VIEWERS)
@given(things=journeys, step=steps)
@settings(max_examples=40, deadline=None)
def test_in_memory_what_is_hidden_leaves_no_trace(role: str, things: list[Thing], step: tuple[str, int]) -> None:
    viewer = VIEWERS[role]
    sources = [memory_sources(facts_of(things, viewer, with_hidden=each), SEALER) for each in (True, False)]
    asyncio.run(_compare(sources, things, viewer, step))


@pytest.mark.parametrize("role", VIEWERS)
@given(things=journeys, step=steps)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_on_sqlite_what_is_hidden_leaves_no_trace(
    databases: tuple[str, str], role: str, things: list[Thing], step: tuple[str, int]
) -> None:
    async def run_both() -> None:
        viewer = VIEWERS[role]
        async with AsyncExitStack() as opened:
            sources: list[Sources] = []
            for url, with_hidden in zip(databases, (True, False), strict=True):
                await _fill(url, facts_of(things, viewer, with_hidden=with_hidden), things)
                everywhere = dict.fromkeys(("persons", "servicemodule", "incidents", "journeys"), url)
                sources.append(await opened.enter_async_context(Opened(everywhere)))
            await _compare(sources, things, viewer, step)

    asyncio.run(run_both())


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two files with the empty tables of all back-ends."""
    folder = tmp_path_factory.mktemp("hidden")
    return run(_made(folder / "with.db")), run(_made(folder / "without.db"))


async def _made(path: Path) -> str:
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    async with engine.begin() as connection:
        for back_end in (Servicemodule, Incidents, Journeys):
            await connection.run_sync(back_end.metadata.create_all)
    await engine.dispose()
    return str(engine.url)


async def _fill(url: str, facts: Facts, things: Sequence[Thing]) -> None:
    unreadable = {str(key) for key, thing in enumerate(things, start=1) if not thing.is_readable}
    rows: dict[Any, list[dict[str, Any]]] = {
        JOURNEY: [
            {
                "id": each.key,
                "citizen_key": each.citizen_key,
                "state": each.state.value,
                "opened_at": naive_utc(each.opened_at),
                "last_active_at": naive_utc(each.last_active_at),
            }
            for each in facts.journeys
        ],
        HANDOVER: [{"id": each.key, "journey_id": 1, "at": naive_utc(each.at)} for each in facts.handovers],
        ENTRY: [
            {"position": e.key, "journey_id": 1, "kind": e.kind.value, "key": e.entry_key, "at": naive_utc(e.at)}
            for e in facts.entries
        ],
        KLANTCONTACT: [
            {
                "nummer": each.key,
                "richting": "Z" if str(each.key) in unreadable else "I",
                "onderwerp": each.subject,
                "tijdstip": local_bound(each.occurred_at),
                "bsn": each.citizen_bsn,
            }
            for each in facts.contacts
        ],
        ONDERWERP: [
            {"volgnummer": key, "klantcontact_nummer": contact, "incident_nummer": number}
            for key, (contact, number) in facts.subjects.items()
        ],
        INCIDENT: [
            {
                "nummer": each.number,
                "soort_cd": "TIP",
                "status_cd": "ONTV",
                "titel": each.title,
                "vertrouwelijk": each.confidential,
                "aangemaakt_op": local_bound(each.filed_at),
                "gewijzigd_op": local_bound(each.updated_at),
            }
            for each in facts.reports
        ],
        BETROKKENE: [
            {"incident_nummer": each.number, "bsn": each.citizen_bsn, "rol_cd": "AAN"} for each in facts.reports
        ],
        INCIDENT_STATUS: [
            {
                "volgnummer": each.key,
                "incident_nummer": each.report_number,
                "status_cd": "ONTV",
                "tijdstip": local_bound(each.at),
            }
            for each in facts.status_changes
        ],
    }
    which = "substr(nummer, 2) IN (SELECT value FROM json_each(:keys))"
    spoilt = sa.text(f"UPDATE incident SET gewijzigd_op = 'onzin' WHERE {which}")
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for table, inserted in rows.items():
            await connection.execute(sa.delete(table))
            if inserted:
                await connection.execute(sa.insert(table), inserted)
        await connection.execute(spoilt, {"keys": orjson.dumps(sorted(unreadable)).decode()})
    await engine.dispose()


async def _compare(sources: Sequence[Sources], things: Sequence[Thing], viewer: Viewer, step: tuple[str, int]) -> None:
    houses = [Services(each, SEALER, Hub({})) for each in sources]
    subject = f'query {{ journey(id: "{IDS["journey"]}") {{ subject }} }}'
    assert len({orjson.dumps(await _answer(house, viewer, subject, {})) for house in houses}) == 1
    for name in FIELDS:
        with_hidden, without = [await _walked(house, viewer, name, step, len(things)) for house in houses]
        assert with_hidden == without
        if step[1] and (name != "timeline" or all(thing.is_readable for thing in things)):
            pages = [orjson.loads(each) for each in without]
            rows = [len(page["page"]["edges"]) + len(page["errors"] or []) for page in pages]
            assert sum(rows) == pages[0]["page"]["totalCount"]
            assert rows[:-1] == [step[1]] * len(rows[:-1])


async def _walked(house: Services, viewer: Viewer, name: str, step: tuple[str, int], most: int) -> list[bytes]:
    """The answer for each page, until there are no more."""
    (direction, size), (root, field) = step, FIELDS[name]
    cursor_name, edge, further = {
        "first": ("after", "endCursor", "hasNextPage"),
        "last": ("before", "startCursor", "hasPreviousPage"),
    }[direction]
    asked = field.replace("ARGUMENTS", f"{direction}: {size}, {cursor_name}: $cursor")
    document = f'query Q($cursor: String) {{ {root}(id: "{IDS[root]}") {{ {asked} }} }}'
    pages: list[bytes] = []
    cursor: str | None = None
    while len(pages) <= 3 * most + 3:
        response = await _answer(house, viewer, document, {"cursor": cursor})
        (page,) = response["data"][root].values()
        pages.append(orjson.dumps({"page": page, "errors": response.get("errors")}))
        cursor = page["pageInfo"][edge]
        if not page["pageInfo"][further] or cursor is None:
            return pages
    raise AssertionError("the pages do not end")


async def _answer(house: Services, viewer: Viewer, document: str, variables: dict[str, Any]) -> dict[str, Any]:
    response = await EXECUTOR.execute(EXECUTOR.prepare(document), variables, Context(services=house, viewer=viewer))
    for error in response.get("errors", []):
        error["extensions"].pop("id")
    return response

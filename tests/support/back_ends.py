"""Real back-ends for tests: a small population on SQLite and on PostgreSQL, and its facts as plain records."""

import asyncio
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from sources.demo.loading import Target, load
from sources.demo.population import Population
from sources.linking.rules import Rules
from sources.paging import ALL
from sources.ports import Sources
from sources.records import Involvement, JourneyNews, NewsKind
from sources.scope import EVERYTHING
from sources.sealing import Sealer
from sources.sql.database import Database
from sources.sql.incidents import BETROKKENE, INCIDENT
from sources.sql.journey_store import SqlJourneyStore
from sources.sql.journeys import CHANNEL, NEWS
from sources.sql.opening import SERVES, bound
from sources.sql.servicemodule import BIJLAGE, KLANTCONTACT, ONDERWERP
from subscriptions.linker import Linker
from support.memory_sources import Facts

CITIZENS = 120
SEED = 7
SEALER = Sealer({1: bytes(range(64)), 2: bytes(range(64, 128))}, 2)
NOW = datetime(2026, 11, 3, tzinfo=UTC)
"""When the population was linked: just after its history ends."""

OLD_SEALER = Sealer({1: bytes(range(64))}, 1)

Urls = Mapping[str, str]
T = TypeVar("T")


def loaded(target: Target) -> Urls:
    """The addresses of a freshly loaded population, with a few awkward rows."""

    async def prepare() -> None:
        await load(target, Population(CITIZENS, SEED), "tests", lambda _: None)
        await _add_ties(target.urls)
        await link(target.urls)

    run(prepare())
    return target.urls


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end in a loop of its own, also where one is running already: in a fixture."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


async def link(urls: Urls, sealer: Sealer = SEALER) -> None:
    """Puts everything that the back-ends hold into journeys, as the linker does."""
    async with Opened(urls, sealer) as sources, SqlJourneyStore(urls["journeys"]) as store:
        linker = Linker(sources, store, sealer, rules=Rules(), clock=lambda: NOW)
        await linker.catch_up()
        await linker.release()


async def _add_ties(urls: Urls) -> None:
    """Contacts of one second, in the hour that the clock repeats."""
    engine = create_async_engine(urls["servicemodule"])
    async with engine.begin() as connection:
        bsn = (await connection.execute(sa.select(sa.func.min(KLANTCONTACT.c.bsn)))).scalar_one()
        times = [datetime.fromisoformat("2026-10-25 02:30")] * 7 + [datetime.fromisoformat("2026-10-25 03:00")]
        rows = [{"kanaal_cd": "X", "richting": "I", "bsn": bsn, "tijdstip": at} for at in times]
        await connection.execute(sa.insert(KLANTCONTACT), rows)
    await engine.dispose()


class Opened:
    """The sources over four databases, open; `statements` tells how many each was sent."""

    def __init__(self, urls: Urls, sealer: Sealer = SEALER) -> None:
        self._urls = urls
        self._sealer = sealer
        self._closing = AsyncExitStack()
        self.databases: dict[str, Database] = {}

    async def __aenter__(self) -> Sources:
        for name in SERVES:
            # Time enough for a machine that is busy with other tests.
            database = Database(name, self._urls[name], serves=SERVES[name], timeout_seconds=60)
            self.databases[name] = await self._closing.enter_async_context(database)
        return bound(self.databases, self._sealer)

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()

    @property
    def statements(self) -> dict[str, int]:
        return {name: each.statements_sent for name, each in self.databases.items() if each.statements_sent}


async def facts_in(urls: Urls) -> Facts:
    """Everything that the back-ends hold."""
    async with Opened(urls) as sources:

        async def every(collection: Any) -> list[Any]:
            return list((await collection.page(ALL, EVERYTHING)).rows)

        attachments = {each.key: each for each in await every(sources.attachments)}
        subjects = await every(sources.contact_subjects)
        return Facts(
            citizens=await every(sources.citizens),
            channels=await every(sources.channels),
            agents=await every(sources.agents),
            contacts=await every(sources.contacts),
            attachments={
                row["nummer"]: (row["klantcontact_nummer"], attachments[row["nummer"]])
                for row in await rows_of(urls["servicemodule"], BIJLAGE)
            },
            subjects={
                row["volgnummer"]: (row["klantcontact_nummer"], number)
                for row, number in zip(
                    await rows_of(urls["servicemodule"], ONDERWERP.select().order_by(ONDERWERP.c.volgnummer)),
                    subjects,
                    strict=True,
                )
            },
            reports=await every(sources.reports),
            status_changes=await every(sources.status_changes),
            journeys=await every(sources.journeys),
            entries=await every(sources.journey_entries),
            journey_channels=[
                (row["journey_id"], row["ordinal"], row["code"]) for row in await rows_of(urls["journeys"], CHANNEL)
            ],
            handovers=await every(sources.handovers),
            involvements=[
                Involvement(row["volgnummer"], row["incident_nummer"])
                for row in await rows_of(urls["incidents"], BETROKKENE)
            ],
            news=[
                JourneyNews(row["position"], row["journey_id"], NewsKind(row["kind"]), row["key"])
                for row in await rows_of(urls["journeys"], NEWS)
            ],
        )


async def rows_of(url: str, what: Any) -> list[Mapping[Any, Any]]:
    """Rows as they stand in a database."""
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            statement = what if isinstance(what, sa.Select) else sa.select(what)
            return list((await connection.execute(statement)).mappings())
    finally:
        await engine.dispose()


async def write(url: str, *statements: Any) -> None:
    """Writes as the owning back-end would: in one transaction, past Omniloket."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            for statement in statements:
                await connection.execute(sa.text(statement) if isinstance(statement, str) else statement)
    finally:
        await engine.dispose()


def change_of(number: str, status: str, at: str = "2026-11-02 10:00:00.000000") -> list[str]:
    """How the incident register changes a status: its history and the report, in one transaction."""
    columns = "incident_nummer, status_cd, vorige_status_cd, tijdstip"
    return [
        f"INSERT INTO incident_status ({columns}) VALUES ('{number}', '{status}', 'ONTV', '{at}')",
        f"UPDATE incident SET status_cd = '{status}', gewijzigd_op = '{at}' WHERE nummer = '{number}'",
    ]


async def reported(urls: Urls) -> tuple[str, str]:
    """A report that is not confidential, and its reporter."""
    open_numbers = {row["nummer"] for row in await rows_of(urls["incidents"], INCIDENT) if not row["vertrouwelijk"]}
    for row in await rows_of(urls["incidents"], BETROKKENE):
        if row["rol_cd"] == "AAN" and row["incident_nummer"] in open_numbers:
            return row["incident_nummer"], row["bsn"]
    raise AssertionError("the population has no such report")

"""Who may see but their own is never answered by looking at everybody's rows: SQLite tells how it would find them."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from omniloket.configured import databases
from omniloket.settings import Settings
from sources.paging import PageRequest
from sources.ports import Sources
from sources.scope import Scope
from sources.sql.opening import open_sources
from support.back_ends import Urls, reported
from support.houses import settings

BIG = ("persoon", "klantcontact", "incident", "incident_status", "betrokkene", "journey", "journey_entry")
COLLECTIONS = ("citizens", "contacts", "reports", "journeys")
LOGS = ("status_log", "contact_log", "journey_log")


@asynccontextmanager
async def opened(configured: Settings, heard: list[tuple[str, str]]) -> AsyncGenerator[Sources]:
    """The sources; `heard` gets each SELECT that SQLite is given, with its file."""

    def listen(connection: Any, _record: object) -> None:
        driver = connection.driver_connection._conn
        file = driver.execute("PRAGMA database_list").fetchone()[2]

        def hear(text: str) -> None:
            if text.startswith("SELECT"):
                heard.append((file, text))

        driver.set_trace_callback(hear)

    event.listen(Pool, "connect", listen)
    try:
        async with open_sources(databases(configured), configured.sealer()) as sources:
            yield sources
    finally:
        event.remove(Pool, "connect", listen)


def scanned(heard: list[tuple[str, str]]) -> list[str]:
    """The statements for which SQLite would look at all rows of a big table."""
    found: list[str] = []
    for file, statement in heard:
        with closing(sqlite3.connect(file)) as connection:
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
                if step.startswith("SCAN ") and step.split()[1] in BIG:
                    found.append(f"{step}: {statement}")
    return found


async def test_a_citizen_s_lists_and_totals_begin_with_the_citizen(sqlite_urls: Urls) -> None:
    _, bsn = await reported(sqlite_urls)
    heard: list[tuple[str, str]] = []
    async with opened(settings(sqlite_urls), heard) as sources:
        for name in COLLECTIONS:
            collection: Any = getattr(sources, name)
            assert (await collection.page(PageRequest(5), Scope(bsn=bsn))).rows
            assert await collection.count(Scope(bsn=bsn))
    assert len(heard) == 2 * len(COLLECTIONS)
    assert not scanned(heard)


@pytest.mark.parametrize("name", LOGS)
async def test_the_ends_of_a_log_are_found_without_its_middle(sqlite_urls: Urls, name: str) -> None:
    heard: list[tuple[str, str]] = []
    async with opened(settings(sqlite_urls), heard) as sources:
        log: Any = getattr(sources, name)
        end = await log.end()
        await log.changes(end, 500)
        assert [page async for page in log.between(end, end)] == []
    assert heard
    assert not scanned(heard)

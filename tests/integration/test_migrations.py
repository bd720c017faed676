"""The journey database's migrations: from what an older server left to what this one needs."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from sources.errors import SourceUnavailable
from sources.linking.matching import NEW, Changes, JourneyChange
from sources.linking.storing import LogPosition
from sources.records import EntryKind, Journey, JourneyState
from sources.sql.journey_store import SqlJourneyStore
from sources.sql.journeys import ENTRY, JOURNEY, NEWS
from sources.sql.migrating import migrate
from sources.sql.opening import DatabaseSettings, open_sources
from support.back_ends import NOW, SEALER, Urls, rows_of, write
from support.revisions import empty, upgrade

VERSION = sa.table("alembic_version", sa.column("version_num", sa.String()))


async def test_a_database_without_marks_keeps_its_journeys_and_reads_the_logs_anew(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'journeys.db'}"
    await upgrade(url, "0001")
    instants = "'2026-05-01 10:00:00.000000', '2026-05-01 10:00:00.000000'"
    await write(
        url,
        f"INSERT INTO journey (state, opened_at, last_active_at) VALUES ('OPEN', {instants})",
        "INSERT INTO linker_position (log, position, history_end) VALUES ('contacts', 7, 7)",
    )
    await migrate(url)
    async with SqlJourneyStore(url) as store:
        assert await store.positions() == {"contacts": LogPosition("")}
    assert len(await rows_of(url, JOURNEY)) == 1
    assert await rows_of(url, NEWS) == []


async def test_any_number_of_facts_is_written_and_looked_for_at_once(own_urls: Urls) -> None:
    """PostgreSQL's protocol takes 32,767 parameters; a batch of a history may hold more facts than that."""
    facts = [(EntryKind.CONTACT, str(number)) for number in range(10_000_000, 10_033_000)]
    known = [
        (EntryKind.CONTACT, row["key"]) for row in await rows_of(own_urls["journeys"], ENTRY) if row["kind"] == "C"
    ]
    journey = Journey(NEW, JourneyState.OPEN, NOW, NOW, None, None)
    async with SqlJourneyStore(own_urls["journeys"]) as store:
        assert await store.placed([*facts, *known]) == set(known)
        assert await store.hold("test", NOW, NOW + timedelta(seconds=60))
        gained = [(fact, NOW) for fact in facts]
        await store.write("test", Changes([JourneyChange(journey, ["APP"], gained)]), {})
        assert await store.placed(facts) == set(facts)


@pytest.mark.parametrize("revision", [None, "0001"])
async def test_several_processes_migrate_at_the_same_time(own_urls: Urls, revision: str | None) -> None:
    url = own_urls["journeys"]
    await empty(url)
    if revision is not None:
        await upgrade(url, revision)
    program = "import asyncio, sys; from sources.sql.migrating import migrate; asyncio.run(migrate(sys.argv[1]))"
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, url, stderr=asyncio.subprocess.PIPE)
        for _ in range(4)
    ]
    told = [(await process.communicate())[1].decode() for process in processes]
    assert told == [""] * 4
    assert await rows_of(url, VERSION) == [{"version_num": "0002"}]
    assert await rows_of(url, NEWS) == []


async def test_a_migration_that_fails_leaves_nothing_behind(own_urls: Urls) -> None:
    url = own_urls["journeys"]
    await empty(url)
    await write(url, "CREATE TABLE handover (id integer)")
    with pytest.raises(SourceUnavailable):
        await migrate(url)
    with pytest.raises(sa.exc.DBAPIError):
        await rows_of(url, JOURNEY)
    await write(url, "DROP TABLE handover")
    await migrate(url)
    assert await rows_of(url, JOURNEY) == []


async def test_tables_of_a_newer_omniloket_stay_as_they_are(own_urls: Urls) -> None:
    url = own_urls["journeys"]
    await write(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SourceUnavailable, match="newer revision \\(9999\\)"):
        await migrate(url)
    async with open_sources({name: DatabaseSettings(url=each) for name, each in own_urls.items()}, SEALER) as sources:
        assert [(await each.health()).reason for each in sources.back_ends] == [None] * 4


@pytest.mark.parametrize(
    ("revision", "words"),
    [(None, "no tables yet: run omniloket link"), ("0001", "of revision 0001, not 0002: run omniloket link")],
)
async def test_health_tells_of_tables_that_are_older(own_urls: Urls, revision: str | None, words: str) -> None:
    await empty(own_urls["journeys"])
    if revision is not None:
        await upgrade(own_urls["journeys"], revision)
    async with open_sources({name: DatabaseSettings(url=each) for name, each in own_urls.items()}, SEALER) as sources:
        *others, journeys = [await each.health() for each in sources.back_ends]
        assert [each.available for each in others] == [True] * 3
        assert not journeys.available
        assert journeys.reason is not None
        assert words in journeys.reason
        await migrate(own_urls["journeys"])
        assert (await sources.back_ends[-1].health()).available

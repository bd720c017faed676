"""The journey database's migrations: from what an older server left to what this one needs."""

from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import create_async_engine

from sources.linking.matching import NEW, Changes, JourneyChange
from sources.linking.storing import LogPosition
from sources.records import EntryKind, Journey, JourneyState
from sources.sql.journey_store import SqlJourneyStore
from sources.sql.journeys import ENTRY, JOURNEY, NEWS
from sources.sql.migrating import MIGRATIONS, migrate
from support.back_ends import NOW, Urls, rows_of, write


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


async def upgrade(url: str, revision: str) -> None:
    engine = create_async_engine(url)

    def run(connection: sa.Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()

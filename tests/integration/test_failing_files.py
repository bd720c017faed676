"""What happens to an SQLite file that is in use: removed, replaced, overwritten, locked."""

import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sources.errors import SourceUnavailable
from sources.paging import PageRequest
from sources.scope import EVERYTHING
from sources.sql import incidents
from sources.sql.database import Database
from support.back_ends import Urls


@pytest.fixture
def file(sqlite_urls: Urls, tmp_path: Path) -> Path:
    copy = Path(shutil.copy(sqlite_urls["incidents"].removeprefix("sqlite+aiosqlite:///"), tmp_path))
    with sqlite3.connect(copy) as connection:
        # Without a write-ahead log a writer locks readers out.
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    return copy


@pytest_asyncio.fixture
async def database(file: Path) -> AsyncIterator[Database]:
    async with Database("incidents", f"sqlite+aiosqlite:///{file}", timeout_seconds=0.5) as opened:
        assert await answers(opened)
        yield opened


async def answers(database: Database) -> bool:
    return await incidents.reports(database).count(EVERYTHING) > 0


async def test_a_file_that_is_removed_is_away_until_it_is_back(database: Database, file: Path, tmp_path: Path) -> None:
    file.rename(tmp_path / "elsewhere")
    for _ in range(3):
        with pytest.raises(SourceUnavailable):
            await answers(database)
    assert not file.exists()
    (tmp_path / "elsewhere").rename(file)
    assert await answers(database)


async def test_a_file_that_is_replaced_is_read_anew(database: Database, file: Path, tmp_path: Path) -> None:
    before = await incidents.reports(database).count(EVERYTHING)
    restored = shutil.copy(file, tmp_path / "restored")
    with sqlite3.connect(restored) as connection:
        connection.execute("DELETE FROM incident WHERE nummer = (SELECT min(nummer) FROM incident)")
    connection.close()
    restored.rename(file)
    assert await incidents.reports(database).count(EVERYTHING) == before - 1


async def test_a_file_that_is_no_database_is_unavailable(database: Database, file: Path, tmp_path: Path) -> None:
    good = shutil.copy(file, tmp_path / "good")
    (tmp_path / "rubbish").write_text("rubbish " * 1000)
    (tmp_path / "rubbish").rename(file)
    for _ in range(8):
        with pytest.raises(SourceUnavailable):
            await answers(database)
    good.rename(file)
    assert await answers(database)


async def test_a_file_that_another_process_has_locked_is_away_no_longer_than_the_lock(
    database: Database, file: Path
) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for _ in range(2):
        with pytest.raises(SourceUnavailable):
            await answers(database)
    other.execute("ROLLBACK")
    other.close()
    assert await answers(database)


async def test_a_text_that_cannot_be_read_keeps_nobody_in_the_past(database: Database, file: Path) -> None:
    before = await incidents.reports(database).count(EVERYTHING)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE incident SET titel = CAST(x'ff' AS TEXT)")
    page = await incidents.reports(database).page(PageRequest(limit=10), EVERYTHING)
    assert [error.field for error in page.malformed] == ["titel"] * 10
    with connection:
        connection.execute("DELETE FROM incident WHERE nummer = (SELECT min(nummer) FROM incident)")
    connection.close()
    assert await incidents.reports(database).count(EVERYTHING) == before - 1

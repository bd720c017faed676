"""What a load leaves behind, and what it finds."""

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

from sources.demo.loading import SqliteFiles, load
from sources.demo.population import Population

KILLED = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("CREATE TABLE left_behind (x)")
connection.executemany("INSERT INTO left_behind VALUES (?)", [(each,) for each in range(10_000)])
connection.commit()
os.abort()
"""


def test_a_log_that_a_killed_writer_left_does_not_destroy_the_next_database(tmp_path: Path) -> None:
    population = Population(200, seed=1)
    asyncio.run(load(SqliteFiles(tmp_path), population, "one", lambda _: None))
    file = tmp_path / "persons.db"
    subprocess.run([sys.executable, "-c", KILLED, file], check=False)
    assert file.with_name("persons.db-wal").stat().st_size > 0
    file.unlink()
    asyncio.run(load(SqliteFiles(tmp_path), population, "another", lambda _: None))
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'left_behind'").fetchall() == []
    connection.close()

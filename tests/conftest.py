"""Real servers for tests: PostgreSQL from its wheel, and a population on it and on SQLite."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from sources.demo.loading import PostgresDatabases, SqliteFiles
from support.back_ends import Urls, loaded
from support.postgres import postgres_server

KINDS = ["sqlite", "postgresql"]

# An example may take as long as a busy machine needs: what is slow is found by benchmarks.
settings.register_profile("omniloket", deadline=None)
settings.load_profile("omniloket")


@pytest.fixture
def without_collector() -> Iterator[None]:
    """Cycles stay where they are."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server: the one that is named, or one of our own."""
    given = os.environ.get("OMNILOKET_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    with postgres_server() as server:
        yield server.url


@pytest.fixture(scope="session")
def sqlite_urls(tmp_path_factory: pytest.TempPathFactory) -> Urls:
    """A population in files. Tests read it and leave it as it is."""
    return loaded(SqliteFiles(tmp_path_factory.mktemp("sqlite")))


@pytest.fixture(scope="session")
def postgres_urls(postgres: str) -> Urls:
    """The same population on PostgreSQL."""
    return loaded(PostgresDatabases(postgres, "omniloket_test"))


@pytest.fixture(scope="session", params=KINDS)
def urls(request: pytest.FixtureRequest) -> Urls:
    """The population on each kind of database in turn."""
    return request.getfixturevalue({"sqlite": "sqlite_urls", "postgresql": "postgres_urls"}[request.param])


@pytest.fixture(params=KINDS)
def own_urls(request: pytest.FixtureRequest, tmp_path: Path) -> Urls:
    """A population of the test's own, on each kind of database in turn, to write into."""
    if request.param == "sqlite":
        return loaded(SqliteFiles(tmp_path))
    return loaded(PostgresDatabases(request.getfixturevalue("postgres"), "omniloket_own"))

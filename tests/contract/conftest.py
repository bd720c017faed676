"""Each adapter over the same facts: in memory, on SQLite, on PostgreSQL; and whatever else is named here."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import pytest_asyncio

from sources.ports import Sources
from support.back_ends import SEALER, Opened, Urls, facts_in, run
from support.memory_sources import Facts, memory_sources

Storage = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Sources]]


@pytest.fixture(scope="session")
def facts(sqlite_urls: Urls) -> Facts:
    return run(facts_in(sqlite_urls))


@asynccontextmanager
async def in_memory(request: pytest.FixtureRequest) -> AsyncGenerator[Sources]:
    facts: Facts = request.getfixturevalue("facts")
    yield memory_sources(facts, SEALER)


def on(urls: str) -> Storage:
    """Over the databases whose addresses a fixture gives."""
    return lambda request: Opened(request.getfixturevalue(urls))


STORAGES: dict[str, Storage] = {
    "memory": in_memory,
    "sqlite": on("sqlite_urls"),
    "postgresql": on("postgres_urls"),
}
"""Every storage that the suite runs against. Each gives all ports, over the facts that the others have.

One of your own gives the ports of another one, with yours in their place: `replace(sources, citizens=...)`.
"""


@pytest_asyncio.fixture(params=STORAGES)
async def sources(request: pytest.FixtureRequest) -> AsyncIterator[Sources]:
    async with STORAGES[request.param](request) as opened:
        yield opened

"""Each adapter over the same facts: in memory, on SQLite, on PostgreSQL."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sources.ports import Sources
from support.back_ends import SEALER, Opened, Urls, facts_in, run
from support.memory_sources import Facts, memory_sources


@pytest.fixture(scope="session")
def facts(sqlite_urls: Urls) -> Facts:
    return run(facts_in(sqlite_urls))


@pytest_asyncio.fixture(params=["memory", "sqlite", "postgresql"])
async def sources(request: pytest.FixtureRequest, facts: Facts) -> AsyncIterator[Sources]:
    if request.param == "memory":
        yield memory_sources(facts, SEALER)
        return
    urls: Urls = request.getfixturevalue({"sqlite": "sqlite_urls", "postgresql": "postgres_urls"}[request.param])
    async with Opened(urls) as opened:
        yield opened

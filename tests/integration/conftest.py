"""A house over each kind of database."""

from collections.abc import AsyncIterator

import pytest_asyncio

from support.back_ends import Urls
from support.houses import Asking, opened


@pytest_asyncio.fixture
async def ask(urls: Urls) -> AsyncIterator[Asking]:
    async with opened(urls) as asking:
        yield asking

"""The figures of a moment, over sources of any kind."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

from sources.ports import Sources
from support.back_ends import SEALER
from support.houses import opened
from support.memory_sources import Facts, memory_sources

SOURCES = ("persons", "servicemodule", "incidents", "journeys")


@asynccontextmanager
async def in_memory(*_: object) -> AsyncGenerator[Sources]:
    yield memory_sources(Facts(), SEALER)


async def test_sources_that_are_no_databases_have_figures_too(tmp_path: Path) -> None:
    urls = {name: f"sqlite+aiosqlite:///{tmp_path / name}" for name in SOURCES}
    with patch("omniloket.opening.open_sources", in_memory):
        async with opened(urls) as asking:
            text = asking.house.accounts.metrics.text().decode()
    for name in SOURCES:
        assert f'omniloket_source_statements_total{{source="{name}"}} 0.0' in text
        assert f'omniloket_source_resting{{source="{name}"}} 0.0' in text

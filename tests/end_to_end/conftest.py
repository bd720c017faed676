"""One server process for the tests that only ask."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.back_ends import Urls
from support.running_providers import RunningProvider, running_provider
from support.servers import Server, serving


@pytest.fixture(scope="session")
def server(sqlite_urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(sqlite_urls, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as opened:
        yield opened


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[RunningProvider]:
    with running_provider(tmp_path) as running:
        yield running

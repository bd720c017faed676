"""What a GET costs before anybody executes it."""

from typing import Any

import httpx
import pytest
from graphql import visit

from omniloket import private_arguments
from omniloket.app import application
from support.back_ends import Urls
from support.houses import settings
from support.in_process import URL


async def test_a_document_is_looked_through_for_private_arguments_once(
    sqlite_urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its variables each time: they may hold what the document has no name for."""
    looks = 0

    def counted(*given: Any) -> Any:
        nonlocal looks
        looks += 1
        return visit(*given)

    monkeypatch.setattr(private_arguments, "visit", counted)
    app = application(settings(sqlite_urls))
    query = "{ viewer { role } }"
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        for variables, status in (("{}", 200), ("{}", 200), ('{"bsn": 1}', 405), ("{}", 200)):
            answer = await client.get(URL, params={"query": query, "variables": variables})
            assert answer.status_code == status
        assert looks == 1
        for _ in range(2):
            private = await client.get(URL, params={"query": '{ citizen(by: {bsn: "x"}) { id } }'})
            assert private.status_code == 405
        assert looks == 2

"""A fault of ours, whatever it is, over HTTP."""

from typing import Any

import httpx
import pytest

from engine.executor import Executor
from omniloket.app import application
from support.back_ends import Urls
from support.houses import settings
from support.in_process import URL


async def _unspeakable(*_: object) -> dict[str, Any]:
    """An answer that JSON has no form for."""
    return {"data": {"number": 2**70}}


async def _failing(*_: object) -> dict[str, Any]:
    raise ZeroDivisionError


@pytest.mark.parametrize("execute", [_unspeakable, _failing])
async def test_it_is_a_graphql_error_with_the_id_in_the_log(
    sqlite_urls: Urls, monkeypatch: pytest.MonkeyPatch, execute: Any
) -> None:
    monkeypatch.setattr(Executor, "execute", execute)
    app = application(settings(sqlite_urls))
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        answer = await client.post(URL, json={"query": "{ viewer { role } }"})
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("application/graphql-response+json")
    assert "omniloket-request" in answer.headers
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["id"]

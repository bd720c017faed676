"""Introspection: a token that its provider has revoked ends within seconds, and without an answer none holds."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from pydantic import SecretStr

from omniloket.introspection import Introspection
from omniloket.settings import IntrospectionSettings
from resolvers.errors import Unauthenticated
from support.providers import SIGNERS, Provider, identity, signed

URL = "https://login.example/introspect"
ACTIVE = httpx.Response(200, json={"active": True})
INACTIVE = httpx.Response(200, json={"active": False})

Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Endpoint:
    """An introspection endpoint, and somebody who asks it; `seen` are the requests, `now` the time."""

    def __init__(self, answer: Answer | None = None, *, most: int = 100, **more: Any) -> None:
        self.answer = answer
        self.response = ACTIVE
        self.seen: list[httpx.Request] = []
        self.now = 0.0
        settings = IntrospectionSettings(url=URL, client_id="loket:1", client_secret=SecretStr("ge heim"), **more)
        self.asked = Introspection(settings, self._client, most=most, clock=lambda: self.now)

    async def holds(self, token: str = "token") -> bool:
        try:
            await self.asked.admit(token)
        except Unauthenticated:
            return False
        return True

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._respond))

    async def _respond(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return self.response if self.answer is None else await self.answer(request)


async def test_it_asks_as_rfc_7662_says() -> None:
    endpoint = Endpoint()
    assert await endpoint.holds("a.b.c")
    (request,) = endpoint.seen
    assert (request.method, str(request.url)) == ("POST", URL)
    assert parse_qs(request.content.decode()) == {"token": ["a.b.c"], "token_type_hint": ["access_token"]}
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"loket%3A1:ge+heim").decode()


async def test_an_answer_counts_for_some_seconds_and_a_revocation_acts_after_them() -> None:
    endpoint = Endpoint(remember_seconds=5)
    assert await endpoint.holds()
    endpoint.response = INACTIVE
    endpoint.now = 4.9
    assert await endpoint.holds()
    endpoint.now = 5.0
    assert not await endpoint.holds()
    assert not await endpoint.holds()
    assert len(endpoint.seen) == 2


async def test_one_request_serves_all_who_wait_and_outlives_the_first_of_them() -> None:
    go_on = asyncio.Event()

    async def late(_request: httpx.Request) -> httpx.Response:
        await go_on.wait()
        return ACTIVE

    endpoint = Endpoint(late)
    first, *others = [asyncio.create_task(endpoint.holds()) for _ in range(20)]
    another = asyncio.create_task(endpoint.holds("another"))
    await asyncio.sleep(0)
    first.cancel()
    go_on.set()
    assert await asyncio.gather(another, *others) == [True] * 20
    assert len(endpoint.seen) == 2


async def test_no_more_answers_are_remembered_than_may_be() -> None:
    endpoint = Endpoint(most=2)
    for token in ("a", "b", "c", "c", "a"):
        assert await endpoint.holds(token)
    assert len(endpoint.seen) == 4


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(503),
        httpx.Response(401),
        httpx.Response(302, headers={"location": URL}),
        httpx.Response(204),
        httpx.Response(200, text="true"),
        httpx.Response(200, json=[True]),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"active": "true"}),
        httpx.Response(200, json={"active": 1}),
        httpx.Response(200, json={"active": True, "more": "x" * 1_048_576}),
    ],
)
async def test_an_answer_that_is_none_closes_once_the_remembered_one_ran_out(response: httpx.Response) -> None:
    endpoint = Endpoint(remember_seconds=5)
    assert await endpoint.holds()
    endpoint.response = response
    assert await endpoint.holds()
    endpoint.now = 5.0
    assert not await endpoint.holds()
    with pytest.raises(Unauthenticated, match="cannot be told just now"):
        await endpoint.asked.admit("token")
    endpoint.response = ACTIVE
    assert await endpoint.holds()


async def test_an_endpoint_that_does_not_answer_is_left_alone_for_a_while() -> None:
    async def away(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away")

    endpoint = Endpoint(away)
    for number in range(50):
        assert not await endpoint.holds(f"token-{number}")
    assert len(endpoint.seen) == 5
    endpoint.answer = None
    assert not await endpoint.holds()
    endpoint.now = 1.0
    assert await endpoint.holds()
    assert len(endpoint.seen) == 6


async def test_closing_ends_what_is_under_way() -> None:
    async def never(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return ACTIVE

    endpoint = Endpoint(never)
    asking = asyncio.create_task(endpoint.holds())
    await asyncio.sleep(0)
    await endpoint.asked.aclose()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_a_verified_token_is_asked_about_and_a_forged_one_is_not() -> None:
    provider = Provider(SIGNERS["ES256"])
    introspection = {"url": URL, "client_id": "loket", "client_secret": "geheim", "remember_seconds": 0}
    who = identity(provider, introspection=introspection)
    provider.answers["/introspect"] = ACTIVE
    token = signed()
    await who.of_token(token)
    assert provider.asked == 3
    provider.answers["/introspect"] = INACTIVE
    with pytest.raises(Unauthenticated):
        await who.of_token(token)
    assert provider.asked == 4
    with pytest.raises(Unauthenticated):
        await who.of_token(token[:-8] + "A" * 8)
    assert provider.asked == 4

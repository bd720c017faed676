"""A provider that is not as it should be: its tokens do not hold, and `check` is told why."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from omniloket.identity import Identity
from omniloket.oidc import Issuers
from omniloket.provider_keys import ProviderKeys
from omniloket.settings import IssuerSettings
from resolvers.errors import Unauthenticated
from sources.records import Role
from support.oidc_provider import Signer
from support.providers import ISSUER, SIGNERS, Provider, issuer, signed

DISCOVERY = "/.well-known/openid-configuration"


def discovered(**more: Any) -> httpx.Response:
    return httpx.Response(200, json={"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys", **more})


def small_key() -> dict[str, Any]:
    public = rsa.generate_private_key(65537, 1024).public_key()
    return {**json.loads(RSAAlgorithm.to_jwk(public)), "kid": "small", "use": "sig"}


WRONG: dict[str, tuple[str, httpx.Response, str]] = {
    "away": (DISCOVERY, httpx.Response(503), "answered 503"),
    "elsewhere": (DISCOVERY, httpx.Response(302, headers={"location": "/x"}), "answered 302"),
    "no JSON": (DISCOVERY, httpx.Response(200, text="<html>"), "not a JSON object"),
    "a list": (DISCOVERY, httpx.Response(200, json=[]), "not a JSON object"),
    "too large": (DISCOVERY, discovered(more="x" * 1_048_576), "larger than 1048576 bytes"),
    "a foreign issuer": (DISCOVERY, discovered(issuer="https://another.example"), "another issuer's"),
    "no issuer": (DISCOVERY, discovered(issuer=None), "another issuer's"),
    "an insecure jwks_uri": (DISCOVERY, discovered(jwks_uri="http://login.example/keys"), "not an https:// URL"),
    "no jwks_uri": (DISCOVERY, discovered(jwks_uri=None), "not an https:// URL"),
    "keys that are too large": ("/keys", httpx.Response(200, content=b" " * 1_048_577), "larger than 1048576 bytes"),
    "keys that are none": ("/keys", httpx.Response(200, json={"keys": {}}), "no list of keys"),
    "no keys": ("/keys", httpx.Response(200, json={"keys": []}), "no key that can be used"),
    "a small key alone": ("/keys", httpx.Response(200, json={"keys": [small_key()]}), "no key that can be used"),
    "a key for encryption": (
        "/keys",
        httpx.Response(200, json={"keys": [{**SIGNERS["ES256"].jwk, "use": "enc"}]}),
        "no key that can be used",
    ),
}


@pytest.mark.parametrize(("path", "response", "reason"), WRONG.values(), ids=WRONG.keys())
async def test_a_provider_that_is_not_right_is_not_believed(path: str, response: httpx.Response, reason: str) -> None:
    provider = Provider(SIGNERS["ES256"])
    provider.answers[path] = response
    issuers = Issuers([issuer()], provider.client)
    with pytest.raises(Unauthenticated):
        await issuers.of_token(signed())
    (told,) = (await issuers.reasons()).values()
    assert told is not None
    assert reason in told


async def test_a_document_may_have_a_mebibyte() -> None:
    provider = Provider(SIGNERS["ES256"])
    document = json.dumps({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}).encode()
    provider.answers[DISCOVERY] = httpx.Response(200, content=document.ljust(1_048_576))
    assert await Issuers([issuer()], provider.client).of_token(signed())


async def test_a_small_key_beside_a_good_one_is_passed_over() -> None:
    provider = Provider(SIGNERS["ES256"])
    provider.keys.append(small_key())
    issuers = Issuers([issuer()], provider.client)
    assert await issuers.of_token(signed())
    assert await issuers.reasons() == {f"issuer {ISSUER}": None}
    small = Signer("small", "RS256")
    with pytest.raises(Unauthenticated):
        await issuers.of_token(small.token(ISSUER))


class Aging:
    """The keys of a provider that has ES256, known for 300 seconds at a time, and the clock that they age by."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.provider = Provider(SIGNERS["ES256"])
        settings = issuer(refetch_seconds=10, timeout_seconds=0.1)
        self.keys = ProviderKeys(settings, self.provider.client, lambda: self.now)

    async def holds(self, algorithm: str = "ES256") -> bool:
        return await self.keys.find(f"key-{algorithm}", algorithm) is not None

    def withdraw(self) -> None:
        self.provider.keys = [SIGNERS["EdDSA"].jwk]


@pytest.mark.parametrize("seconds", [300, 600, 86_400])
async def test_a_withdrawn_key_opens_nothing_after_a_quiet_time(seconds: float) -> None:
    aging = Aging()
    assert await aging.holds()
    aging.withdraw()
    aging.now += 299
    assert await aging.holds()
    aging.now += seconds - 299
    assert await asyncio.gather(*(aging.holds() for _ in range(20))) == [False] * 20
    assert aging.provider.asked == 4


async def test_while_the_provider_is_away_its_keys_hold_and_it_is_waited_for_once() -> None:
    aging = Aging()
    assert await aging.holds()
    aging.now += 86_400
    aging.provider.away = True
    assert await asyncio.gather(*(aging.holds() for _ in range(20))) == [True] * 20
    assert aging.provider.asked == 3
    aging.withdraw()
    aging.now += 10
    aging.provider.pause.clear()
    assert await asyncio.wait_for(aging.holds(), 60)  # it is asked, and nobody waits
    aging.provider.away = False
    aging.provider.pause.set()
    while await aging.holds():
        await asyncio.sleep(0)
    assert aging.provider.asked == 5


async def test_a_provider_that_says_nothing_holds_up_no_key_that_is_known_for_longer_than_its_time() -> None:
    aging = Aging()
    assert await aging.holds()
    aging.now += 300
    aging.provider.pause.clear()
    waiting = asyncio.gather(*(aging.holds() for _ in range(20)))
    assert await asyncio.wait_for(waiting, 60) == [True] * 20
    assert aging.provider.asked == 3


async def test_a_provider_that_is_away_for_long_is_waited_for_again() -> None:
    aging = Aging()
    assert await aging.holds()
    aging.now += 300
    aging.provider.away = True
    assert await aging.holds()
    aging.withdraw()
    aging.provider.away = False
    aging.now += 300
    assert not await aging.holds()
    assert await aging.holds("EdDSA")


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """The address of a provider that takes every connection and never says a word."""
    gone = asyncio.Event()

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    gone.set()
    server.close()
    await server.wait_closed()


async def test_a_provider_that_never_answers_holds_nobody_up_for_long(silent: str) -> None:
    introspection: Any = {"url": silent, "client_id": "x", "client_secret": "x", "timeout_seconds": 0.1}
    given: Any = {"audience": "omniloket", "role": Role.AGENT, "introspection": introspection}
    issuers = Issuers([IssuerSettings(issuer=silent, timeout_seconds=0.1, **given)])
    token = SIGNERS["ES256"].token(silent)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await asyncio.wait_for(Identity(issuers, None).of_token(token), 60)
    told = await issuers.reasons()
    await issuers.aclose()
    assert told == dict.fromkeys(
        [f"issuer {silent}", f"introspection {silent}"], "there was no answer within 0.1 seconds"
    )

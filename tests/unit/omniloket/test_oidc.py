"""Tokens of OpenID Connect providers: which hold, whom they mean, and what no token can do."""

import asyncio
import base64
import json
import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from omniloket.identity import Identity
from omniloket.oidc import Issuers, RememberedViewers
from omniloket.settings import IssuerSettings
from resolvers.context import ANONYMOUS, Viewer
from resolvers.errors import Unauthenticated
from sources.records import Role
from support.oidc_provider import Signer

ISSUER = "https://login.example"
SIGNERS = {name: Signer(f"key-{name}", name) for name in ("RS256", "PS256", "ES256", "EdDSA")}
BSN = "999990019"


class Provider:
    """A provider as httpx's own transport for tests; `asked` counts its requests."""

    def __init__(self, *signers: Signer) -> None:
        self.keys = [each.jwk for each in signers]
        self.asked = 0
        self.away = False

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.away:
            return httpx.Response(503)
        if request.url.path == "/keys":
            return httpx.Response(200, json={"keys": self.keys})
        return httpx.Response(200, json={"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"})


def identity(provider: Provider, **more: Any) -> Identity:
    given = {"role": Role.AGENT, "leeway_seconds": 0, "refetch_seconds": 3600, **more}
    settings = IssuerSettings(issuer=ISSUER, audience="omniloket", **given)
    return Identity(Issuers([settings], provider.client), None)


def signed(algorithm: str = "ES256", **claims: Any) -> str:
    return SIGNERS[algorithm].token(ISSUER, **claims)


@pytest.mark.parametrize("algorithm", list(SIGNERS))
async def test_a_token_holds_under_each_algorithm(algorithm: str) -> None:
    who = identity(Provider(*SIGNERS.values()))
    viewer = await who.of_authorization(f"Bearer {signed(algorithm, unit='PL1700', clearance=True)}")
    assert viewer == Viewer(Role.AGENT, "somebody", unit="PL1700", clearance=True)
    assert await who.of_authorization(None) == ANONYMOUS


async def test_an_algorithm_that_the_settings_leave_out_does_not_hold_and_asks_nobody() -> None:
    provider = Provider(*SIGNERS.values())
    with pytest.raises(Unauthenticated):
        await identity(provider, algorithms=("PS256",)).of_token(signed("ES256"))
    assert provider.asked == 0


def _with_header(token: str, **header: Any) -> str:
    _, payload, signature = token.split(".")
    return f"{_part(header)}.{payload}.{signature}"


def _part(given: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(given).encode()).rstrip(b"=").decode()


def _hs256_under_the_public_key() -> str:
    public = SIGNERS["RS256"].key.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = f"{_part({'alg': 'HS256', 'kid': 'key-RS256'})}.{signed().split('.')[1]}"
    signature = jwt.get_algorithm_by_name("HS256").sign(head.encode(), pem)
    return f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


FORGED = {
    "none": _with_header(signed(), alg="none", kid="key-ES256").rsplit(".", 1)[0] + ".",
    "HS256 under the public key": _hs256_under_the_public_key(),
    "another algorithm of the same key": _with_header(signed("RS256"), alg="PS256", kid="key-RS256"),
    "a key of another type": _with_header(signed("RS256"), alg="ES256", kid="key-RS256"),
    "somebody else's key": Signer("key-ES256", "ES256").token(ISSUER),
    "an unknown key": Signer("unknown", "ES256").token(ISSUER),
    "no key": _with_header(signed(), alg="ES256"),
    "a critical extension": _with_header(signed(), alg="ES256", kid="key-ES256", crit=["x"], x=1),
    "another audience": signed(aud="another"),
    "no audience": signed(aud=None),
    "another issuer": SIGNERS["ES256"].token("https://another.example"),
    "expired": signed(exp=int(time.time()) - 1),
    "no expiry": signed(exp=None),
    "an expiry that is a text": signed(exp=str(int(time.time()) + 600)),
    "an endless expiry": signed(exp=float("inf")),
    "not yet valid": signed(nbf=int(time.time()) + 600),
    "issued later": signed(iat=int(time.time()) + 600),
    "too large": signed(more="x" * 9000),
    "no subject": signed(sub=None),
    "an empty subject": signed(sub=""),
    "a unit that is a number": signed(unit=1),
    "a clearance that is a text": signed(clearance="true"),
    "nested too deeply": f"{'W1tb' * 2000}.e30.x",
    "not a token": "garbage",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
async def test_a_token_that_is_not_right_does_not_hold(token: str) -> None:
    with pytest.raises(Unauthenticated):
        await identity(Provider(*SIGNERS.values())).of_token(token)


async def test_a_role_comes_from_the_first_row_that_the_token_has() -> None:
    who = identity(Provider(SIGNERS["ES256"]), role=None, roles={"chef": Role.SUPERVISOR, "desk": Role.AGENT})
    assert (await who.of_token(signed(role=["desk", "chef"]))).role is Role.SUPERVISOR
    assert (await who.of_token(signed(role="desk"))).role is Role.AGENT
    for role in ("SUPERVISOR", None, 1, ["unknown"], {"desk": 1}):
        with pytest.raises(Unauthenticated):
            await who.of_token(signed(role=role))


async def test_a_citizen_needs_a_bsn_that_can_be() -> None:
    who = identity(Provider(SIGNERS["ES256"]), role=Role.CITIZEN, claims={"bsn": "number"})
    assert await who.of_token(signed(number=BSN)) == Viewer(Role.CITIZEN, "somebody", bsn=BSN)
    for bsn in (None, "123456789", 999990019):
        with pytest.raises(Unauthenticated):
            await who.of_token(signed(number=bsn))


async def test_unknown_key_ids_fetch_once_and_known_keys_go_on_while_the_provider_is_away() -> None:
    provider = Provider(SIGNERS["ES256"])
    who = identity(provider)
    await who.of_token(signed())
    provider.away = True
    for number in range(50):
        with pytest.raises(Unauthenticated):
            await who.of_token(_with_header(signed(), alg="ES256", kid=f"unknown-{number}"))
    assert (await who.of_token(signed(unit="PL1700"))).unit == "PL1700"
    assert provider.asked == 2


async def test_a_failed_fetch_keeps_the_keys() -> None:
    provider = Provider(SIGNERS["ES256"])
    who = identity(provider, refetch_seconds=0.001)
    await who.of_token(signed())
    provider.away = True
    time.sleep(0.01)
    with pytest.raises(Unauthenticated):
        await who.of_token(FORGED["an unknown key"])
    assert provider.asked == 3
    assert (await who.of_token(signed(unit="PL1700"))).unit == "PL1700"


async def test_tokens_that_come_together_share_one_fetch_which_outlives_the_first_of_them() -> None:
    provider = Provider(SIGNERS["ES256"])
    who = identity(provider)
    first, *others = [asyncio.create_task(who.of_token(signed(unit=f"unit-{number}"))) for number in range(20)]
    await asyncio.sleep(0)
    first.cancel()
    assert [(await each).unit for each in others] == [f"unit-{number}" for number in range(1, 20)]
    assert provider.asked == 2


async def test_a_key_that_the_provider_withdraws_ends_also_for_a_token_that_was_verified() -> None:
    provider = Provider(SIGNERS["ES256"])
    who = identity(provider, keys_seconds=0.001, refetch_seconds=0.001)
    token = signed()
    await who.of_token(token)
    provider.keys = [SIGNERS["EdDSA"].jwk]

    async def ask_until_refused() -> None:
        while True:
            await asyncio.sleep(0.01)
            await who.of_token(token)

    with pytest.raises(Unauthenticated):
        await asyncio.wait_for(ask_until_refused(), 10)


def test_a_viewer_is_remembered_until_the_instant_and_the_oldest_gives_way() -> None:
    now = [100.0]
    remembered = RememberedViewers(2, lambda: now[0])
    for token in ("a", "b", "c"):
        remembered.put(token, ANONYMOUS, 200.0)
    assert [remembered.get(token) for token in ("a", "b", "c")] == [None, ANONYMOUS, ANONYMOUS]
    now[0] = 200.0
    assert remembered.get("c") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)
HEADS = st.dictionaries(st.sampled_from(["alg", "kid", "crit", "typ", "b64"]), JSON)
CLAIMS = st.dictionaries(st.sampled_from(["exp", "aud", "sub"]), JSON).map(lambda claims: {**claims, "iss": ISSUER})
GARBAGE = st.text() | st.builds(lambda head, claims: f"{_part(head)}.{_part(claims)}.AAAA", HEADS, CLAIMS)


@given(GARBAGE)
async def test_garbage_is_unauthenticated_and_nobody_is_asked(token: str) -> None:
    provider = Provider(SIGNERS["ES256"])
    with pytest.raises(Unauthenticated):
        await identity(provider).of_token(token)
    assert provider.asked == 0

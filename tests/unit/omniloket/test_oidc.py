"""Tokens of OpenID Connect providers: which hold, whom they mean, and what no token can do."""

import asyncio
import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from omniloket.remembered import Remembered
from resolvers.context import ANONYMOUS, Viewer
from resolvers.errors import Unauthenticated
from schema.access import Claim, common
from sources.records import Role
from support.oidc_provider import Signer
from support.providers import ANOTHER, BSN, ISSUER, SIGNERS, Provider, identity, signed


@pytest.mark.parametrize("algorithm", list(SIGNERS))
async def test_a_token_holds_under_each_algorithm(algorithm: str) -> None:
    who = identity(Provider(*SIGNERS.values()))
    viewer = await who.of_authorization(f"Bearer {signed(algorithm, unit='PL1700', clearance=True)}")
    assert viewer == Viewer(Role.AGENT, "somebody", unit="PL1700", clearance=True, issuer=ISSUER)
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
    "an expiry that is a string": signed(exp=str(int(time.time()) + 600)),
    "an endless expiry": signed(exp=float("inf")),
    "not yet valid": signed(nbf=int(time.time()) + 600),
    "issued later": signed(iat=int(time.time()) + 600),
    "too large": signed(more="x" * 9000),
    "no subject": signed(sub=None),
    "an empty subject": signed(sub=""),
    "a unit that is a number": signed(unit=1),
    "a clearance that is a string": signed(clearance="true"),
    "nested too deeply": f"{'W1tb' * 2000}.e30.x",
    "not a token": "garbage",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
async def test_a_token_that_is_not_right_does_not_hold(token: str) -> None:
    with pytest.raises(Unauthenticated):
        await identity(Provider(*SIGNERS.values())).of_token(token)


async def test_a_token_that_is_too_large_asks_nobody_and_a_large_one_holds() -> None:
    provider = Provider(SIGNERS["ES256"])
    who = identity(provider)
    large, too_large = signed(more="x" * 5900), signed(more="x" * 6000)
    assert len(large) <= 8192 < len(too_large)
    with pytest.raises(Unauthenticated):
        await who.of_token(too_large)
    assert provider.asked == 0
    assert (await who.of_token(large)).role is Role.AGENT


@pytest.mark.parametrize("expires", [10**400, 1e308, 4_102_444_800])
async def test_a_token_may_expire_as_late_as_it_likes(expires: float) -> None:
    who = identity(Provider(SIGNERS["ES256"]))
    verified = await who.verified(f"Bearer {signed(exp=expires)}")
    assert verified.viewer.role is Role.AGENT
    assert verified.until < time.time() + 24 * 3600


async def test_a_role_comes_from_the_first_row_that_the_token_has() -> None:
    who = identity(Provider(SIGNERS["ES256"]), role=None, roles={"chef": Role.SUPERVISOR, "desk": Role.AGENT})
    assert (await who.of_token(signed(role=["desk", "chef"]))).role is Role.SUPERVISOR
    assert (await who.of_token(signed(role="desk"))).role is Role.AGENT
    for role in ("SUPERVISOR", None, 1, ["unknown"], {"desk": 1}):
        with pytest.raises(Unauthenticated):
            await who.of_token(signed(role=role))


async def test_a_citizen_needs_a_bsn_that_can_be() -> None:
    who = identity(Provider(SIGNERS["ES256"]), role=Role.CITIZEN, claims={"bsn": "number"})
    assert await who.of_token(signed(number=BSN)) == Viewer(Role.CITIZEN, "somebody", bsn=BSN, issuer=ISSUER)
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


def test_a_token_is_remembered_until_the_instant_and_the_oldest_gives_way() -> None:
    now = [100.0]
    remembered: Remembered[str] = Remembered(2, lambda: now[0])
    for token in ("a", "b", "c"):
        remembered.put(token, token.upper(), 200.0)
    assert [remembered.get(token) for token in ("a", "b", "c")] == [None, "B", "C"]
    now[0] = 200.0
    assert remembered.get("c") is None


async def test_the_name_is_kept_for_those_who_account_for_it_and_never_printed() -> None:
    who = identity(Provider(SIGNERS["ES256"]), claims={"name": "naam"})
    viewer = await who.of_token(signed(naam="Ans de Wit"))
    assert viewer.name == "Ans de Wit"
    assert "Ans" not in repr(viewer)
    assert (await who.of_token(signed())).name is None
    with pytest.raises(Unauthenticated):
        await who.of_token(signed(naam=["Ans"]))


async def test_a_subject_of_another_issuer_is_counted_as_somebody_else_and_sees_the_same() -> None:
    own, others = Provider(SIGNERS["ES256"]), Provider(SIGNERS["ES256"], name=ANOTHER)
    one = await identity(own).of_token(signed(sub="1042"))
    other = await identity(others, name=ANOTHER).of_token(SIGNERS["ES256"].token(ANOTHER, sub="1042"))
    assert one.counted_as != other.counted_as
    assert one.counted_as == (await identity(own).of_token(signed(sub="1042", unit="PL1700"))).counted_as
    assert one.scope == other.scope
    assert common(one, set(Claim)) == common(other, set(Claim))


async def test_who_may_act_for_a_citizen_is_remembered_and_changes_nothing_of_what_is_seen() -> None:
    who = identity(Provider(SIGNERS["ES256"]), role=Role.CITIZEN, actors=["app", "counter"])
    own = await who.of_token(signed(bsn=BSN))
    delegated = await who.of_token(signed(bsn=BSN, act={"sub": "app"}))
    assert (delegated.actor, own.actor) == ("app", None)
    assert (delegated.scope, delegated.role, delegated.principal) == (own.scope, own.role, own.principal)
    chain = {"sub": "counter", "act": {"sub": "unheard of"}}
    assert (await who.of_token(signed(bsn=BSN, act=chain))).actor == "counter"
    assert (await who.of_token(signed(bsn=BSN, act={"sub": "app", "iss": ISSUER}))).actor == "app"


ACTS: dict[str, Any] = {
    "not listed": {"sub": "another"},
    "listed further in only": {"sub": "another", "act": {"sub": "app"}},
    "of another issuer": {"sub": "app", "iss": "https://another.example"},
    "without a subject": {},
    "an empty subject": {"sub": ""},
    "a subject that is a list": {"sub": ["app"]},
    "a string": "app",
    "a list": [{"sub": "app"}],
    "a truth": True,
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
async def test_an_act_that_is_not_right_does_not_hold(act: Any) -> None:
    who = identity(Provider(SIGNERS["ES256"]), role=Role.CITIZEN, actors=["app"])
    with pytest.raises(Unauthenticated):
        await who.of_token(signed(bsn=BSN, act=act))


async def test_an_act_that_is_null_does_not_hold() -> None:
    given = {"iss": ISSUER, "aud": "omniloket", "sub": "x", "bsn": BSN, "exp": int(time.time()) + 600, "act": None}
    token = jwt.encode(given, SIGNERS["ES256"].key, "ES256", headers={"kid": "key-ES256"})
    with pytest.raises(Unauthenticated):
        await identity(Provider(SIGNERS["ES256"]), role=Role.CITIZEN, actors=["app"]).of_token(token)


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.CHANNEL, Role.DEVELOPER])
async def test_nobody_acts_for_anybody_but_a_citizen(role: Role) -> None:
    who = identity(Provider(SIGNERS["ES256"]), role=role, actors=["app"])
    with pytest.raises(Unauthenticated):
        await who.of_token(signed(bsn=BSN, act={"sub": "app"}))


async def test_without_actors_in_the_settings_nobody_acts() -> None:
    with pytest.raises(Unauthenticated):
        await identity(Provider(SIGNERS["ES256"]), role=Role.CITIZEN).of_token(signed(bsn=BSN, act={"sub": "app"}))


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

"""Development tokens: they hold where their key is, and nowhere else."""

import jwt
import pytest
from msgspec.structs import replace

from omniloket.identity import ALGORITHM, ISSUER, Identity, make_token
from omniloket.oidc import Issuers
from resolvers.context import Viewer
from resolvers.errors import Unauthenticated
from sources.records import Role

KEY = bytes(range(32))
CITIZEN = Viewer(Role.CITIZEN, "somebody", bsn="999990019")


def identity(key: bytes | None = KEY) -> Identity:
    return Identity(Issuers([]), key)


async def test_a_development_token_means_its_viewer() -> None:
    for viewer in (CITIZEN, replace(CITIZEN, actor="app"), Viewer(Role.AGENT, "a", unit="PL1700", clearance=True)):
        assert await identity().of_token(make_token(KEY, viewer)) == viewer


@pytest.mark.parametrize("key", [None, bytes(32)])
async def test_it_holds_nowhere_without_its_key(key: bytes | None) -> None:
    with pytest.raises(Unauthenticated):
        await identity(key).of_token(make_token(KEY, CITIZEN))


async def test_it_ends() -> None:
    with pytest.raises(Unauthenticated):
        await identity().of_token(make_token(KEY, CITIZEN, valid_seconds=-1))


@pytest.mark.parametrize("act", ["app", {}, {"sub": ""}, {"sub": 1}, None])
async def test_an_act_that_is_not_right_does_not_hold(act: object) -> None:
    claims = {"iss": ISSUER, "sub": "x", "role": "CITIZEN", "bsn": CITIZEN.bsn, "exp": 4_000_000_000, "act": act}
    with pytest.raises(Unauthenticated):
        await identity().of_token(jwt.encode(claims, KEY, ALGORITHM))


async def test_nobody_acts_for_anybody_but_a_citizen() -> None:
    with pytest.raises(Unauthenticated):
        await identity().of_token(make_token(KEY, Viewer(Role.CHANNEL, "app", actor="app")))

"""Who asks, in production: tokens of the OpenID Connect providers in the settings (docs/identity.md).

A token is a JWT (RFC 7519) that its issuer signed. It is checked as RFC 8725 advises: the algorithm must be one of
the settings' and fit the key, the key must be the issuer's own, audience and times must hold.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import httpx
import jwt

from omniloket.introspection import Introspection
from omniloket.provider_answers import Client, ProviderFailed
from omniloket.provider_keys import ProviderKeys
from omniloket.remembered import Remembered
from omniloket.revocation import Mark, RevocationList
from omniloket.settings import ClaimNames, IssuerSettings
from resolvers.context import Viewer
from resolvers.errors import Unauthenticated
from sources.bsn import is_bsn
from sources.records import Role

_MALFORMED = (jwt.PyJWTError, ArithmeticError, RecursionError, TypeError, ValueError)
"""What a JSON document or a claim can be wrong in: also nested too deeply, or a number that is no instant."""

_FAR_AWAY = 1e18
"""Seconds, beyond which no instant need be told from another: `exp` may be an integer larger than any float."""


class Issuers:
    """Tells the viewer of a token of any configured issuer."""

    def __init__(
        self,
        settings: Sequence[IssuerSettings],
        client: Client = httpx.AsyncClient,
        revoked: RevocationList | None = None,
    ) -> None:
        self._issuers = {each.issuer: Issuer(each, client) for each in settings}
        self._revoked = revoked
        self._remembered: Remembered[Verified] = Remembered()

    async def of_token(self, token: str) -> "Verified | None":
        """What it says; None when the token names none of these issuers. Raises Unauthenticated.

        A token is verified once in a while; whether it was revoked is asked each time.
        """
        if not self._issuers:
            return None
        verified = self._remembered.get(token) or await self._verified(token)
        if verified is None:
            return None
        if self.is_revoked(verified):
            raise Unauthenticated
        if verified.introspection is not None:
            await verified.introspection.admit(token)
        return verified

    def is_certain(self, token: str, verified: "Verified") -> bool:
        """Whether a token that was verified holds still, as far as can be told without asking anybody."""
        introspection = verified.introspection
        return not self.is_revoked(verified) and (introspection is None or introspection.knows(token))

    def is_revoked(self, verified: "Verified") -> bool:
        """Whether it is on the list of revocations."""
        return self._revoked is not None and self._revoked.has(verified.marks)

    async def reasons(self) -> Mapping[str, str | None]:
        """Asks every issuer, and its introspection endpoint: None for each that answers as it should, or why not."""
        found = await asyncio.gather(*(issuer.reasons() for issuer in self._issuers.values()))
        return {name: reason for each in found for name, reason in each.items()}

    async def aclose(self) -> None:
        await asyncio.gather(*(issuer.aclose() for issuer in self._issuers.values()))

    async def _verified(self, token: str) -> "Verified | None":
        issuer = self._issuers.get(_named_issuer(token))
        if issuer is None:
            return None
        verified = await issuer.verified(token)
        self._remembered.put(token, verified, verified.until)
        return verified


@dataclass(frozen=True)
class Verified:
    """A token that was verified: whom it means, until when it need not be verified again, how it may be revoked.

    `until` and `expires` are in seconds since 1970; `until` is never later.
    """

    viewer: Viewer
    issuer: str
    until: float
    expires: float
    marks: frozenset[Mark] = frozenset()
    introspection: Introspection | None = None


class Issuer:
    """One provider: its keys, and what its claims mean here."""

    def __init__(self, settings: IssuerSettings, client: Client) -> None:
        self._settings = settings
        self._keys = ProviderKeys(settings, client)
        self._introspection = settings.introspection and Introspection(settings.introspection, client)

    async def verified(self, token: str) -> Verified:
        """What a token that holds says. Raises Unauthenticated."""
        claims = await self._claims(token)
        settings = self._settings
        expires = min(claims["exp"], _FAR_AWAY) + settings.leeway_seconds
        until = min(expires, time.time() + settings.keys_seconds)
        viewer = _viewer(claims, settings)
        marks = _marks(claims, viewer, settings.issuer)
        return Verified(viewer, settings.issuer, until, expires, marks, self._introspection)

    async def reasons(self) -> Mapping[str, str | None]:
        """As Issuers.reasons, for this one."""
        asked = {f"issuer {self._settings.issuer}": self._reason_of_keys()}
        if self._introspection is not None:
            asked[f"introspection {self._introspection.url}"] = self._introspection.reason()
        return dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))

    async def aclose(self) -> None:
        if self._introspection is not None:
            await self._introspection.aclose()

    async def _reason_of_keys(self) -> str | None:
        try:
            keys = await self._keys.fetch()
        except ProviderFailed as error:
            return str(error)
        return None if keys else "its JWK set has no key that can be used"

    async def _claims(self, token: str) -> Mapping[str, Any]:
        settings = self._settings
        try:
            header = jwt.get_unverified_header(token)
        except _MALFORMED:
            raise Unauthenticated from None
        key_id, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(key_id, str) or algorithm not in settings.algorithms:
            raise Unauthenticated
        key = await self._keys.find(key_id, algorithm)
        if key is None:
            raise Unauthenticated
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=settings.audience,
                issuer=settings.issuer,
                leeway=settings.leeway_seconds,
                options={"require": ["exp", "iss", "aud"]},
            )
        except _MALFORMED:
            raise Unauthenticated from None
        if any(type(claims.get(name, 0)) not in (int, float) for name in ("exp", "nbf", "iat")):
            raise Unauthenticated
        return claims


def _named_issuer(token: str) -> str:
    """Whose token it says it is; nothing of it is believed yet."""
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except _MALFORMED:
        raise Unauthenticated from None
    return issuer if isinstance(issuer, str) else ""


def _viewer(claims: Mapping[str, Any], settings: IssuerSettings) -> Viewer:
    names: ClaimNames = settings.claims
    role = settings.role or _role(claims.get(names.role), settings.roles or {})
    subject, clearance = _string(claims, names.subject), claims.get(names.clearance, False)
    if subject is None or not isinstance(clearance, bool):
        raise Unauthenticated
    bsn = _string(claims, names.bsn) if role is Role.CITIZEN else None
    if role is Role.CITIZEN and (bsn is None or not is_bsn(bsn)):
        raise Unauthenticated
    return Viewer(
        role,
        subject,
        unit=_string(claims, names.unit),
        bsn=bsn,
        clearance=clearance,
        actor=_actor(claims, role, settings),
        name=_string(claims, names.name),
        issuer=settings.issuer,
    )


def _actor(claims: Mapping[str, Any], role: Role, settings: IssuerSettings) -> str | None:
    """Who acts for the citizen (RFC 8693, section 4.1), if anybody does; raises Unauthenticated for who may not.

    The outermost `act` counts. What is nested in it says who acted before, and decides nothing.
    """
    if "act" not in claims:
        return None
    actor = actor_of(claims["act"], role)
    issuer = cast("dict[str, object]", claims["act"]).get("iss", settings.issuer)
    if actor not in settings.actors or issuer != settings.issuer:
        raise Unauthenticated
    return actor


def actor_of(act: object, role: Role) -> str:
    """The `sub` of an `act` claim, which goes with a citizen only. Raises Unauthenticated."""
    if role is not Role.CITIZEN or not isinstance(act, dict):
        raise Unauthenticated
    actor = _string(cast("dict[str, Any]", act), "sub")
    if actor is None:
        raise Unauthenticated
    return actor


def _marks(claims: Mapping[str, Any], viewer: Viewer, issuer: str) -> frozenset[Mark]:
    """Under which marks a token may be on the list of revoked ones: its own, and those of who acts."""
    given = [("jti", _string(claims, "jti")), ("sid", _string(claims, "sid"))]
    given += [("sub", viewer.principal), ("sub", viewer.actor)]
    return frozenset((issuer, kind, value) for kind, value in given if value is not None)


def _role(given: object, roles: Mapping[str, Role]) -> Role:
    """Our role for a role claim, which is a string or a list; raises Unauthenticated for none that is known."""
    values = cast("list[object]", given) if isinstance(given, list) else [given]
    for name, role in roles.items():
        if name in values:
            return role
    raise Unauthenticated


def _string(claims: Mapping[str, Any], name: str) -> str | None:
    """A claim that is a string, and not an empty one; None when it is absent. Raises Unauthenticated."""
    value = claims.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise Unauthenticated
    return value

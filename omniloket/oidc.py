"""Who asks, in production: tokens of the OpenID Connect providers in the settings (docs/identity.md).

A token is a JWT (RFC 7519) that its issuer signed. It is checked as RFC 8725 advises: the algorithm must be one of
the settings' and fit the key, the key must be the issuer's own, audience and times must hold.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import httpx
import jwt

from omniloket.provider_keys import Client, ProviderKeys
from omniloket.settings import ClaimNames, IssuerSettings
from resolvers.citizens import is_bsn
from resolvers.context import Viewer
from resolvers.errors import Unauthenticated
from sources.records import Role

MAX_REMEMBERED = 10_000
"""Viewers remembered, in each process."""

_MALFORMED = (jwt.PyJWTError, ArithmeticError, RecursionError, TypeError, ValueError)
"""What a JSON document or a claim can be wrong in: also nested too deeply, or a number that is no instant."""


class Issuers:
    """Tells the viewer of a token of any configured issuer."""

    def __init__(self, settings: Sequence[IssuerSettings], client: Client = httpx.AsyncClient) -> None:
        self._issuers = {each.issuer: Issuer(each, client) for each in settings}
        self._remembered = RememberedViewers(MAX_REMEMBERED)

    async def of_token(self, token: str) -> Viewer | None:
        """The viewer; None when the token names none of these issuers. Raises Unauthenticated."""
        known = self._remembered.get(token)
        if known is not None:
            return known
        issuer = self._issuers.get(_named_issuer(token)) if self._issuers else None
        if issuer is None:
            return None
        viewer, until = await issuer.verified(token)
        self._remembered.put(token, viewer, until)
        return viewer


class Issuer:
    """One provider: its keys, and what its claims mean here."""

    def __init__(self, settings: IssuerSettings, client: Client) -> None:
        self._settings = settings
        self._keys = ProviderKeys(settings, client)

    async def verified(self, token: str) -> tuple[Viewer, float]:
        """The viewer of a token that holds, and until when (seconds since 1970) it need not be verified again.

        Raises Unauthenticated.
        """
        claims = await self._claims(token)
        settings = self._settings
        until = min(claims["exp"] + settings.leeway_seconds, time.time() + settings.keys_seconds)
        return _viewer(claims, settings), until

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


@dataclass(frozen=True)
class _Remembered:
    viewer: Viewer
    until: float


class RememberedViewers:
    """The viewers of tokens that were verified, by the tokens' digests: those asked for last, and none for too long."""

    def __init__(self, most: int, clock: Callable[[], float] = time.time) -> None:
        self._most = most
        self._clock = clock
        self._by_digest: OrderedDict[bytes, _Remembered] = OrderedDict()

    def get(self, token: str) -> Viewer | None:
        digest = _digest(token)
        found = self._by_digest.get(digest)
        if found is None:
            return None
        if found.until <= self._clock():
            del self._by_digest[digest]
            return None
        self._by_digest.move_to_end(digest)
        return found.viewer

    def put(self, token: str, viewer: Viewer, until: float) -> None:
        """Remembers a viewer until an instant, in seconds since 1970."""
        digest = _digest(token)
        self._by_digest[digest] = _Remembered(viewer, until)
        self._by_digest.move_to_end(digest)
        if len(self._by_digest) > self._most:
            self._by_digest.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


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
    subject, clearance = _text(claims, names.subject), claims.get(names.clearance, False)
    if subject is None or not isinstance(clearance, bool):
        raise Unauthenticated
    bsn = _text(claims, names.bsn) if role is Role.CITIZEN else None
    if role is Role.CITIZEN and (bsn is None or not is_bsn(bsn)):
        raise Unauthenticated
    return Viewer(role, subject, unit=_text(claims, names.unit), bsn=bsn, clearance=clearance)


def _role(given: object, roles: Mapping[str, Role]) -> Role:
    """Our role for a role claim, which is a text or a list; raises Unauthenticated for none that is known."""
    values = cast(list[object], given) if isinstance(given, list) else [given]
    for name, role in roles.items():
        if name in values:
            return role
    raise Unauthenticated


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    """A claim that is a text, and not an empty one; None when it is absent. Raises Unauthenticated."""
    value = claims.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise Unauthenticated
    return value

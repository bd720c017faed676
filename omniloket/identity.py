"""Who asks: tokens of the configured issuers (oidc.py), and development tokens, which hold on loopback only.

A development token is a JWT (RFC 7519) signed with a key that `omniloket demo` makes. Its claims: `sub`, `role`,
`unit`, `bsn`, `clearance`, `act`, `exp`.
"""

import math
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt

from omniloket.oidc import Issuers, Verified, actor_of
from omniloket.remembered import Remembered
from omniloket.settings import SettingsError
from resolvers.context import ANONYMOUS, Viewer
from resolvers.errors import Unauthenticated
from sources.records import Role

ISSUER = "omniloket-development"
ALGORITHM = "HS256"
MAX_TOKEN_BYTES = 8192
MIN_KEY_BYTES = 32

_NOBODY = Verified(ANONYMOUS, "", math.inf, math.inf)


class Identity:
    """Tells the viewer of a token. Without issuers and a development key, everybody is anonymous."""

    def __init__(self, issuers: Issuers, development_key: bytes | None) -> None:
        self._issuers = issuers
        self._key = development_key
        self._remembered: Remembered[Verified] = Remembered()

    async def of_authorization(self, header: str | None) -> Viewer:
        """The viewer of an Authorization header; raises Unauthenticated."""
        return (await self.verified(header)).viewer

    async def of_token(self, token: str) -> Viewer:
        """The viewer of a token; raises Unauthenticated."""
        return (await self._verified(token)).viewer

    async def verified(self, header: str | None) -> Verified:
        """What the token in an Authorization header says (RFC 6750, section 2.1); without a header, ANONYMOUS.

        Raises Unauthenticated for a header that is not a bearer token that holds.
        """
        token = _token(header)
        return _NOBODY if token is None else await self._verified(token)

    def is_certain(self, header: str | None, verified: Verified) -> bool:
        """Whether what a header said holds still, as far as can be told without asking anybody."""
        if verified.until <= time.time():
            return False
        # Asked for each delivery: the token is looked for only where somebody wants it.
        return self._issuers.is_certain("" if verified.introspection is None else _token(header) or "", verified)

    def has_ended(self, verified: Verified) -> bool:
        """Whether it expired or is on the list of revocations: what can be told without asking anybody."""
        return verified.expires <= time.time() or self._issuers.is_revoked(verified)

    async def _verified(self, token: str) -> Verified:
        if len(token) > MAX_TOKEN_BYTES or not token.isascii():
            raise Unauthenticated
        return await self._issuers.of_token(token) or self._of_development(token)

    def _of_development(self, token: str) -> Verified:
        if self._key is None:
            raise Unauthenticated
        known = self._remembered.get(token)
        if known is not None:
            return known
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                options={"require": ["exp", "sub", "iss"]},
            )
        except jwt.PyJWTError:
            raise Unauthenticated from None
        expires = int(claims["exp"])
        verified = Verified(_viewer(claims), ISSUER, expires, expires)
        self._remembered.put(token, verified, verified.until)
        return verified


def make_token(key: bytes, viewer: Viewer, *, valid_seconds: int = 8 * 3600) -> str:
    """A development token for a viewer."""
    claims = {
        "iss": ISSUER,
        "sub": viewer.principal,
        "role": viewer.role.value,
        "unit": viewer.unit,
        "bsn": viewer.bsn,
        "clearance": viewer.clearance,
        "act": viewer.actor and {"sub": viewer.actor},
        "exp": int(time.time()) + valid_seconds,
    }
    return jwt.encode({name: value for name, value in claims.items() if value}, key, algorithm=ALGORITHM)


def make_key(path: Path) -> bytes:
    """The development key in a file; made on first use, readable by its owner only. Raises as `read_key`."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return read_key(path)


def read_key(path: Path) -> bytes:
    """The development key in a file that only its owner may read.

    Raises SettingsError for one that is not there, is no key, or is readable by others; OSError.
    """
    if not path.exists():
        raise SettingsError(f"There is no development key in {path}: start `omniloket demo` first.")
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"{path}: others than its owner can read it, or write it, and be anybody here: chmod 600.")
    try:
        key = bytes.fromhex(path.read_text())
    except ValueError:
        key = b""
    if len(key) < MIN_KEY_BYTES:
        raise SettingsError(f"{path} must hold at least {MIN_KEY_BYTES} bytes in hexadecimal; remove it for a new one.")
    return key


def _token(header: str | None) -> str | None:
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    return token.strip()


def _viewer(claims: Mapping[str, Any]) -> Viewer:
    role, bsn = str(claims.get("role")), claims.get("bsn")
    if role not in Role.__members__ or (role == Role.CITIZEN.value and not isinstance(bsn, str)):
        raise Unauthenticated
    return Viewer(
        role=Role[role],
        principal=str(claims["sub"]),
        unit=claims.get("unit"),
        bsn=bsn if role == Role.CITIZEN.value else None,
        clearance=claims.get("clearance") is True,
        actor=actor_of(claims["act"], Role[role]) if "act" in claims else None,
    )

"""The public keys of an OpenID Connect provider: fetched when needed, kept, and fetched again at a bounded rate.

Where they are, the provider's discovery document tells (OpenID Connect Discovery 1.0); they are a JWK set (RFC 7517).
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import httpx
import structlog
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from omniloket.provider_answers import Client, ProviderFailed, answer, within
from omniloket.setting_types import is_private_url
from omniloket.settings import IssuerSettings

Keys = Mapping[tuple[str, str], PyJWK]
"""Each key by its id and an algorithm that it can be used with."""

MIN_RSA_BITS = 2048

_ALGORITHMS = {("RSA", None): ("RS256", "PS256"), ("EC", "P-256"): ("ES256",), ("OKP", "Ed25519"): ("EdDSA",)}
"""The signatures that a key of some type, on some curve, can make. No other key is kept."""

_PUBLIC = ("kty", "crv", "n", "e", "x", "y")

log = structlog.get_logger("omniloket")


class ProviderKeys:
    """The keys of one provider. What was fetched stays known while the provider is away.

    `_begun` is when the latest fetch began, `_asked` the latest that has ended, `_fetched` the latest that succeeded.
    """

    def __init__(self, settings: IssuerSettings, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._client = client
        self._clock = clock
        self._keys: Keys = {}
        self._fetch: asyncio.Task[None] | None = None
        self._begun = self._asked = self._fetched = 0.0

    async def find(self, key_id: str, algorithm: str) -> PyJWK | None:
        """The key of this id for this algorithm.

        Waits for the provider when the key is not known, or was not asked for in `keys_seconds`: it may be withdrawn.
        While the provider is away, nobody waits for it again so soon.
        """
        if (key_id, algorithm) not in self._keys or self._is_old(self._asked):
            await asyncio.shield(self._fetch_when_due())
        elif self._is_old(self._fetched):
            self._fetch_when_due()
        return self._keys.get((key_id, algorithm))

    async def fetch(self) -> Keys:
        """The keys that the provider has now; raises ProviderFailed."""
        async with within(self._settings.timeout_seconds), self._client() as client:
            return await self._read(client)

    def _is_old(self, at: float) -> bool:
        return self._clock() - at >= self._settings.keys_seconds

    def _fetch_when_due(self) -> asyncio.Task[None]:
        """The latest fetch; a new one when none is under way and the latest began long enough ago.

        It is a task of its own, so that it does not end with the one request that began it.
        """
        now = self._clock()
        if self._fetch is None or (self._fetch.done() and now - self._begun >= self._settings.refetch_seconds):
            self._begun = now
            self._fetch = asyncio.create_task(self._replace())
        return self._fetch

    async def _replace(self) -> None:
        issuer = self._settings.issuer
        try:
            self._keys = await self.fetch()
        except ProviderFailed as error:
            log.warning("an issuer's keys could not be fetched", issuer=issuer, reason=str(error))
        else:
            self._fetched = self._begun
            log.info("an issuer's keys were fetched", issuer=issuer, keys=len({key_id for key_id, _ in self._keys}))
        finally:
            self._asked = self._begun

    async def _read(self, client: httpx.AsyncClient) -> Keys:
        issuer = self._settings.issuer
        discovered = await answer(client, "GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if discovered.get("issuer") != issuer:
            raise ValueError("the discovery document is another issuer's")
        address = discovered.get("jwks_uri")
        if not isinstance(address, str) or not is_private_url(address):
            raise ValueError("jwks_uri is not an https:// URL")
        jwks = (await answer(client, "GET", address)).get("keys")
        if not isinstance(jwks, list):
            raise ValueError("the JWK set has no list of keys")
        return dict(_usable(cast("list[object]", jwks), self._settings.algorithms))


def _usable(jwks: list[object], allowed: tuple[str, ...]) -> Iterator[tuple[tuple[str, str], PyJWK]]:
    """The keys for signatures, each by its id and each algorithm that it can be used with; others are passed over."""
    for each in jwks:
        if not isinstance(each, dict):
            continue
        jwk = cast("dict[str, Any]", each)
        key_id = jwk.get("kid")
        if not isinstance(key_id, str) or jwk.get("use", "sig") != "sig":
            continue
        for algorithm in _algorithms(jwk):
            key = _key(jwk, algorithm) if algorithm in allowed else None
            if key is not None:
                yield (key_id, algorithm), key


def _algorithms(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """What a key is for: one algorithm, if the key says so, else each that its type has."""
    kinds = (jwk.get("kty"), jwk.get("crv"))
    possible = next((names for kind, names in _ALGORITHMS.items() if kind == kinds), ())
    return tuple(name for name in possible if jwk.get("alg", name) == name)


def _key(jwk: Mapping[str, Any], algorithm: str) -> PyJWK | None:
    """The public key alone, whatever else the provider tells."""
    try:
        key = PyJWK.from_dict({name: jwk[name] for name in _PUBLIC if name in jwk}, algorithm)
    except (PyJWTError, ValueError, TypeError):
        return None
    return key if getattr(key.key, "key_size", MIN_RSA_BITS) >= MIN_RSA_BITS or jwk["kty"] != "RSA" else None

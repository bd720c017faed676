"""An OpenID Connect provider inside the test, as httpx's own transport, and an identity that believes it."""

import asyncio
from typing import Any

import httpx

from omniloket.identity import Identity
from omniloket.oidc import Issuers
from omniloket.revocation import RevocationList
from omniloket.settings import IssuerSettings
from sources.records import Role
from support.oidc_provider import Signer

ISSUER = "https://login.example"
ANOTHER = "https://another.example"
SIGNERS = {name: Signer(f"key-{name}", name) for name in ("RS256", "PS256", "ES256", "EdDSA")}
BSN = "999990019"


class Provider:
    """`asked` counts its requests; `answers` are those at some paths, in place of the right ones.

    While `pause` is not set, nothing is answered.
    """

    def __init__(self, *signers: Signer, name: str = ISSUER) -> None:
        self.name = name
        self.keys = [each.jwk for each in signers]
        self.asked = 0
        self.away = False
        self.pause = asyncio.Event()
        self.pause.set()
        self.answers: dict[str, httpx.Response] = {}

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self.transport)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        await self.pause.wait()
        if self.away:
            return httpx.Response(503)
        if request.url.path in self.answers:
            return self.answers[request.url.path]
        if request.url.path == "/keys":
            return httpx.Response(200, json={"keys": self.keys})
        return httpx.Response(200, json={"issuer": self.name, "jwks_uri": f"{self.name}/keys"})


def issuer(name: str = ISSUER, **more: Any) -> IssuerSettings:
    given = {"role": Role.AGENT, "leeway_seconds": 0, "refetch_seconds": 3600, **more}
    return IssuerSettings(issuer=name, audience="omniloket", **given)


def identity(provider: Provider, revoked: RevocationList | None = None, **more: Any) -> Identity:
    return Identity(Issuers([issuer(**more)], provider.client, revoked), None)


def signed(algorithm: str = "ES256", **claims: Any) -> str:
    return SIGNERS[algorithm].token(ISSUER, **claims)

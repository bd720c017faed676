"""Connections end when their rights end, whoever else is slow to tell of his own."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from omniloket import sessions
from omniloket.identity import Identity
from omniloket.oidc import Issuers
from omniloket.revocation import RevocationList
from omniloket.sessions import Sessions
from support.providers import ANOTHER, ISSUER, SIGNERS, Provider, issuer

SIGNER = SIGNERS["ES256"]
INTROSPECTION: Any = {"url": f"{ANOTHER}/introspect", "client_id": "x", "client_secret": "x", "timeout_seconds": 60}


class Connected:
    """Sessions of two issuers, of which the other introspects; `ended` are the subjects of those that have ended."""

    def __init__(self, file: Path, **more: Any) -> None:
        self.file = file
        self.file.touch()
        self.provider, self.slow = Provider(SIGNER), Provider(SIGNER, name=ANOTHER)
        self.slow.answers["/introspect"] = httpx.Response(200, json={"active": True})
        settings = [issuer(**more), issuer(ANOTHER, introspection={**INTROSPECTION, "remember_seconds": 0.1})]
        self.issuers = Issuers(settings, self._client, RevocationList(file, {ISSUER, ANOTHER}))
        self.sessions = Sessions(Identity(self.issuers, None), lambda *_: None, 1000)
        self.ended: set[str] = set()

    async def open(self, name: str, subject: str, **claims: Any) -> None:
        authorization = f"Bearer {SIGNER.token(name, sub=subject, **claims)}"
        await self.sessions.open(authorization, None, "", lambda: self.ended.add(subject))

    def revoke(self, **subjects: str) -> None:
        names = {"own": ISSUER, "others": ANOTHER}
        lines = [json.dumps({"issuer": names[whose], "sub": subject}) for whose, subject in subjects.items()]
        self.file.write_text("\n".join(lines))

    async def until_ended(self, *subjects: str) -> None:
        async with asyncio.timeout(20):
            while not self.ended.issuperset(subjects):
                await asyncio.sleep(0.01)

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(mounts={each.name: each.transport for each in (self.provider, self.slow)})


@pytest.fixture
async def connected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connected]:
    monkeypatch.setattr(sessions, "LOOK_SECONDS", 0.01)
    given = Connected(tmp_path / "revoked.jsonl", keys_seconds=0.1, refetch_seconds=0.1, timeout_seconds=60)
    watching = asyncio.create_task(given.sessions.watch())
    yield given
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await given.issuers.aclose()


async def test_who_is_on_the_list_is_out_whatever_endpoint_is_slow(connected: Connected) -> None:
    for number in range(120):
        await connected.open(ANOTHER, f"introspected-{number}")
    await connected.open(ISSUER, "ans")
    connected.slow.pause.clear()
    before = connected.slow.asked
    async with asyncio.timeout(20):
        while connected.slow.asked == before:
            await asyncio.sleep(0.01)
    connected.revoke(own="ans", others="introspected-119")
    await connected.until_ended("ans", "introspected-119")
    assert connected.slow.asked <= before + 50
    connected.slow.answers["/introspect"] = httpx.Response(200, json={"active": False})
    connected.slow.pause.set()
    await connected.until_ended(*(f"introspected-{number}" for number in range(120)))
    assert connected.sessions.count == 0


async def test_a_token_expires_whatever_its_provider_is_slow_to_tell(connected: Connected) -> None:
    await connected.open(ISSUER, "ans", exp=int(time.time()) + 2)
    await connected.open(ISSUER, "bea")
    connected.provider.pause.clear()
    await connected.until_ended("ans")
    assert connected.ended == {"ans"}

"""An OpenID Connect provider in a process of its own, and the settings by which its tokens hold."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from support.oidc_provider import CLIENT
from support.servers import running

PROVIDER = Path(__file__).with_name("oidc_provider.py")


@dataclass(frozen=True)
class RunningProvider:
    process: Any
    url: str

    def token(self, **claims: Any) -> str:
        return httpx.post(f"{self.url}/token", json=claims).text

    def rotate(self) -> None:
        httpx.post(f"{self.url}/rotate").raise_for_status()

    def revoke(self, token: str) -> None:
        httpx.post(f"{self.url}/revoke", content=token).raise_for_status()

    @property
    def asked(self) -> int:
        return httpx.get(f"{self.url}/seen").json()

    @property
    def introspection(self) -> dict[str, Any]:
        """The setting by which tokens are introspected here, and each answer counts for half a second."""
        client_id, secret = CLIENT
        url = f"{self.url}/introspect"
        return {"url": url, "client_id": client_id, "client_secret": secret, "remember_seconds": 0.5}


@contextmanager
def running_provider(directory: Path) -> Iterator[RunningProvider]:
    with running([sys.executable, str(PROVIDER), "0"], directory / "provider.log") as (process, port):
        yield RunningProvider(process, f"http://127.0.0.1:{port}")


def issuers_of(provider: RunningProvider, **more: Any) -> str:
    """The setting `issuers`, as an environment variable has it."""
    roles = {"citizen": "CITIZEN", "agent": "AGENT", "channel": "CHANNEL"}
    return json.dumps([{"issuer": provider.url, "audience": "omniloket", "roles": roles, **more}])

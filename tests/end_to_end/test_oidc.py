"""Tokens of a real OpenID Connect provider, before a real server: rotation, outage, and floods of bad tokens."""

from pathlib import Path

import httpx

from support.back_ends import Urls
from support.oidc_provider import Signer
from support.running_providers import RunningProvider, issuers_of
from support.servers import Server, serving, stop
from support.sockets import bare, connected

VIEWER = {"query": "{ viewer { role principal } }"}


def ask(server: Server, token: str) -> httpx.Response:
    return httpx.post(
        server.url, json=VIEWER, headers={"authorization": f"Bearer {token}", "omniloket-purpose": "intake"}, timeout=30
    )


def role(server: Server, token: str) -> str:
    response = ask(server, token)
    assert response.status_code == 200, response.text
    return response.json()["data"]["viewer"]["role"]


async def test_tokens_hold_over_http_and_on_a_socket(
    provider: RunningProvider, sqlite_urls: Urls, tmp_path: Path
) -> None:
    with serving(sqlite_urls, tmp_path, OMNILOKET_ISSUERS=issuers_of(provider)) as server:
        assert role(server, provider.token(role="citizen", bsn="999990019")) == "CITIZEN"
        agent = provider.token(role="agent")
        assert role(server, agent) == "AGENT"
        assert role(server, server.agent) == "AGENT"  # a development token, beside them
        async with connected(server, agent) as socket:
            await socket.subscribe("1", VIEWER["query"])
            assert (await socket.event("1"))["data"]["viewer"]["role"] == "AGENT"
        async with bare(server) as socket:
            forged = Signer("1", "ES256").token(provider.url, role="agent")
            await socket.send({"type": "connection_init", "payload": {"Authorization": f"Bearer {forged}"}})
            assert await socket.closed() == (4403, "Forbidden")


def test_bad_tokens_reach_the_provider_once(provider: RunningProvider, sqlite_urls: Urls, tmp_path: Path) -> None:
    with serving(sqlite_urls, tmp_path, OMNILOKET_ISSUERS=issuers_of(provider, refetch_seconds=3600)) as server:
        forger = Signer("unknown", "ES256")
        for number in range(200):
            forger.key_id = f"unknown-{number}"
            response = ask(server, forger.token(provider.url, role="agent"))
            assert response.status_code == 401
            assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert provider.asked == 2
        assert role(server, provider.token(role="agent")) == "AGENT"


def test_a_rotated_key_is_known_at_once_and_known_keys_outlive_an_outage(
    provider: RunningProvider, sqlite_urls: Urls, tmp_path: Path
) -> None:
    with serving(sqlite_urls, tmp_path, OMNILOKET_ISSUERS=issuers_of(provider, refetch_seconds=0.001)) as server:
        assert role(server, provider.token(role="agent")) == "AGENT"
        provider.rotate()
        assert role(server, provider.token(role="agent")) == "AGENT"
        assert provider.asked == 4
        unused = provider.token(role="agent", unit="PL1700")
        stop(provider.process)
        assert ask(server, Signer("unknown", "ES256").token(provider.url, role="agent")).status_code == 401
        assert role(server, unused) == "AGENT"

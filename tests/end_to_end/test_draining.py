"""A server that stops, beside another that goes on: clients that resume there lose nothing, and hear nothing twice.

Two real servers over the same back-ends, a balancer before them, and a register that writes all the while.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import websockets

from omniloket.identity import make_key
from support.back_ends import Urls, reported
from support.balancers import Balancer, balancing
from support.event_streams import streamed
from support.registers import live_cursor, written
from support.servers import Server, serving
from support.sockets import connected

CHANGES = "subscription C($after: String) { reportStatusChanges(after: $after) { cursor change { at } } }"
CLIENTS = 12
WRITTEN = 80


@dataclass
class Client:
    """A client that comes back until it has heard of all changes. `ends`: how its connections ended before."""

    server: Server
    cursor: str
    heard: list[str] = field(default_factory=list[str])
    ends: list[str] = field(default_factory=list[str])

    @property
    def is_done(self) -> bool:
        return len(self.heard) >= WRITTEN

    def hear(self, answer: Any) -> None:
        event = answer["data"]["reportStatusChanges"]
        self.cursor = event["cursor"]
        self.heard.append(event["change"]["at"])


async def by_socket(client: Client) -> None:
    async with connected(client.server, client.server.agent) as socket:
        await socket.subscribe("a", CHANGES, after=client.cursor)
        try:
            while not client.is_done:
                client.hear(await socket.event("a", 30))
        except websockets.ConnectionClosed:
            client.ends.append(f"{socket.raw.close_code} {socket.raw.close_reason}")


async def by_events(client: Client) -> None:
    headers = {"Last-Event-ID": client.cursor}
    async with streamed(client.server, client.server.agent, CHANGES, headers) as stream:
        while not client.is_done:
            event = await stream.event(30)
            if event is None:
                client.ends.append("an end without complete")
                return
            client.hear(event.answer)
            assert event.id == client.cursor


async def all_heard(client: Client, connect: Callable[[Client], Awaitable[None]]) -> Client:
    while not client.is_done:
        await connect(client)
    return client


async def until_all_are_connected(balancer: Balancer) -> None:
    while balancer.connections < CLIENTS:
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("connect", [by_socket, by_events])
async def test_clients_that_resume_elsewhere_lose_nothing(own_urls: Urls, tmp_path: Path, connect: Any) -> None:
    number, _ = await reported(own_urls)
    leaving, staying = tmp_path / "leaving", tmp_path / "staying"
    for directory in (leaving, staying):
        directory.mkdir()
    make_key(leaving / "development.key")
    shutil.copy(leaving / "development.key", staying)
    with (
        serving(own_urls, leaving, OMNILOKET_LIVE__DRAIN_SECONDS="1.5") as one,
        serving(own_urls, staying) as another,
    ):
        async with balancing(one.port, another.port) as balancer:
            cursor = await live_cursor(another)
            clients = [Client(replace(one, port=balancer.port), cursor) for _ in range(CLIENTS)]
            listening = [asyncio.create_task(all_heard(client, connect)) for client in clients]

            async def stop() -> None:
                one.process.terminate()

            told = await written(
                own_urls["incidents"], number, WRITTEN, {0: lambda: until_all_are_connected(balancer), 15: stop}
            )
            async with asyncio.timeout(60):
                await asyncio.gather(*listening)
        assert one.process.wait(15) in (0, -15)
        assert {tuple(client.heard) for client in clients} == {tuple(told)}
        ends = [end for client in clients for end in client.ends]
        assert len(ends) == CLIENTS // 2
        assert set(ends) <= {"1012 Service restart", "an end without complete"}
        assert "Traceback" not in one.log.read_text() + another.log.read_text()


async def test_several_processes_at_one_address_stop_together(sqlite_urls: Urls, tmp_path: Path) -> None:
    given = {"OMNILOKET_LIVE__DRAIN_SECONDS": "1"}
    with serving(sqlite_urls, tmp_path, "--workers", "2", **given) as server:
        while server.log.read_text().count("Application startup complete") < 2:
            await asyncio.sleep(0.05)
        async with connected(server, server.agent) as one, connected(server, server.agent) as two:
            for socket in (one, two):
                await socket.subscribe("a", CHANGES)
            assert await one.silent(0.3)
            server.process.terminate()
            assert [await socket.closed() for socket in (one, two)] == [(1012, "Service restart")] * 2
            with pytest.raises(ConnectionRefusedError):  # and not left to wait
                await asyncio.wait_for(websockets.connect(server.socket_url, open_timeout=None), 10)
        assert server.process.wait(15) in (0, -15)
    assert "Traceback" not in server.log.read_text()

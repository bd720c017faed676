"""Live updates under fire: unruly writers, clients that come and go, and everything between them killed at least once.

Whatever happens, each client ends with every change of its filter, once, in the order in which all others have it.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import httpx
import pytest
import websockets

from resolvers.ids import encode
from sources.demo.loading import PostgresDatabases
from sources.sql.incidents import INCIDENT, INCIDENT_STATUS
from sources.sql.triggers import apply, installing
from support.back_ends import Urls, loaded, rows_of
from support.postgres import PostgresServer, execute, plain, postgres_server
from support.servers import Server, serving
from support.sockets import connected
from support.unruly_writers import UnrulyWriters

CHANGES, CLIENTS, REPORTS = 5000, 50, 20
STATUSES = {"OPSP": "IN_INVESTIGATION", "WACH": "AWAITING_INFORMATION", "OPGS": "SUSPENDED", "BEOO": "UNDER_ASSESSMENT"}

ONE = """
    subscription One($number: String!, $after: String) {
      told: reportStatusChanged(report: { number: $number }, after: $after) { cursor change { id } }
    }
"""
SOME = """
    subscription Some($status: [ReportStatus!], $after: String) {
      told: reportStatusChanges(filter: { status: $status }, after: $after) { cursor change { id } }
    }
"""
AWAY = (OSError, TimeoutError, websockets.WebSocketException)
PASSING = {"SOURCE_UNAVAILABLE", "SOURCE_TIMEOUT", "SLOW_CONSUMER"}

Row = Mapping[str, Any]


class Client:
    """Follows some changes from any server, leaves after a random number of them, and resumes after its last one."""

    def __init__(self, seed: int, query: str, variables: Mapping[str, Any], wants: Callable[[Row], bool]) -> None:
        self.met: list[str] = []
        self.visits = 0
        self.wants = wants
        self.cursor = ""
        self.enough: int | None = None
        self._random = Random(seed)
        self._query = query
        self._variables = variables

    async def follow(self, servers: Sequence[Server]) -> None:
        while not self._has_enough():
            with suppress(*AWAY):
                await self._visit(self._random.choice(servers), self._random.randrange(1, 300))
            await asyncio.sleep(self._random.random() * 0.2)

    async def _visit(self, server: Server, patience: int) -> None:
        # Who leaves with more on the way than it takes has no answer to its goodbye: others would wait for it, too.
        async with connected(server, server.agent, close_timeout=0.2) as socket:
            self.visits += 1
            await socket.subscribe("a", self._query, after=self.cursor, **self._variables)
            while patience > 0 and not self._has_enough():
                patience -= 1
                message = await socket.receive(2)
                if message["type"] == "error":
                    assert {each["extensions"]["code"] for each in message["payload"]} <= PASSING, message
                    return
                told = message["payload"]["data"]["told"]
                self.met.append(told["change"]["id"])
                self.cursor = told["cursor"]

    def _has_enough(self) -> bool:
        return self.enough is not None and len(self.met) >= self.enough


class Fire:
    """Kills what stands between the writers and the clients, one after the other, as the writing goes on."""

    def __init__(self, postgres: PostgresServer, urls: Urls, directories: Sequence[Path], running: ExitStack) -> None:
        self._postgres = postgres
        self._urls = urls
        self._directories = directories
        self._running = running
        self.servers = [self._start(place) for place in range(len(directories))]

    async def burn(self, writers: UnrulyWriters) -> None:
        stalling = asyncio.create_task(self._stall())
        acts = [self._cut, self._kill_first, self._restart_postgres, self._cut, self._kill_last]
        for place, act in enumerate(acts, start=1):
            while len(writers.kept) < CHANGES * place / (len(acts) + 1):
                await asyncio.sleep(0.05)
            await act()
        stalling.cancel()
        await asyncio.gather(stalling, return_exceptions=True)

    async def _cut(self) -> None:
        """The connections that bring the wake-ups."""
        listening = "FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        await execute(self._urls["incidents"], f"SELECT pg_terminate_backend(pid) {listening}")

    async def _kill_first(self) -> None:
        await self._kill(0)

    async def _kill_last(self) -> None:
        await self._kill(-1)

    async def _kill(self, place: int) -> None:
        os.kill(self.servers[place].process.pid, signal.SIGKILL)
        self.servers[place] = await asyncio.to_thread(self._start, place)

    async def _restart_postgres(self) -> None:
        await asyncio.to_thread(self._postgres.stop)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(self._postgres.start)

    async def _stall(self) -> None:
        """A transaction that writes in another database, and never ends while its server lives."""
        while True:
            with suppress(OSError, asyncpg.PostgresError):
                connection = await asyncpg.connect(plain(self._urls["servicemodule"]))
                try:
                    await connection.execute("BEGIN; CREATE TABLE never (id int)")
                    while not connection.is_closed():
                        await asyncio.sleep(0.1)
                finally:
                    connection.terminate()
            await asyncio.sleep(0.1)

    def _start(self, place: int) -> Server:
        return self._running.enter_context(serving(self._urls, self._directories[place]))


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


async def test_every_client_ends_with_every_change_once_and_in_one_order(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    urls = loaded(PostgresDatabases(postgres.url, "omniloket_fire"))
    register = urls["incidents"]
    await apply(register, installing("incidents"))
    await execute(register, "ALTER SEQUENCE incident_status_volgnummer_seq CACHE 20")
    numbers = sorted(row["nummer"] for row in await rows_of(register, INCIDENT))[:REPORTS]
    before = {row["volgnummer"] for row in await rows_of(register, INCIDENT_STATUS)}
    clients = [client(seed, numbers) for seed in range(CLIENTS)]
    writers = UnrulyWriters(register, insert_into(numbers), rows=CHANGES, seed=1)
    directories = [tmp_path / "one", tmp_path / "two"]
    for directory in directories:
        directory.mkdir()
    with ExitStack() as running:
        fire = Fire(postgres, urls, directories, running)
        cursor = await live_cursor(fire.servers[0])
        for each in clients:
            each.cursor = cursor
        following = [asyncio.create_task(each.follow(fire.servers)) for each in clients]
        await asyncio.gather(writers.run(), fire.burn(writers))
        written = [row for row in await rows_of(register, INCIDENT_STATUS) if row["volgnummer"] not in before]
        for each in clients:
            each.enough = sum(map(each.wants, written))
        async with asyncio.timeout(120):
            await asyncio.gather(*following)
    rows = {encode("StatusChange", row["volgnummer"]): row for row in written}
    assert len(rows) >= CHANGES
    in_order = clients[0].met
    assert len(in_order) == len(rows)
    assert set(in_order) == set(rows)
    for each in clients:
        assert each.met == [told for told in in_order if each.wants(rows[told])]
    assert sum(each.visits for each in clients) > 2 * CLIENTS


def client(seed: int, numbers: Sequence[str]) -> Client:
    """Two follow everything, eight one status each, and all others one report."""
    if seed < 2:
        return Client(seed, SOME, {"status": None}, lambda _: True)
    if seed < 10:
        code, status = list(STATUSES.items())[seed % len(STATUSES)]
        return Client(seed, SOME, {"status": [status]}, lambda row: row["status_cd"] == code)
    number = numbers[seed % len(numbers)]
    return Client(seed, ONE, {"number": number}, lambda row: row["incident_nummer"] == number)


def insert_into(numbers: Sequence[str]) -> str:
    """A change of any of the reports, to any of the statuses."""

    def any_of(values: Sequence[str]) -> str:
        return f"(ARRAY{list(values)})[1 + floor(random() * {len(values)})::int]"

    values = f"{any_of(numbers)}, {any_of(list(STATUSES))}, '2026-11-02 10:00:00'"
    return f"INSERT INTO incident_status (incident_nummer, status_cd, tijdstip) VALUES ({values}) RETURNING volgnummer"


async def live_cursor(server: Server) -> str:
    headers = {"authorization": f"Bearer {server.agent}", "omniloket-purpose": "intake"}
    async with httpx.AsyncClient() as asking:
        answer = await asking.post(server.url, json={"query": "{ liveCursor }"}, headers=headers)
    return answer.json()["data"]["liveCursor"]

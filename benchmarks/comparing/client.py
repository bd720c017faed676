"""A client that costs little beside what it measures: bytes that are made beforehand, over sockets that stay open.

It runs in a process of its own, and reads there what the server and the database used between the first request that
counts and the last answer.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psutil
import uvloop

from comparing import processor_time


@dataclass(frozen=True)
class Job:
    """`requests` at random from `choices`, after `warm_up` others, over `connections` of which each waits its turn.

    `database` is the process id of a PostgreSQL server, if it runs on this machine.
    """

    port: int
    choices: Sequence[bytes]
    requests: int
    warm_up: int
    connections: int
    seed: int
    server: int
    database: int | None


@dataclass(frozen=True)
class Measured:
    """What a request cost, in milliseconds of processor time of the server, the database and the client; and waits."""

    server_ms: float
    database_ms: float | None
    client_ms: float
    p50_ms: float
    p99_ms: float
    per_second: float


def measure(job: Job) -> Measured:
    """Does a job. Raises RuntimeError for an answer that is not 200, or holds errors."""
    return uvloop.run(_measure(job))


def ask(port: int, requests: Sequence[bytes]) -> list[bytes]:
    """The body of the answer to each request."""
    return uvloop.run(_ask(port, requests))


class _Connection(asyncio.Protocol):
    """Sends its requests one after the other; keeps the latency of each in seconds, and the bodies where wanted."""

    def __init__(self) -> None:
        self._received = b""
        self._length = 0
        self._transport: Any

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionError(f"the server hung up: {exc}"))

    async def run(self, requests: Iterator[bytes], bodies: list[bytes] | None = None) -> list[float]:
        self._requests, self._bodies = requests, bodies
        self._latencies: list[float] = []
        self._done: asyncio.Future[list[float]] = asyncio.get_running_loop().create_future()
        self._send_next()
        return await self._done

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._length:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            self._length = end + 4 + _content_length(self._received[:end].lower())
        if len(self._received) >= self._length:
            self._take()

    def _take(self) -> None:
        self._latencies.append(time.perf_counter() - self._sent)
        received, self._received, self._length = self._received, b"", 0
        if not received.startswith(b"HTTP/1.1 200") or b'"errors"' in received:
            self._done.set_exception(RuntimeError(received.decode()))
            return
        if self._bodies is not None:
            self._bodies.append(received.partition(b"\r\n\r\n")[2])
        self._send_next()

    def _send_next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._done.set_result(self._latencies)
            return
        self._sent = time.perf_counter()
        self._transport.write(request)


def _content_length(head: bytes) -> int:
    return int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])


async def _measure(job: Job) -> Measured:
    server = psutil.Process(job.server)
    database = None if job.database is None else psutil.Process(job.database)
    chosen = random.Random(job.seed).choices(job.choices, k=job.warm_up + job.requests)
    connections = [await _connect(job.port) for _ in range(job.connections)]
    await _run_all(connections, chosen[: job.warm_up])
    used = _used(server, database)
    own, started = time.process_time(), time.perf_counter()
    latencies = sorted(await _run_all(connections, chosen[job.warm_up :]))
    seconds, own = time.perf_counter() - started, time.process_time() - own
    of_server, of_database = (after - before for after, before in zip(_used(server, database), used, strict=True))
    for connection in connections:
        connection.close()
    each = 1000 / job.requests
    return Measured(
        server_ms=of_server * each,
        database_ms=None if database is None else of_database * each,
        client_ms=own * each,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[len(latencies) * 99 // 100] * 1000,
        per_second=job.requests / seconds,
    )


async def _ask(port: int, requests: Sequence[bytes]) -> list[bytes]:
    bodies: list[bytes] = []
    connection = await _connect(port)
    await connection.run(iter(requests), bodies)
    connection.close()
    return bodies


async def _connect(port: int) -> _Connection:
    _, connection = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", port)
    return connection


async def _run_all(connections: Sequence[_Connection], requests: Sequence[bytes]) -> list[float]:
    """The connections share the requests: whichever is free sends the next."""
    shared = iter(requests)
    found = await asyncio.gather(*(connection.run(shared) for connection in connections))
    return [latency for each in found for latency in each]


def _used(server: psutil.Process, database: psutil.Process | None) -> tuple[float, float]:
    of_database = 0.0 if database is None else processor_time.of_family(database)
    return processor_time.of_process(server), of_database

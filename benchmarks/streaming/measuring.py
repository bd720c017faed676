"""One measurement: subscribers connect, changes are written, and what the server used for it is read.

It runs in a process of its own, beside the server.
"""

import asyncio
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import asyncpg
import orjson
import psutil
import uvloop
from comparing import processor_time

from streaming.subscriber import TEXT, Arrivals, connected, frame

_WRITTEN = """
    WITH changed AS (
        INSERT INTO incident_status (incident_nummer, status_cd, vorige_status_cd, tijdstip)
        SELECT number, $2, 'ONTV', $3 FROM unnest($1::text[]) AS number
    )
    UPDATE incident SET status_cd = $2, gewijzigd_op = $3 WHERE nummer = ANY($1::text[])
"""
_STATUSES = ("OPSP", "WACH", "BEOO", "AFGE", "OVER")
_FIRST = datetime(2026, 11, 2, 10, 0, 0)  # noqa: DTZ001 the register keeps local time
_WARM_UP = 20


@dataclass(frozen=True)
class Job:
    """`subscriptions` as GraphQL requests, each on a socket of its own; then changes of reports, at a pace in seconds.

    `register` is the database that they are written to; without one, the server is told of them by POST. `expected`
    deliveries are waited for; None: until nothing comes any more.
    """

    port: int
    server: int
    payload: dict[str, str]
    subscriptions: Sequence[dict[str, Any]]
    changes: Sequence[Sequence[str]]
    pace: float
    expected: int | None
    register: str | None


@dataclass(frozen=True)
class Measured:
    """`kib` is the memory of the server for an idle subscriber; the processor times are in microseconds a delivery."""

    subscribers: int
    deliveries: int
    seconds: float
    server_us: float
    client_us: float
    p50_ms: float
    p99_ms: float
    kib: float


class Writer(Protocol):
    """Where changes are written. `write` is done when they are committed."""

    async def open(self) -> None: ...

    async def write(self, numbers: Sequence[str], status: str, at: datetime) -> None: ...

    async def close(self) -> None: ...


def measure(job: Job) -> Measured:
    """Does a job. Raises RuntimeError for a message that is no event."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return uvloop.run(_Measurement(job).run())


class _Measurement:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._server = psutil.Process(job.server)
        self._arrivals = Arrivals()
        self._introduction = frame(TEXT, orjson.dumps({"type": "connection_init", "payload": job.payload}))
        self._operations = [
            frame(TEXT, orjson.dumps({"id": "1", "type": "subscribe", "payload": each})) for each in job.subscriptions
        ]
        self._writer: Writer = _Posts(job.port) if job.register is None else _Register(job.register)
        self._written = 0

    async def run(self) -> Measured:
        await self._writer.open()
        await self._warm_up()
        before = self._server.memory_info().rss
        subscribers = await self._connected(self._operations)
        kib = (self._server.memory_info().rss - before) / 1024 / len(subscribers)
        self._arrivals.forget()
        used, own, started = processor_time.of_process(self._server), time.process_time(), time.perf_counter()
        await self._write(self._job.changes)
        last = await self._all_arrived()
        seconds = last - started
        used, own = processor_time.of_process(self._server) - used, time.process_time() - own
        for each in subscribers:
            each.transport.close()
        await self._writer.close()
        await self._quiet()
        return self._told(seconds, used, own, kib)

    async def _warm_up(self) -> None:
        """Some come, get something and go, so that what is made once is there."""
        some = await self._connected(self._operations[:_WARM_UP])
        await self._write(self._job.changes[:2])
        await asyncio.sleep(1)
        for each in some:
            each.transport.close()
        await self._quiet()

    async def _connected(self, operations: Sequence[bytes]) -> list[Any]:
        made = await connected(self._job.port, self._introduction, list(operations), self._arrivals)
        await self._quiet()
        return made

    async def _quiet(self) -> None:
        """Waits until the server has nothing to do any more."""
        used = processor_time.of_process(self._server)
        for _ in range(60):
            await asyncio.sleep(0.5)
            now = processor_time.of_process(self._server)
            if now - used < 0.02:
                return
            used = now

    async def _write(self, changes: Sequence[Sequence[str]]) -> None:
        due = time.perf_counter()
        for numbers in changes:
            await asyncio.sleep(due - time.perf_counter())
            local = _FIRST + timedelta(seconds=self._written)
            self._written += 1
            await self._writer.write(numbers, _STATUSES[self._written % len(_STATUSES)], local)
            self._arrivals.committed[_as_answered(local)] = time.perf_counter()
            due += self._job.pace

    async def _all_arrived(self) -> float:
        """When the last came: it waits for as many as are expected, and a minute at most."""
        arrivals, expected = self._arrivals, self._job.expected
        seen, last = -1, time.perf_counter()
        while arrivals.count != expected and time.perf_counter() - last < (1 if expected is None else 60):
            if arrivals.count != seen:
                seen, last = arrivals.count, time.perf_counter()
            await asyncio.sleep(0.002)
        if arrivals.others or (expected is not None and arrivals.count != expected):
            raise RuntimeError(f"{arrivals.count} of {expected} arrived, and {arrivals.others[:1]}")
        return last

    def _told(self, seconds: float, used: float, own: float, kib: float) -> Measured:
        latencies, count = sorted(self._arrivals.latencies), self._arrivals.count
        return Measured(
            subscribers=len(self._operations),
            deliveries=count,
            seconds=seconds,
            server_us=used / count * 1e6,
            client_us=own / count * 1e6,
            p50_ms=latencies[count // 2] * 1000,
            p99_ms=latencies[count * 99 // 100] * 1000,
            kib=kib,
        )


def _as_answered(local: datetime) -> bytes:
    """The instant of a local time in winter, as answers write it."""
    return f"{local - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}".encode()


class _Register:
    """The incident register, over a connection of its own."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def open(self) -> None:
        self._connection: Any = await asyncpg.connect(self._address)

    async def write(self, numbers: Sequence[str], status: str, at: datetime) -> None:
        await self._connection.execute(_WRITTEN, list(numbers), status, at)

    async def close(self) -> None:
        await self._connection.close()


class _Posts:
    """A server that is told of changes over HTTP."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def open(self) -> None:
        self._reader, self._sender = await asyncio.open_connection("127.0.0.1", self._port)

    async def write(self, numbers: Sequence[str], status: str, at: datetime) -> None:
        body = orjson.dumps({"numbers": list(numbers), "at": _as_answered(at).decode()})
        head = b"POST /publish HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._sender.write(head + body)
        await self._reader.readuntil(b"\r\n\r\n")

    async def close(self) -> None:
        self._sender.close()
        await self._sender.wait_closed()

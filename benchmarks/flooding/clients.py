"""Those who flood, and those who are to be served beside them: each kind in a process of its own."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from statistics import median
from typing import Any

import psutil
import uvloop
from comparing import processor_time

from flooding.kinds import kinds

_CODE = re.compile(rb'"code":"([A-Z_]+)"')


@dataclass(frozen=True)
class Refused:
    """What one kind of request got. `outcomes`: status and code, with how often; times for each request."""

    outcomes: tuple[tuple[str, int], ...]
    median_ms: float
    server_ms: float
    per_second: float


def flood(port: int, kind: str, token: str, address: str, connections: int, seconds: float, server: int) -> Refused:
    """Sends requests of a kind over some connections from an address, each as soon as its last one was answered."""
    return uvloop.run(_flood(port, kind, token, address, connections, seconds, server))


def served(port: int, requests: Sequence[bytes], connections: int, pace: float, seconds: float) -> tuple[float, float]:
    """The median and 99th percentile, in milliseconds, for clients that each ask once every `pace` seconds.

    Counted from when a request was due. Raises RuntimeError for an answer that is not 200, or holds errors.
    """
    return uvloop.run(_served(port, requests, connections, pace, seconds))


class Connection:
    """Asks over one connection, and again over another when the server closes it."""

    def __init__(self, port: int, address: str) -> None:
        self._port, self._address = port, address
        self._streams: tuple[asyncio.StreamReader, Any] | None = None

    async def ask(self, request: bytes) -> tuple[bytes, bytes]:
        """The head and the body of the answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, local_addr=(self._address, 0))
        reader, writer = self._streams
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"(?i)content-length: *(\d+)", head)
            body = await reader.readexactly(int(found.group(1)) if found else 0)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()
            return b"HTTP/1.1 closed", b""
        if re.search(rb"(?i)\nconnection: *close", head):
            self.close()
        return head, body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _flood(
    port: int, kind: str, token: str, address: str, connections: int, seconds: float, server: int
) -> Refused:
    make, numbers, process = kinds(token)[kind], count(time.time_ns()), psutil.Process(server)
    outcomes: Counter[str] = Counter()
    before, began = processor_time.of_process(process), time.perf_counter()
    found = await asyncio.gather(
        *(_send(Connection(port, address), make, numbers, began + seconds, outcomes) for _ in range(connections))
    )
    elapsed, cpu = time.perf_counter() - began, processor_time.of_process(process) - before
    latencies = [each for one in found for each in one]
    return Refused(
        tuple(outcomes.most_common()),
        median(latencies) * 1000,
        cpu * 1000 / len(latencies),
        len(latencies) / elapsed,
    )


async def _send(
    connection: Connection, make: Callable[[int], bytes], numbers: Iterator[int], end: float, outcomes: Counter[str]
) -> list[float]:
    latencies: list[float] = []
    while time.perf_counter() < end:
        request = make(next(numbers))
        began = time.perf_counter()
        head, body = await connection.ask(request)
        latencies.append(time.perf_counter() - began)
        code = _CODE.search(body)
        outcomes[f"{head[9:12].decode()} {code.group(1).decode() if code else ''}".strip()] += 1
    connection.close()
    return latencies


async def _served(
    port: int, requests: Sequence[bytes], connections: int, pace: float, seconds: float
) -> tuple[float, float]:
    started = time.perf_counter()
    shares = [requests[each::connections] for each in range(connections)]
    found = await asyncio.gather(
        *(
            _ask(Connection(port, "127.0.0.1"), share, started + pace * each / connections, pace, seconds)
            for each, share in enumerate(shares)
        )
    )
    latencies = sorted(each for one in found for each in one)
    return latencies[len(latencies) // 2] * 1000, latencies[len(latencies) * 99 // 100] * 1000


async def _ask(
    connection: Connection, requests: Sequence[bytes], start: float, pace: float, seconds: float
) -> list[float]:
    latencies: list[float] = []
    for number in range(int(seconds / pace)):
        due = start + number * pace
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        head, body = await connection.ask(requests[number % len(requests)])
        latencies.append(time.perf_counter() - due)
        if not head.startswith(b"HTTP/1.1 200") or b'"errors"' in body:
            raise RuntimeError(f"{head!r} {body!r}")
    connection.close()
    return latencies

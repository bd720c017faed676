"""An open loop: requests that come at a rate, whether or not the earlier ones have been answered."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import uvloop

OPEN = 256
"""Connections that are open before it begins; where all of them wait for an answer, there are more."""

TICK_SECONDS = 0.001
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Rushed:
    """What came of the requests of one stretch of time; latencies in ms, from the moment a request was due.

    `client` is the share of a processor that sending them took.
    """

    offered_per_second: float
    served_per_second: float
    refused_per_second: float
    lost: int
    served_p50_ms: float
    served_p99_ms: float
    refused_p50_ms: float
    client: float


def rush(port: int, requests: Sequence[bytes], per_second: float, seconds: float, seed: int) -> Rushed:
    """Sends requests at a rate, each over whichever connection is free, or a new one."""
    return uvloop.run(_Rush(port).run(random.Random(seed).choices(requests, k=int(per_second * seconds)), per_second))


@dataclass
class _Rush:
    port: int
    free: "list[_Connection]" = field(default_factory=list["_Connection"])
    served: list[float] = field(default_factory=list[float])
    refused: list[float] = field(default_factory=list[float])
    lost: int = 0
    outstanding: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, requests: Sequence[bytes], per_second: float) -> Rushed:
        self.outstanding = len(requests)
        self.free = [await self._connect() for _ in range(OPEN)]
        own, began = time.process_time(), time.perf_counter()
        await self._send(requests, per_second, began)
        sent = time.perf_counter() - began
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.over.wait()
        elapsed = time.perf_counter() - began
        for connection in self.free:
            connection.close()
        return Rushed(
            offered_per_second=len(requests) / sent,
            served_per_second=len(self.served) / elapsed,
            refused_per_second=len(self.refused) / elapsed,
            lost=self.lost + self.outstanding,
            served_p50_ms=_at(self.served, 50),
            served_p99_ms=_at(self.served, 99),
            refused_p50_ms=_at(self.refused, 50),
            client=(time.process_time() - own) / elapsed,
        )

    async def _send(self, requests: Sequence[bytes], per_second: float, began: float) -> None:
        for number, request in enumerate(requests):
            due = began + number / per_second
            if time.perf_counter() < due:
                await asyncio.sleep(max(TICK_SECONDS, due - time.perf_counter()))
            connection = self.free.pop() if self.free else await self._connect()
            connection.ask(request, due)

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self.port)
        return connection

    def answered(self, connection: "_Connection", answer: bytes, seconds: float) -> None:
        if answer.startswith(b"HTTP/1.1 200") and b'"errors"' not in answer:
            self.served.append(seconds * 1000)
        elif answer.startswith(b"HTTP/1.1 503"):
            self.refused.append(seconds * 1000)
        else:
            self.lost += 1
        self.free.append(connection)
        self._one_less()

    def gone(self, connection: "_Connection", *, is_waited_for: bool) -> None:
        if is_waited_for:
            self.lost += 1
            self._one_less()
        elif connection in self.free:
            self.free.remove(connection)

    def _one_less(self) -> None:
        self.outstanding -= 1
        if self.outstanding == 0:
            self.over.set()


class _Connection(asyncio.Protocol):
    """Sends one request at a time."""

    def __init__(self, rush: _Rush) -> None:
        self._rush = rush
        self._due: float | None = None
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._rush.gone(self, is_waited_for=self._due is not None)

    def ask(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if self._due is None or not found or len(body) < _content_length(head):
            return
        answer, due = self._received, self._due
        self._received, self._due = b"", None
        self._rush.answered(self, answer, time.perf_counter() - due)


def _content_length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


def _at(latencies: Sequence[float], percent: int) -> float:
    ordered = sorted(latencies)
    return ordered[len(ordered) * percent // 100] if ordered else 0.0

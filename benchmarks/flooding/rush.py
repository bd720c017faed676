"""An open loop: requests that come at a rate, whether or not the earlier ones have been answered."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import uvloop

from flooding.clients import Connection


@dataclass(frozen=True)
class Rushed:
    """What came of the requests of one stretch of time; latencies in ms, from the moment a request was due."""

    offered_per_second: float
    served_per_second: float
    refused_per_second: float
    lost: int
    served_p50_ms: float
    served_p99_ms: float
    refused_p50_ms: float


def rush(port: int, requests: Sequence[bytes], per_second: float, seconds: float, seed: int) -> Rushed:
    """Sends requests at a rate, each over whichever connection is free, or a new one."""
    return uvloop.run(_rush(port, requests, per_second, seconds, seed))


async def _rush(port: int, requests: Sequence[bytes], per_second: float, seconds: float, seed: int) -> Rushed:
    chance, free = random.Random(seed), list[Connection]()
    served: list[float] = []
    refused: list[float] = []
    lost = 0

    async def one(due: float) -> None:
        nonlocal lost
        connection = free.pop() if free else Connection(port, "127.0.0.1")
        head, body = await connection.ask(chance.choice(requests))
        waited = (time.perf_counter() - due) * 1000
        if head.startswith(b"HTTP/1.1 200") and b'"errors"' not in body:
            served.append(waited)
        elif head.startswith(b"HTTP/1.1 503"):
            refused.append(waited)
        else:
            lost += 1
        free.append(connection)

    began, tasks = time.perf_counter(), set[asyncio.Task[None]]()
    for number in range(int(per_second * seconds)):
        due = began + number / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(one(due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    elapsed = time.perf_counter() - began
    for connection in free:
        connection.close()
    return Rushed(
        offered_per_second=per_second,
        served_per_second=len(served) / elapsed,
        refused_per_second=len(refused) / elapsed,
        lost=lost,
        served_p50_ms=_at(served, 50),
        served_p99_ms=_at(served, 99),
        refused_p50_ms=_at(refused, 50),
    )


def _at(latencies: Sequence[float], percent: int) -> float:
    ordered = sorted(latencies)
    return ordered[len(ordered) * percent // 100] if ordered else 0.0

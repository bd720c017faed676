"""How long the largest requests that pass the limits hold up all others.

    make holding-benchmark                            writes its figures into docs/benchmarks.md
    .venv/bin/python benchmarks/holding.py --help

Each request is sent by itself to the real server, some times, each time as a document that it has not seen; meanwhile
another connection asks for /healthz as fast as that is answered. Its longest wait is how long the event loop was held.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import asyncpg
import orjson
import uvloop
from comparing import page, servers
from comparing.conditions import told
from comparing.questions import plain
from comparing.tables import table
from flooding.clients import Connection
from flooding.kinds import post
from flooding.largest import LARGEST, VARIABLES

from omniloket.identity import make_token
from resolvers.context import Viewer
from sources.records import Role

HEALTH = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
REST_SECONDS = 0.05
CROWDED = """
    WITH crowded AS (
      SELECT id, row_number() OVER (ORDER BY last_active_at DESC, id DESC) - 1 AS n FROM journey LIMIT 100
    )
    UPDATE journey_entry SET journey_id = crowded.id FROM crowded
    WHERE kind = 'C' AND n = ('x' || substr(md5(key), 1, 8))::bit(32)::bigint % 100
"""
"""All contacts on the hundred journeys that were active last: the demo's own have few each."""


@dataclass(frozen=True)
class Held:
    """For how many seconds a request held the loop each time; its points, the answer's bytes, the code of a refusal."""

    seconds: list[float]
    price: int | None
    size: int
    code: str


def main() -> None:
    wanted = _arguments()
    with servers.demo(wanted) as demo:
        asyncio.run(_crowd(demo.urls["journeys"]))
        token = make_token(demo.key, Viewer(Role.SUPERVISOR, "benchmark"))
        with servers.server(demo.serve(), demo.directory / "server.log") as (_, port):
            found = uvloop.run(_measured(port, token, wanted.times))
        conditions = asyncio.run(told(wanted.citizens, demo.urls, {}, f"Each was sent {wanted.times} times."))
    page.tell(f"{conditions}\n\n{_table(found)}", "holding", write=wanted.write)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--citizens", type=int, default=2_000)
    parser.add_argument("--times", type=int, default=7, help="that each request is sent")
    parser.add_argument("--write", action="store_true", help=page.HELP)
    return parser.parse_args()


async def _crowd(url: str) -> None:
    connection: Any = await asyncpg.connect(plain(url))
    await connection.execute(CROWDED)
    await connection.close()


async def _measured(port: int, token: str, times: int) -> Mapping[str, Held]:
    asking, watching = Connection(port, "127.0.0.1"), Connection(port, "127.0.0.1")
    found = {"nothing": Held([await _held(watching, _nothing()) for _ in range(times)], None, 0, "")}
    for name, document in LARGEST.items():
        print(name, file=sys.stderr, flush=True)
        said = {"query": document, "variables": VARIABLES.get(name, {}), "operationName": "Q"}
        found[name] = await _asked(asking, watching, token, said, times)
    return found


async def _nothing() -> None:
    """What is asked for comparison."""


async def _asked(asking: Connection, watching: Connection, token: str, said: Mapping[str, Any], times: int) -> Held:
    seconds: list[float] = []
    body = b""

    async def ask(request: bytes) -> None:
        nonlocal body
        _, body = await asking.ask(request)

    for number in range(times):
        # Blanks make it another document.
        anew = {**said, "query": said["query"] + " " * number, "extensions": {"cost": True}}
        seconds.append(await _held(watching, ask(post(orjson.dumps(anew), token))))
    answer = orjson.loads(body)
    errors = answer.get("errors", [])
    price = answer.get("extensions", {}).get("cost", {}).get("price")
    return Held(seconds, price, len(body), errors[0]["extensions"]["code"] if errors else "")


async def _held(watching: Connection, asked: Awaitable[None]) -> float:
    """The longest that the server answered nobody else while something was asked, in seconds."""
    watcher = _Watcher(watching)
    watched = asyncio.create_task(watcher.run())
    await asyncio.sleep(REST_SECONDS)
    watcher.worst = 0.0
    await asked
    await asyncio.sleep(REST_SECONDS)
    watcher.is_over = True
    await watched
    return watcher.worst


@dataclass
class _Watcher:
    """Asks again and again, and keeps its longest wait."""

    connection: Connection
    worst: float = 0.0
    is_over: bool = False

    async def run(self) -> None:
        while not self.is_over:
            began = time.perf_counter()
            await self.connection.ask(HEALTH)
            self.worst = max(self.worst, time.perf_counter() - began)
            await asyncio.sleep(0.001)


def _table(found: Mapping[str, Held]) -> str:
    head = ["a request of", "is answered", "points", "KiB", "held, ms", "at most, ms"]
    rows = [
        [
            name,
            held.code or ("" if name == "nothing" else "data"),
            "" if held.price is None else f"{held.price:,}",
            f"{held.size / 1024:.0f}",
            f"{median(held.seconds) * 1000:.1f}",
            f"{max(held.seconds) * 1000:.1f}",
        ]
        for name, held in found.items()
    ]
    return table(head, rows, texts=2)


if __name__ == "__main__":
    main()

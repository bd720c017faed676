"""How long the largest requests that pass the limits hold up all others.

    make holding-benchmark                            writes its figures into docs/benchmarks.md
    .venv/bin/python benchmarks/holding.py --help

Each request is sent by itself to the real server, some times, each time as a document that it has not seen; meanwhile
another connection asks for /healthz as fast as that is answered. Its longest wait is how long the event loop was held.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import orjson
import psutil
import queries
import uvloop
from comparing import processor_time
from comparing.conditions import told
from comparing.questions import plain
from comparing.tables import table
from flooding.clients import Connection
from flooding.kinds import post
from flooding.largest import LARGEST

from omniloket.identity import make_token, read_key
from omniloket.settings import read
from resolvers.context import Viewer
from sources.records import Role

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures: written by benchmarks/holding.py -->", "<!-- end of the figures of holding -->"
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
    """What one request did, each time: seconds, seconds, points, bytes, and the code of what it was told."""

    holds: list[float]
    processor: list[float]
    price: int | None
    size: int
    code: str


def main() -> None:
    wanted = _arguments()
    os.environ["OMNILOKET_LINKING__RUN"] = "false"
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        postgres = stack.enter_context(queries.postgres(directory / "postgresql"))
        loading = [*queries.demo_command(wanted, directory), "--postgres", postgres, "--load-only"]
        subprocess.run(loading, check=True, stderr=subprocess.DEVNULL)
        settings, key = directory / "omniloket.toml", read_key(directory / "development.key")
        urls = {name: source.url for name, source in read(settings).sources}
        asyncio.run(_crowd(urls["journeys"]))
        token = make_token(key, Viewer(Role.SUPERVISOR, "benchmark"))
        command = [*queries.SERVE, "--config", str(settings)]
        process, address = stack.enter_context(queries.server(command, directory / "server.log"))
        found = uvloop.run(_measured(process, int(address.rpartition(":")[2]), token, wanted.times))
        conditions = asyncio.run(told(wanted, urls, {}, f"Each was sent {wanted.times} times."))
    _tell(f"{conditions}\n\n{_table(found)}", write=wanted.write)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--citizens", type=int, default=2_000)
    parser.add_argument("--times", type=int, default=7, help="that each request is sent")
    parser.add_argument("--write", action="store_true", help=f"put the figures into {PAGE.relative_to(ROOT)}")
    parser.set_defaults(core_revision=None)
    return parser.parse_args()


async def _crowd(url: str) -> None:
    connection: Any = await asyncpg.connect(plain(url))
    await connection.execute(CROWDED)
    await connection.close()


async def _measured(process: psutil.Process, port: int, token: str, times: int) -> Mapping[str, Held]:
    asking, watching = Connection(port, "127.0.0.1"), Connection(port, "127.0.0.1")
    found: dict[str, Held] = {"nothing": await _held(process, None, watching, times, token, "")}
    for name, document in LARGEST.items():
        print(name, file=sys.stderr, flush=True)
        found[name] = await _held(process, asking, watching, times, token, document)
    return found


async def _held(
    process: psutil.Process, asking: Connection | None, watching: Connection, times: int, token: str, document: str
) -> Held:
    holds: list[float] = []
    processor: list[float] = []
    body = b"{}"
    for number in range(times):
        watcher = _Watcher(watching)
        watched = asyncio.create_task(watcher.run())
        await asyncio.sleep(REST_SECONDS)
        before = processor_time.of_process(process)
        watcher.worst = 0.0
        if asking is not None:
            # Blanks make it another document.
            said = {"query": document + " " * number, "operationName": "Q", "extensions": {"cost": True}}
            _, body = await asking.ask(post(orjson.dumps(said), token))
        await asyncio.sleep(REST_SECONDS)
        watcher.is_over = True
        await watched
        holds.append(watcher.worst)
        processor.append(processor_time.of_process(process) - before)
    answer = orjson.loads(body)
    errors = answer.get("errors", [])
    price = answer.get("extensions", {}).get("cost", {}).get("price")
    return Held(holds, processor, price, len(body), errors[0]["extensions"]["code"] if errors else "")


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
            f"{median(held.holds) * 1000:.1f}",
            f"{max(held.holds) * 1000:.1f}",
        ]
        for name, held in found.items()
    ]
    return table(head, rows, texts=2)


def _tell(found: str, *, write: bool) -> None:
    print(found)
    if write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{found}\n\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()

"""What a flood of requests that are refused costs, and what those notice of it who behave.

    make flood-benchmark                              writes its figures into docs/benchmarks.md
    .venv/bin/python benchmarks/flood.py --help

One kind of request after another comes over 8 connections, each as fast as it is refused, from another address than
that of 4 clients which ask Q3 fifty times a second each.
"""

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import queries
from comparing.conditions import told
from comparing.questions import questions
from comparing.tables import table
from flooding.clients import Refused, flood, served
from flooding.kinds import kinds

from omniloket.identity import make_token, read_key
from omniloket.settings import read
from resolvers.context import Viewer
from sources.records import Role

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures: written by benchmarks/flood.py -->", "<!-- end of the figures of floods -->"
CLIENTS, PACE = 4, 0.02
CONNECTIONS, FLOODERS = 8, "127.0.0.2"
ALONE_SECONDS = 1.0


@dataclass(frozen=True)
class Flooded:
    """One kind: what it got while nobody else asked, what it got as a flood, and the others' waits meanwhile."""

    alone: Refused
    many: Refused
    p50_ms: float
    p99_ms: float
    grown_mib: float


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
        asked = [each.to_omniloket() for each in asyncio.run(questions(urls, key))["Q3"]]
        token = make_token(key, Viewer(Role.AGENT, "flooder", unit="PL1700"))
        process, address = stack.enter_context(
            queries.server([*queries.SERVE, "--config", str(settings)], directory / "server.log", {})
        )
        pool = stack.enter_context(ProcessPoolExecutor(2, mp_context=get_context("spawn")))
        bench = _Bench(pool, process, int(address.rpartition(":")[2]), asked, token, wanted.seconds)
        idle = bench.behaved().result()
        start = process.memory_info().rss
        found = {kind: bench.flooded(kind, start) for kind in kinds(token)}
        conditions = asyncio.run(told(wanted, urls, {"Q3": len(asked)}, f"Each flood took {wanted.seconds:g} s."))
    _tell(f"{conditions}\n\n{_table(found, idle)}", write=wanted.write)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--citizens", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each flood")
    parser.add_argument("--write", action="store_true", help=f"put the figures into {PAGE.relative_to(ROOT)}")
    parser.set_defaults(core_revision=None)
    return parser.parse_args()


@dataclass(frozen=True)
class _Bench:
    pool: Executor
    process: psutil.Process
    port: int
    asked: Sequence[bytes]
    token: str
    seconds: float

    def behaved(self) -> Any:
        return self.pool.submit(served, self.port, self.asked, CLIENTS, PACE, self.seconds)

    def flooded(self, kind: str, start: int) -> Flooded:
        print(kind, file=sys.stderr, flush=True)
        alone = self._flood(kind, 1, ALONE_SECONDS).result()
        many, behaved = self._flood(kind, CONNECTIONS, self.seconds), self.behaved()
        return Flooded(alone, many.result(), *behaved.result(), (self.process.memory_info().rss - start) / 2**20)

    def _flood(self, kind: str, connections: int, seconds: float) -> Any:
        return self.pool.submit(flood, self.port, kind, self.token, FLOODERS, connections, seconds, self.process.pid)


def _table(found: dict[str, Flooded], idle: tuple[float, float]) -> str:
    head = ["a flood of", "is answered", "to refuse, ms", "server CPU ms", "refused per s", "Q3 p50 ms", "Q3 p99 ms"]
    head += ["p99 / idle", "MiB grown"]
    rows = [["nothing", "", "", "", "", f"{idle[0]:.2f}", f"{idle[1]:.2f}", "1.0", "0"]]
    for kind, each in found.items():
        outcomes = ", ".join(name for name, _ in each.many.outcomes)
        rows.append(
            [
                kind,
                outcomes,
                f"{each.alone.median_ms:.2f}",
                f"{each.alone.server_ms:.2f}",
                f"{each.many.per_second:.0f}",
                f"{each.p50_ms:.2f}",
                f"{each.p99_ms:.2f}",
                f"{each.p99_ms / idle[1]:.1f}",
                f"{each.grown_mib:.0f}",
            ]
        )
    return table(head, rows, texts=2)


def _tell(found: str, *, write: bool) -> None:
    print(found)
    if write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{found}\n\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()

"""What a flood of requests that are refused costs, and what those notice of it who behave.

    make flood-benchmark                              writes its figures into docs/benchmarks.md
    .venv/bin/python benchmarks/flood.py --help

One kind of request after another comes over 8 connections, each as fast as it is refused, from another address than
that of 4 clients which ask Q3 fifty times a second each.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import psutil
from comparing import page, servers
from comparing.conditions import told
from comparing.questions import questions
from comparing.tables import table
from flooding import sockets
from flooding.clients import Refused, flood, served
from flooding.kinds import kinds

from omniloket.identity import make_token
from resolvers.context import Viewer
from sources.records import Role

CLIENTS, PACE = 4, 0.02
CONNECTIONS, FLOODERS = 8, "127.0.0.2"
ALONE_SECONDS = 1.0


@dataclass(frozen=True)
class Noticed:
    """What a flood is to others: the waits of those who behave, and how much the server has grown."""

    p50_ms: float
    p99_ms: float
    grown_mib: float

    def figures(self, idle: "Noticed") -> list[str]:
        ratio = self.p99_ms / idle.p99_ms
        return [f"{self.p50_ms:.2f}", f"{self.p99_ms:.2f}", f"{ratio:.1f}", f"{self.grown_mib:.0f}"]


NOTICED = ["Q3 p50 ms", "Q3 p99 ms", "p99 / idle", "MiB grown"]


@dataclass(frozen=True)
class Flooded:
    """One kind: what it got while nobody else asked, and what it got as a flood."""

    alone: Refused
    many: Refused
    noticed: Noticed


@dataclass(frozen=True)
class Filled:
    """The same of one kind of flood over sockets, which is only sent as a flood."""

    many: sockets.Poured
    noticed: Noticed


def main() -> None:
    wanted = _arguments()
    with servers.demo(wanted) as demo:
        asked = [each.to_omniloket() for each in asyncio.run(questions(demo.urls, demo.key))["Q3"]]
        token = make_token(demo.key, Viewer(Role.AGENT, "flooder", unit="PL1700"))
        with (
            servers.server(demo.serve(), demo.directory / "server.log", {}) as (process, port),
            ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool,
        ):
            bench = _Bench(pool, process, port, asked, token, wanted.seconds)
            idle = Noticed(*bench.behaved().result(), 0)
            start = process.memory_info().rss
            found = {kind: bench.flooded(kind, start) for kind in kinds(token)}
            filled = {kind: bench.filled(kind, start) for kind in sockets.kinds()}
        times = f"Each flood took {wanted.seconds:g} s."
        conditions = asyncio.run(told(wanted.citizens, demo.urls, {"Q3": len(asked)}, times))
    tables = f"{_table(found, idle)}\n\n{_table_of_sockets(filled, idle)}"
    page.tell(f"{conditions}\n\n{tables}", "flood", write=wanted.write)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--citizens", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each flood")
    parser.add_argument("--write", action="store_true", help=page.HELP)
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
        return Flooded(alone, many.result(), self._noticed(behaved, start))

    def filled(self, kind: str, start: int) -> Filled:
        print(kind, file=sys.stderr, flush=True)
        arguments = self.port, kind, self.token, FLOODERS, CONNECTIONS, self.seconds
        many, behaved = self.pool.submit(sockets.pour, *arguments), self.behaved()
        return Filled(many.result(), self._noticed(behaved, start))

    def _noticed(self, behaved: Any, start: int) -> Noticed:
        return Noticed(*behaved.result(), (self.process.memory_info().rss - start) / 2**20)

    def _flood(self, kind: str, connections: int, seconds: float) -> Any:
        return self.pool.submit(flood, self.port, kind, self.token, FLOODERS, connections, seconds, self.process.pid)


def _table(found: dict[str, Flooded], idle: Noticed) -> str:
    head = ["a flood of", "is answered", "to refuse, ms", "server CPU ms", "refused per s", *NOTICED]
    rows = [["nothing", "", "", "", "", *idle.figures(idle)]]
    for kind, each in found.items():
        outcomes = ", ".join(name for name, _ in each.many.outcomes)
        rows.append(
            [
                kind,
                outcomes,
                f"{each.alone.median_ms:.2f}",
                f"{each.alone.server_ms:.2f}",
                f"{each.many.per_second:.0f}",
                *each.noticed.figures(idle),
            ]
        )
    return table(head, rows, texts=2)


def _table_of_sockets(found: dict[str, Filled], idle: Noticed) -> str:
    head = ["a flood over sockets of", "the server", "MiB per s", *NOTICED]
    rows = [["nothing", "", "", *idle.figures(idle)]]
    for kind, each in found.items():
        outcomes = ", ".join(name for name, _ in each.many.outcomes)
        rows.append([kind, outcomes, f"{each.many.mib_per_second:.1f}", *each.noticed.figures(idle)])
    return table(head, rows, texts=2)


if __name__ == "__main__":
    main()

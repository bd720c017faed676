"""What a server does with more requests than it can answer: how many it answers, and how soon it refuses the others.

    make overload-benchmark                              writes its figures into docs/benchmarks.md
    .venv/bin/python benchmarks/overload.py --help

Requests come at a rate, whether or not the earlier ones were answered: Q1, Q2 and Q3, mixed so that each takes about as
much of the server as the others.
"""

import argparse
import asyncio
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import queries
from comparing.client import Job, measure
from comparing.conditions import told
from comparing.questions import questions
from comparing.tables import table
from flooding.rush import Rushed, rush

from omniloket.identity import read_key
from omniloket.settings import read

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures: written by benchmarks/overload.py -->", "<!-- end of the figures of overload -->"
MIX = {"Q1": 11, "Q2": 1, "Q3": 24}
TIMES = (0.5, 1.0, 2.0, 3.0)
AFTER_SECONDS = 2.0


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
        asked = asyncio.run(questions(urls, key))
        mixed = [each.to_omniloket() for query, count in MIX.items() for each in (asked[query] * count)[: 12 * count]]
        process, address = stack.enter_context(
            queries.server([*queries.SERVE, "--config", str(settings)], directory / "server.log")
        )
        port = int(address.rpartition(":")[2])
        pool = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
        job = Job(port, mixed, wanted.requests, 200, 32, 1, process.pid, None)
        capacity = pool.submit(measure, job).result().per_second
        found: dict[str, Rushed] = {}
        for number, times in enumerate(TIMES):
            print(f"{times} of {capacity:.0f} a second", file=sys.stderr, flush=True)
            found[f"{times:g} times"] = pool.submit(
                rush, port, mixed, capacity * times, wanted.seconds, number
            ).result()
        found[f"0.5 times, the {AFTER_SECONDS:g} s after"] = pool.submit(
            rush, port, mixed, capacity / 2, AFTER_SECONDS, 9
        ).result()
        conditions = asyncio.run(told(wanted, urls, {query: len(choices) for query, choices in asked.items()}))
    _tell(
        f"{conditions}\n\nCapacity, by 32 connections that ask again when answered: {capacity:.0f} a second.\n\n"
        f"{_table(found, capacity)}",
        write=wanted.write,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--citizens", type=int, default=2_000)
    parser.add_argument("--requests", type=int, default=4_000, help="by which the capacity is measured")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each rate")
    parser.add_argument("--write", action="store_true", help=f"put the figures into {PAGE.relative_to(ROOT)}")
    parser.set_defaults(rounds=1, core_revision=None)
    return parser.parse_args()


def _table(found: dict[str, Rushed], capacity: float) -> str:
    head = ["requests come at", "offered per s", "served per s", "of capacity", "refused per s", "lost"]
    head += ["served p50 ms", "served p99 ms", "refused p50 ms"]
    rows = [
        [
            name,
            f"{each.offered_per_second:.0f}",
            f"{each.served_per_second:.0f}",
            f"{each.served_per_second / capacity:.2f}",
            f"{each.refused_per_second:.0f}",
            str(each.lost),
            f"{each.served_p50_ms:.1f}",
            f"{each.served_p99_ms:.1f}",
            f"{each.refused_p50_ms:.1f}",
        ]
        for name, each in found.items()
    ]
    return table(head, rows, texts=1)


def _tell(found: str, *, write: bool) -> None:
    print(found)
    if write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{found}\n\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()

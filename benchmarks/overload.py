"""What a server does with more requests than it can answer: how many it answers, and how soon it refuses the others.

    make overload-benchmark                              writes its figures into docs/benchmarks.md
    .venv/bin/python benchmarks/overload.py --help

Requests come at a rate, whether or not the earlier ones were answered: Q1, Q2 and Q3, mixed so that each takes about as
much of the server as the others.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context

from comparing import page, servers
from comparing.client import Job, measure
from comparing.conditions import told
from comparing.questions import questions
from comparing.tables import table
from flooding.rush import Rushed, rush

MIX = {"Q1": 11, "Q2": 1, "Q3": 24}
TIMES = (0.5, 1.0, 2.0, 3.0)
AFTER_SECONDS = 2.0


def main() -> None:
    wanted = _arguments()
    with servers.demo(wanted) as demo:
        asked = asyncio.run(questions(demo.urls, demo.key))
        mixed = [each.to_omniloket() for query, count in MIX.items() for each in (asked[query] * count)[: 12 * count]]
        with (
            servers.server(demo.serve(), demo.directory / "server.log") as (process, port),
            ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        ):
            job = Job(port, mixed, wanted.requests, 200, 32, 1, process.pid, None)
            capacity = pool.submit(measure, job).result().per_second
            found = _rushed(pool, port, mixed, capacity, wanted.seconds)
        varied = {query: len(choices) for query, choices in asked.items()}
        times = f"Each rate took {wanted.seconds:g} s."
        conditions = asyncio.run(told(wanted.citizens, demo.urls, varied, times))
    page.tell(
        f"{conditions}\n\nCapacity, by 32 connections that ask again when answered: {capacity:.0f} a second.\n\n"
        f"{_table(found, capacity)}",
        "overload",
        write=wanted.write,
    )


def _rushed(pool: Executor, port: int, mixed: Sequence[bytes], capacity: float, seconds: float) -> dict[str, Rushed]:
    rates = {f"{times:g} times": (times, seconds) for times in TIMES}
    rates[f"0.5 times, the {AFTER_SECONDS:g} s after"] = (0.5, AFTER_SECONDS)
    found: dict[str, Rushed] = {}
    for seed, (name, (times, lasting)) in enumerate(rates.items()):
        print(f"{name}: {capacity * times:.0f} a second", file=sys.stderr, flush=True)
        found[name] = pool.submit(rush, port, mixed, capacity * times, lasting, seed).result()
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--citizens", type=int, default=2_000)
    parser.add_argument("--requests", type=int, default=4_000, help="by which the capacity is measured")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each rate")
    parser.add_argument("--write", action="store_true", help=page.HELP)
    return parser.parse_args()


def _table(found: dict[str, Rushed], capacity: float) -> str:
    head = ["requests come at", "offered per s", "served per s", "of capacity", "refused per s", "lost"]
    head += ["served p50 ms", "served p99 ms", "refused p50 ms", "client CPU %"]
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
            f"{each.client * 100:.0f}",
        ]
        for name, each in found.items()
    ]
    return table(head, rows, texts=1)


if __name__ == "__main__":
    main()

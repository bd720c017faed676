"""What it costs to decide who sees what: the real server, and one that shows everything, in turns on the same data.

    .venv/bin/python benchmarks/access.py          2,000 citizens, 7 rounds of 200 requests of each query

See docs/access.md for the figures.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from pathlib import Path

import queries
from comparing.servers import load, serve, server

UNGUARDED = Path(__file__).with_name("unguarded.py")


def main() -> None:
    wanted = _arguments()
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        load(wanted, directory)
        settings = directory / "omniloket.toml"
        with (
            server(serve(settings), directory / "with.log") as guarded,
            server([sys.executable, str(UNGUARDED), str(settings)], directory / "without.log") as open_to_all,
        ):
            rounds = [
                [asyncio.run(queries.measure(wanted, *each, directory)) for each in (guarded, open_to_all)]
                for _ in range(wanted.rounds)
            ]
    _print(wanted, rounds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--citizens", type=int, default=2_000)
    parser.add_argument("--requests", type=int, default=200, help="of each query in each round, after a warm-up")
    parser.add_argument("--connections", type=int, default=8, help="requests at a time, on connections kept alive")
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


def _print(wanted: argparse.Namespace, rounds: list[list[dict[str, queries.Measured]]]) -> None:
    print(f"{wanted.citizens} citizens, medians of {wanted.rounds} rounds of {wanted.requests} requests, SQLite")
    print(f"{'query':<6}{'CPU ms with':>12}{'without':>10}{'ratio':>8}")
    for name in ("Q1", "Q2", "Q3"):
        guarded, open_to_all = (statistics.median(each[side][name].cpu_ms for each in rounds) for side in (0, 1))
        print(f"{name:<6}{guarded:>12.2f}{open_to_all:>10.2f}{guarded / open_to_all:>8.2f}")


if __name__ == "__main__":
    main()

"""What the main queries cost on PostgreSQL, beside graphql-core, beside hand-written code, and beside doing nothing.

    make benchmark                                                   2,000 citizens; a few minutes
    .venv/bin/python benchmarks/compare.py --citizens 100000         as in docs/benchmarks.md
    .venv/bin/python benchmarks/compare.py --help

All servers stand over the same data in one run, and take turns. See docs/benchmarks.md for how to read it.
"""

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import orjson
import psutil
import queries
from comparing.chart import chart
from comparing.client import Job, Measured, ask, measure
from comparing.conditions import told
from comparing.figures import BY_HAND, CONSTANT, CORE, IN_SQL, OMNILOKET, UNPROTECTED, Cell, Figures
from comparing.merging import merge, settle
from comparing.questions import Question, questions
from comparing.tables import tables

from omniloket.identity import read_key
from omniloket.settings import read

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "benchmarks" / "peers"
PAGE = ROOT / "docs" / "benchmarks.md"
PICTURE = ROOT / "docs" / "images" / "benchmarks.svg"
BEGIN, END = "<!-- figures: written by benchmarks/compare.py -->", "<!-- end of figures -->"
MERGED = "omniloket_demo_merged"
SOURCES = ("PERSONS", "SERVICEMODULE", "INCIDENTS", "JOURNEYS")
ENVIRONMENT = {"OMNILOKET_LINKING__RUN": "false"} | {f"OMNILOKET_SOURCES__{name}__POOL_SIZE": "4" for name in SOURCES}
"""Omniloket's settings here: nothing goes on behind the measurements, and all servers together keep within the 100
connections that PostgreSQL takes. The peers have as many.
"""
WARM_UP = 50
"""Requests before those that count, or twice as many as there are connections."""

COMPARED = 100
"""Of each query, how many answers are compared before anything is measured."""


@dataclass(frozen=True)
class Server:
    """A server that runs. Whether it takes GraphQL, or the form of the hand-written peers."""

    process: int
    port: int
    takes_graphql: bool

    def requests(self, choices: Sequence[Question]) -> list[bytes]:
        return [each.to_omniloket() if self.takes_graphql else each.to_peer() for each in choices]


@dataclass(frozen=True)
class Bench:
    """The servers by name, what is asked of them, the process of the database, and a process for the client."""

    servers: dict[str, Server]
    questions: dict[str, list[Question]]
    database: int | None
    client: Executor


def main() -> None:
    wanted = _arguments()
    os.environ |= ENVIRONMENT
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        postgres = stack.enter_context(queries.postgres(directory / "postgresql"))
        subprocess.run(
            [*queries.demo_command(wanted, directory), "--postgres", postgres, "--load-only"],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        settings = directory / "omniloket.toml"
        urls = {name: source.url for name, source in read(settings).sources}
        merged = asyncio.run(_prepared(postgres, urls))
        servers = {
            name: _started(
                stack, command, directory / f"{name}.log", takes_graphql=name in (CORE, OMNILOKET, UNPROTECTED)
            )
            for name, command in {
                CORE: [*_core(wanted, directory), str(settings)],
                OMNILOKET: [*queries.SERVE, "--config", str(settings)],
                UNPROTECTED: [*_peer("unprotected"), str(settings)],
                BY_HAND: [*_peer("four_databases"), str(settings)],
                IN_SQL: [*_peer("one_database"), merged],
                CONSTANT: _peer("constant"),
            }.items()
        }
        asked = asyncio.run(questions(urls, read_key(directory / "development.key")))
        client = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
        bench = Bench(servers, asked, asyncio.run(_postmaster(postgres)), client)
        conditions = asyncio.run(told(wanted, urls, {query: len(choices) for query, choices in asked.items()}))
        _compare(bench)
        figures = _measured(wanted, bench)
    _tell(wanted, conditions, figures)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--citizens", type=int, default=2_000)
    parser.add_argument("--requests", type=int, default=400, help="of each query to each server in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--connections", type=int, nargs="+", default=[1, 32], help="requests at a time, on connections kept alive"
    )
    parser.add_argument(
        "--core-revision",
        metavar="REVISION",
        help="of which revision the schema, resolvers and sources are that graphql-core executes, if not these",
    )
    parser.add_argument("--write", action="store_true", help=f"put the figures into {PAGE.relative_to(ROOT)}")
    return parser.parse_args()


async def _prepared(postgres: str, urls: dict[str, str]) -> str:
    """Leaves the databases with nothing to do behind the measurements; the address of the one with everything."""
    merged = await merge(postgres, urls, MERGED)
    for url in (*urls.values(), merged):
        await settle(url)
    return merged


def _core(wanted: argparse.Namespace, directory: Path) -> list[str]:
    """The command that serves by graphql-core."""
    command = _peer("graphql_core")
    if wanted.core_revision is None:
        return command
    rooms = directory / "revision"
    rooms.mkdir()
    archive = subprocess.run(["git", "archive", wanted.core_revision], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["tar", "--extract"], cwd=rooms, check=True, input=archive.stdout)
    return ["env", f"PYTHONPATH={rooms}", *command]


def _peer(name: str) -> list[str]:
    return [sys.executable, str(PEERS / f"{name}.py")]


def _started(stack: ExitStack, command: Sequence[str], log: Path, *, takes_graphql: bool) -> Server:
    process, address = stack.enter_context(queries.server(command, log))
    stack.enter_context(_told(log))
    return Server(process.pid, int(address.rpartition(":")[2]), takes_graphql)


@contextmanager
def _told(log: Path) -> Iterator[None]:
    """Shows how a server's log ends when anything fails."""
    try:
        yield
    except Exception:
        print(log.name, *log.read_text().splitlines()[-5:], sep="\n", file=sys.stderr)
        raise


async def _postmaster(postgres: str) -> int | None:
    """The process whose children do the work; None for a PostgreSQL on another machine."""
    connection: Any = await asyncpg.connect(postgres)
    backend = await connection.fetchval("SELECT pg_backend_pid()")
    parent = psutil.Process(backend).parent() if psutil.pid_exists(backend) else None
    await connection.close()
    return parent.pid if parent is not None and parent.name().startswith("postgres") else None


def _compare(bench: Bench) -> None:
    """Stops at the first answer of a server that is not Omniloket's."""
    for query, choices in bench.questions.items():
        some = choices[:COMPARED]
        answers = {name: _answers(bench, server, some) for name, server in bench.servers.items() if name != CONSTANT}
        for name, given in answers.items():
            for question, expected, found in zip(some, answers[OMNILOKET], given, strict=True):
                if found != expected:
                    raise SystemExit(f"{name} answers {query} otherwise ({question}):\n{expected}\n{found}")


def _answers(bench: Bench, server: Server, choices: Sequence[Question]) -> list[Any]:
    bodies = bench.client.submit(ask, server.port, server.requests(choices)).result()
    return [orjson.loads(body) for body in bodies]


def _measured(wanted: argparse.Namespace, bench: Bench) -> Figures:
    """Rounds in which every server has its turn with every query; another one begins each time."""
    rounds: dict[Cell, list[Measured]] = {}
    names = list(bench.servers)
    for number in range(wanted.rounds):
        print(f"round {number + 1} of {wanted.rounds}", file=sys.stderr, flush=True)
        turns = (*names[number % len(names) :], *names[: number % len(names)])
        for connections, query, name in product(wanted.connections, bench.questions, turns):
            job = _job(wanted, bench, query, name, connections, number)
            rounds.setdefault((query, connections, name), []).append(bench.client.submit(measure, job).result())
    return Figures(rounds)


def _job(wanted: argparse.Namespace, bench: Bench, query: str, name: str, connections: int, seed: int) -> Job:
    server = bench.servers[name]
    return Job(
        port=server.port,
        choices=server.requests(bench.questions[query]),
        requests=wanted.requests,
        warm_up=max(WARM_UP, 2 * connections),
        connections=connections,
        seed=seed,
        server=server.process,
        database=bench.database,
    )


def _tell(wanted: argparse.Namespace, conditions: str, figures: Figures) -> None:
    found = f"{conditions}\n\n{tables(figures)}"
    print(found)
    most = max(figures.connections)
    own = figures.median(("Q3", most, CONSTANT), "client_ms")
    print(f"\nThe client takes {own:.3f} ms of CPU a request, in a process of its own.")
    if wanted.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{found}\n\n{END}{rest.partition(END)[2]}")
        PICTURE.write_text(chart(figures, most))


if __name__ == "__main__":
    main()

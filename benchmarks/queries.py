"""What the main queries cost: the real server over the demo's data on SQLite and on PostgreSQL, side by side.

    .venv/bin/python benchmarks/queries.py         2,000 citizens, 300 requests of each query
    .venv/bin/python benchmarks/queries.py --help

See docs/benchmarks.md for how to read it.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil
from comparing import processor_time
from comparing.servers import load, postgres, serve, server

from omniloket.identity import make_token, read_key
from resolvers.context import Viewer
from sources.records import Role

QUERIES = Path(__file__).resolve().parents[1] / "docs" / "queries"
CHANNELS = ("0900-8844", "POLITIE_NL", "APP", "EMAIL", "WHATSAPP")
WARM_UP = 50


@dataclass(frozen=True)
class Question:
    """A request of a query: its body and the token of who asks."""

    body: bytes
    token: str


@dataclass(frozen=True)
class Measured:
    """What a number of requests cost. CPU is the server process's own, user and system."""

    cpu_ms: float
    per_second: float
    p50_ms: float
    p99_ms: float


def main() -> None:
    wanted = _arguments()
    with tempfile.TemporaryDirectory() as temporary, postgres(Path(temporary) / "postgresql") as url:
        found = {}
        for kind, arguments in {"SQLite": [], "PostgreSQL": ["--postgres", url]}.items():
            directory = Path(temporary) / kind
            load(wanted, directory, *arguments)
            with server(serve(directory / "omniloket.toml"), directory / "server.log") as (process, port):
                found[kind] = asyncio.run(measure(wanted, process, port, directory))
    _print(wanted, found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--citizens", type=int, default=2_000)
    parser.add_argument("--requests", type=int, default=300, help="of each query, after a warm-up")
    parser.add_argument("--connections", type=int, default=8, help="requests at a time, on connections kept alive")
    return parser.parse_args()


async def measure(
    wanted: argparse.Namespace, process: psutil.Process, port: int, directory: Path
) -> dict[str, Measured]:
    limits = httpx.Limits(max_connections=wanted.connections, max_keepalive_connections=wanted.connections)
    key = read_key(directory / "development.key")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=60) as client:
        questions = await _questions(lambda question: _ask(client, question), key)
        found = {}
        for name, choices in questions.items():
            await _run(client, choices, WARM_UP, wanted.connections)
            before, started = processor_time.of_process(process), time.perf_counter()
            latencies = sorted(await _run(client, choices, wanted.requests, wanted.connections))
            elapsed, cpu = time.perf_counter() - started, processor_time.of_process(process) - before
            count = len(latencies)
            found[name] = Measured(
                cpu * 1000 / count, count / elapsed, latencies[count // 2] * 1000, latencies[count * 99 // 100] * 1000
            )
    return found


async def _questions(ask: Callable[[Question], Awaitable[Any]], key: bytes) -> dict[str, list[Question]]:
    """Of each main query, questions by many citizens, over all channels, about many reports."""
    agent = make_token(key, Viewer(Role.AGENT, "benchmark", clearance=True))
    reports = "reports(first: 100) { edges { node { number } } }"
    listing = f"{{ contacts(first: 100) {{ edges {{ node {{ citizen {{ bsn }} }} }} }} {reports} }}"
    data = (await ask(_question(listing, agent)))["data"]
    bsns = {edge["node"]["citizen"]["bsn"] for edge in data["contacts"]["edges"] if edge["node"]["citizen"]}
    portal, screen, thin = (
        (QUERIES / f"{name}.graphql").read_text()
        for name in ("q1-citizen-portal", "q2-agents-screen", "q3-thin-channel")
    )
    citizens = [make_token(key, Viewer(Role.CITIZEN, "benchmark", bsn=bsn)) for bsn in sorted(bsns)]
    return {
        "Q1": [_question(portal, token) for token in citizens],
        "Q2": [_question(screen, agent, channel=code) for code in CHANNELS],
        "Q3": [_question(thin, agent, number=edge["node"]["number"]) for edge in data["reports"]["edges"]],
    }


def _question(query: str, token: str, **variables: str) -> Question:
    return Question(orjson.dumps({"query": query, "variables": variables}), token)


async def _run(client: httpx.AsyncClient, choices: Sequence[Question], count: int, connections: int) -> list[float]:
    """The latency of each request, in seconds; each answered without errors."""
    chosen = iter(random.Random(1).choices(choices, k=count))

    async def work() -> list[float]:
        latencies = []
        for question in chosen:
            started = time.perf_counter()
            answer = await _ask(client, question)
            latencies.append(time.perf_counter() - started)
            if "errors" in answer:
                raise SystemExit(answer)
        return latencies

    return [each for found in await asyncio.gather(*(work() for _ in range(connections))) for each in found]


async def _ask(client: httpx.AsyncClient, question: Question) -> Any:
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {question.token}",
        "omniloket-purpose": "intake",
    }
    return orjson.loads((await client.post("/graphql", content=question.body, headers=headers)).content)


def _print(wanted: argparse.Namespace, found: dict[str, dict[str, Measured]]) -> None:
    print(f"{wanted.citizens} citizens, {wanted.requests} requests a query, {wanted.connections} at a time")
    print(f"{'query':<6}{'back-ends':<12}{'CPU ms':>8}{'per s':>8}{'p50 ms':>8}{'p99 ms':>8}")
    for name in ("Q1", "Q2", "Q3"):
        for kind, measured in found.items():
            each = measured[name]
            numbers = f"{each.cpu_ms:>8.2f}{each.per_second:>8.0f}{each.p50_ms:>8.1f}{each.p99_ms:>8.1f}"
            print(f"{name:<6}{kind:<12}{numbers}")


if __name__ == "__main__":
    main()

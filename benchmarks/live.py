"""What live updates cost: processor time and memory of the server, and how soon a change in PostgreSQL is heard of.

    make live-benchmark                                 writes its figures into docs/benchmarks.md
    .venv/bin/python benchmarks/live.py --help

Beside Omniloket, in the same run: plain Strawberry subscriptions, and the same bytes over and over on the same server.
"""

import argparse
import asyncio
import os
import platform
import random
import resource
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice, product
from multiprocessing import get_context
from textwrap import fill
from typing import Any

import asyncpg
from comparing import page, servers
from comparing.conditions import processor
from comparing.questions import plain
from comparing.tables import table
from streaming.measuring import Job, Measured, measure

from omniloket.identity import make_token
from resolvers.context import Viewer
from sources.records import Role
from sources.sql.triggers import apply, installing

OMNILOKET, STRAWBERRY, CONSTANT = "Omniloket", "plain Strawberry", "constant bytes"
PEERS = {STRAWBERRY: "plain_strawberry", CONSTANT: "constant_socket"}
SCENARIOS = {
    "A": "2,000 sockets on the same report",
    "B": "2,000 sockets, each another report",
    "C": "200 agents, 20 filters, 500 changes/s",
    "D": "15,000 idle sockets, 1 change/s",
}

_ONE = (page.ROOT / "docs" / "queries" / "live-status.graphql").read_text()
_SEVERAL = """
    subscription Several($filter: ReportWatch) {
      reportStatusChanges(filter: $filter) { cursor change { status label at } report { status updatedAt } }
    }
"""
_WATCHED = ("IN_INVESTIGATION", "AWAITING_INFORMATION", "UNDER_ASSESSMENT", "CLOSED", "TRANSFERRED")
_KINDS = ("NOTIFICATION", "CRIME_REPORT", "TIP", "MISSING_PERSON")


@dataclass(frozen=True)
class Bench:
    """What is measured with: reports that all may see, the register's address, a token, a process for the client."""

    data: servers.Demo
    reports: Sequence[str]
    register: str
    token: str
    client: Executor


def main() -> None:
    wanted = _arguments()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with servers.demo(wanted) as data, ProcessPoolExecutor(1, mp_context=get_context("spawn")) as client:
        register = data.urls["incidents"]
        asyncio.run(apply(register, installing("incidents")))
        token = make_token(data.key, Viewer(Role.AGENT, "agent", unit="PL1700"))
        bench = Bench(data, asyncio.run(_reports(register)), plain(register), token, client)
        found = {
            (scenario, name): _measured(bench, scenario, name, wanted.rounds)
            for scenario, name in _cells(wanted.scenarios)
        }
        conditions = asyncio.run(_conditions(wanted, plain(register)))
    page.tell(f"{conditions}\n\n{_tables(found)}", "live", write=wanted.write)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--citizens", type=int, default=2_500)
    parser.add_argument("--rounds", type=int, default=3, help="of A and B; the middle one counts")
    parser.add_argument("--scenarios", nargs="+", choices=list(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument("--write", action="store_true", help=page.HELP)
    return parser.parse_args()


def _cells(scenarios: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Only A and B ask what the others can tell as well."""
    for scenario in scenarios:
        yield scenario, OMNILOKET
        if scenario in ("A", "B"):
            yield scenario, STRAWBERRY
            yield scenario, CONSTANT


async def _reports(register: str) -> Sequence[str]:
    connection: Any = await asyncpg.connect(plain(register))
    rows = await connection.fetch("SELECT nummer FROM incident WHERE NOT vertrouwelijk ORDER BY nummer")
    await connection.close()
    return [row["nummer"] for row in rows]


def _measured(bench: Bench, scenario: str, name: str, rounds: int) -> Measured:
    """The middle one of some rounds by server time, each with a server of its own."""
    command = bench.data.serve() if name == OMNILOKET else servers.peer(PEERS[name])
    found: list[Measured] = []
    for _ in range(rounds if scenario in ("A", "B") else 1):
        with servers.server(command, bench.data.directory / "server.log") as (process, port):
            job = _job(bench, scenario, port, process.pid)
            job = job if name == OMNILOKET else replace(job, register=None)
            found.append(bench.client.submit(measure, job).result())
            print(scenario, name, found[-1], file=sys.stderr, flush=True)
    return sorted(found, key=lambda each: each.server_us)[len(found) // 2]


def _job(bench: Bench, scenario: str, port: int, server: int) -> Job:
    reports = bench.reports
    chance = random.Random(1)
    payload = {"Authorization": f"Bearer {bench.token}", "Omniloket-Purpose": "intake"}
    job = Job(port, server, payload, [], [], 0.0, None, bench.register)
    match scenario:
        case "A":
            return replace(
                job, subscriptions=_of(reports[:1] * 2000), changes=[reports[:1]] * 40, pace=0.1, expected=80_000
            )
        case "B":
            changes = [reports[:2000]] * 20
            return replace(job, subscriptions=_of(reports[:2000]), changes=changes, pace=0.25, expected=40_000)
        case "C":
            several = [{"status": [status], "kind": [kind]} for status, kind in product(_WATCHED, _KINDS)]
            asked = [{"query": _SEVERAL, "variables": {"filter": each}} for each in several * 10]
            changes = [chance.sample(reports, 10) for _ in range(500)]
            return replace(job, subscriptions=asked, changes=changes, pace=0.02)
        case _:
            changes = [[number] for number in chance.sample(reports, 20)]
            return replace(job, subscriptions=_of(list(islice(_again(reports), 15_000))), changes=changes, pace=1.0)


def _of(numbers: Sequence[str]) -> Sequence[dict[str, Any]]:
    return [{"query": _ONE, "variables": {"number": number}} for number in numbers]


def _again(reports: Sequence[str]) -> Iterator[str]:
    while True:
        yield from reports


async def _conditions(wanted: argparse.Namespace, register: str) -> str:
    connection: Any = await asyncpg.connect(register)
    version = await connection.fetchval("SHOW server_version")
    await connection.close()
    return fill(
        f"{wanted.citizens:,} citizens; one server process, one client process; of A and B the middle one of "
        f"{wanted.rounds} rounds. {datetime.now(UTC):%d %B %Y}; {processor()}, {os.cpu_count()} cores, "
        f"{platform.system()}; CPython {platform.python_version()}, PostgreSQL {version}.",
        width=120,
    )


def _tables(found: dict[tuple[str, str], Measured]) -> str:
    head = ["", "", "server CPU us", "client CPU us", "deliveries", "per s", "server CPU %", "p50 ms", "p99 ms"]
    head.append("KiB a subscriber")
    rows = [[f"{scenario}: {SCENARIOS[scenario]}", name, *_row(each)] for (scenario, name), each in found.items()]
    ratios = [
        [f"{scenario}: {name} / {OMNILOKET}", f"{each.server_us / found[scenario, OMNILOKET].server_us:.2f}"]
        for (scenario, name), each in found.items()
        if name != OMNILOKET
    ]
    return "\n\n".join(
        [table(["server CPU, ratios", ""], ratios, texts=1)] * bool(ratios) + [table(head, rows, texts=2)]
    )


def _row(found: Measured) -> Sequence[str]:
    return [
        f"{found.server_us:.1f}",
        f"{found.client_us:.1f}",
        f"{found.deliveries}",
        f"{found.deliveries / found.seconds:.0f}",
        f"{found.server_us * found.deliveries / found.seconds / 1e4:.1f}",
        f"{found.p50_ms:.1f}",
        f"{found.p99_ms:.1f}",
        f"{found.kib:.1f}",
    ]


if __name__ == "__main__":
    main()

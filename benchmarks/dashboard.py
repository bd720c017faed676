"""Draws what the Grafana dashboard shows of a run of the demo, as Prometheus answers it.

    .venv/bin/python benchmarks/dashboard.py --prometheus $(which prometheus)

Two minutes: a citizen portal, agents' screens, a thin channel and live updates; from half a minute on requests that are
refused, and after a minute the incident register is locked for fifteen seconds.
"""

import argparse
import asyncio
import json
import re
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
from comparing import page, servers
from comparing.curves import Panel, curves
from comparing.questions import plain, questions
from flooding.clients import Connection
from flooding.kinds import kinds

from omniloket.identity import make_token
from resolvers.context import Viewer
from sources.records import Role
from sources.sql.triggers import apply, installing

DASHBOARD = page.ROOT / "deploy" / "grafana" / "omniloket.json"
PICTURE = page.ROOT / "docs" / "images" / "dashboard.svg"
PACES = {"Q1": 0.02, "Q2": 0.1, "Q3": 0.01}
"""Seconds between requests of each query."""

CLIENTS = {
    "Q1": ("portal", "q1-citizen-portal"),
    "Q2": ("agents", "q2-agents-screen"),
    "Q3": ("app", "q3-thin-channel"),
}
REFUSED = ("1,000 aliases", "2 MB", "an unknown document id", "a bad token")
FOLLOWED = "subscription { reportStatusChanges { cursor change { status } } }"
STREAMS = 20
LOCKED_AFTER, LOCKED_SECONDS, REFUSED_AFTER = 60.0, 15.0, 30.0
VARIABLES = {"$instance": ".*", "$__rate_interval": "10s"}


def main() -> None:
    wanted = _arguments()
    with ExitStack() as stack:
        demo = stack.enter_context(servers.demo(wanted))
        asyncio.run(apply(demo.urls["incidents"], installing("incidents")))
        environment = servers.UNLIMITED | _manifests(demo.directory)
        _, port = stack.enter_context(servers.server(demo.serve(), demo.directory / "server.log", environment))
        address = stack.enter_context(_prometheus(wanted.prometheus, demo.directory, port))
        began = time.time()
        asyncio.run(_run(demo, port, wanted.seconds))
        panels = [_panel(address, each, began, wanted.seconds) for each in _panels()]
    PICTURE.write_text(curves(panels, wanted.seconds))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--prometheus", required=True, help="the program; Debian's package of that name has it")
    parser.add_argument("--citizens", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=120)
    return parser.parse_args()


def _manifests(directory: Path) -> Mapping[str, str]:
    """The setting by which the three queries are trusted documents."""
    manifests: list[dict[str, str]] = []
    for client, document in CLIENTS.values():
        file = directory / f"{client}.json"
        text = (page.ROOT / "docs" / "queries" / f"{document}.graphql").read_text()
        file.write_text(json.dumps({document: text}))
        manifests.append({"client": client, "file": str(file)})
    return {"OMNILOKET_TRUSTED__MANIFESTS": json.dumps(manifests)}


@contextmanager
def _prometheus(program: str, directory: Path, port: int) -> Iterator[str]:
    """Prometheus, looking at the server each second; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        own = f"127.0.0.1:{free.getsockname()[1]}"
    scrape = [{"job_name": "omniloket", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}]
    config = directory / "prometheus.json"  # JSON is YAML
    config.write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": scrape}))
    command = [program, f"--config.file={config}", f"--storage.tsdb.path={directory / 'tsdb'}"]
    with (
        (directory / "prometheus.log").open("wb") as log,
        subprocess.Popen([*command, f"--web.listen-address={own}"], stderr=log) as process,
    ):
        try:
            yield f"http://{own}"
        finally:
            process.terminate()


async def _run(demo: servers.Demo, port: int, seconds: float) -> None:
    asked = await questions(demo.urls, demo.key)
    agent = make_token(demo.key, Viewer(Role.AGENT, "agent", unit="PL1700"))
    end = time.monotonic() + seconds
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_followed(port, agent))
        await asyncio.gather(
            *(_ask(port, [each.to_omniloket() for each in asked[name]], pace, end) for name, pace in PACES.items()),
            _be_refused(port, agent, end),
            _change(demo.urls["incidents"], end),
            _lock(demo.urls["incidents"]),
        )


async def _ask(port: int, requests: Sequence[bytes], pace: float, end: float) -> None:
    """Eight connections, so that one answer that is late holds up no other."""
    waiting = iter(requests * int(1 + (end - time.monotonic()) / pace / len(requests)))

    async def work() -> None:
        connection = Connection(port, "127.0.0.1")
        while time.monotonic() < end:
            await connection.ask(next(waiting))
            await asyncio.sleep(8 * pace)
        connection.close()

    await asyncio.gather(*(work() for _ in range(8)))


async def _be_refused(port: int, token: str, end: float) -> None:
    await asyncio.sleep(REFUSED_AFTER)
    connection, number = Connection(port, "127.0.0.1"), 0
    while time.monotonic() < end:
        number += 1
        await connection.ask(kinds(token)[REFUSED[number % len(REFUSED)]](number))
        await asyncio.sleep(0.2)
    connection.close()


async def _change(url: str, end: float) -> None:
    """Two changes a second of reports that all may see."""
    connection: Any = await asyncpg.connect(plain(url))
    numbers = [row[0] for row in await connection.fetch("SELECT nummer FROM incident WHERE NOT vertrouwelijk LIMIT 50")]
    number = 0
    while time.monotonic() < end:
        number += 1
        await connection.execute(
            "INSERT INTO incident_status (incident_nummer, status_cd, tijdstip) VALUES ($1, 'BEOO', now()::timestamp)",
            numbers[number % len(numbers)],
        )
        await asyncio.sleep(0.5)
    await connection.close()


async def _lock(url: str) -> None:
    await asyncio.sleep(LOCKED_AFTER)
    connection: Any = await asyncpg.connect(plain(url))
    async with connection.transaction():
        await connection.execute("LOCK TABLE incident IN ACCESS EXCLUSIVE MODE")
        await asyncio.sleep(LOCKED_SECONDS)
    await connection.close()


@asynccontextmanager
async def _followed(port: int, token: str) -> AsyncIterator[None]:
    """Event streams that are read until the end."""
    headers = {"authorization": f"Bearer {token}", "omniloket-purpose": "intake", "accept": "text/event-stream"}
    async with httpx.AsyncClient(headers=headers, timeout=None) as client:

        async def follow() -> None:
            url = f"http://127.0.0.1:{port}/graphql"
            async with client.stream("POST", url, json={"query": FOLLOWED}) as stream:
                async for _ in stream.aiter_raw():
                    pass

        following = [asyncio.create_task(follow()) for _ in range(STREAMS)]
        yield
        for each in following:
            each.cancel()
        await asyncio.gather(*following, return_exceptions=True)


def _panels() -> list[Mapping[str, Any]]:
    panels = orjson.loads(DASHBOARD.read_bytes())["panels"]
    return [each for each in panels if each["type"] == "timeseries"]


def _panel(address: str, panel: Mapping[str, Any], began: float, seconds: int) -> Panel:
    """A panel with what Prometheus answers to its questions."""
    found: dict[str, list[tuple[float, float]]] = {}
    for target in panel["targets"]:
        asked: str = target["expr"]
        for name, value in VARIABLES.items():
            asked = asked.replace(name, value)
        asking = {"query": asked, "start": began, "end": began + seconds, "step": "1"}
        answer = httpx.get(f"{address}/api/v1/query_range", params=asking).raise_for_status().json()
        for series in answer["data"]["result"]:
            points = [(at - began, float(value)) for at, value in series["values"] if value != "NaN"]
            if points:
                found[_legend(target["legendFormat"], series["metric"])] = points
    return Panel(panel["title"], panel["fieldConfig"]["defaults"]["unit"], found)


def _legend(form: str, labels: Mapping[str, str]) -> str:
    for name, value in labels.items():
        form = form.replace(f"{{{{{name}}}}}", value)
    return re.sub(r"{{\w+}}", "", form).strip()


if __name__ == "__main__":
    main()

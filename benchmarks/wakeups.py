"""How soon a subscribed client hears of a change: with the wake-up trigger, and by polling alone.

    .venv/bin/python benchmarks/wakeups.py

Starts a PostgreSQL of its own and a server over it. Another connection inserts a status by plain SQL; what is timed is
from the moment that its transaction has committed to the arrival of the event at a WebSocket client.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from sources.demo.loading import PostgresDatabases
from sources.sql.triggers import apply, installing, uninstalling
from support.back_ends import Urls, loaded
from support.houses import document
from support.postgres import plain, postgres_server
from support.servers import Server, serving
from support.sockets import connected

CHANGES = 200


async def measured(server: Server, urls: Urls) -> list[float]:
    """Milliseconds from each commit to its event."""
    writer = await asyncpg.connect(plain(urls["incidents"]))
    number = await writer.fetchval("SELECT min(nummer) FROM incident WHERE NOT vertrouwelijk")
    insert = (
        "INSERT INTO incident_status (incident_nummer, status_cd, vorige_status_cd, tijdstip) "
        f"VALUES ('{number}', 'OPSP', 'ONTV', '2026-11-20 10:00:00')"
    )
    taken = []
    async with connected(server, server.agent) as socket:
        await socket.subscribe("a", document("live-status"), number=number)
        assert await socket.silent(2)
        for _ in range(CHANGES):
            # From a moment after the last event on: without the trigger, that is just after a poll.
            await asyncio.sleep(random.uniform(0.05, 0.25))
            await writer.execute(insert)
            committed = time.perf_counter()
            await socket.event("a")
            taken.append((time.perf_counter() - committed) * 1000)
    await writer.close()
    return taken


def main() -> None:
    with postgres_server() as postgres, tempfile.TemporaryDirectory() as directory:
        urls = loaded(PostgresDatabases(postgres.url, "omniloket_wakeups"))
        with serving(urls, Path(directory), OMNILOKET_LIVE__POLL_SECONDS="1") as server:
            for name, statements in (("with trigger", installing), ("by polling", uninstalling)):
                asyncio.run(apply(urls["incidents"], statements("incidents")))
                taken = asyncio.run(measured(server, urls))
                percentiles = statistics.quantiles(taken, n=100)
                print(
                    f"{name}: {len(taken)} changes, p50 {percentiles[49]:.0f} ms, p99 {percentiles[98]:.0f} ms, "
                    f"most {max(taken):.0f} ms"
                )


if __name__ == "__main__":
    main()

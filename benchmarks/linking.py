"""How fast the linker links an existing history, and in how much memory: `omniloket link` over PostgreSQL.

    .venv/bin/python benchmarks/linking.py --citizens 165000        about 1,000,000 contacts

The demo numbers a citizen's contacts in a row. Here they are numbered in the order of time first, as any servicemodule
does: so one citizen's are spread over the whole log. Half-way the linker is killed and started
again, which is part of the figure.
"""

import argparse
import asyncio
import base64
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from sources.demo.loading import PostgresDatabases, load
from sources.demo.population import Population
from support.back_ends import Urls
from support.postgres import plain, postgres_server

OMNILOKET = Path(sys.executable).with_name("omniloket")
RENUMBERED = """
    ALTER TABLE klantcontact_onderwerp DROP CONSTRAINT klantcontact_onderwerp_klantcontact_nummer_fkey;
    ALTER TABLE bijlage DROP CONSTRAINT bijlage_klantcontact_nummer_fkey;
    CREATE TABLE renumbered AS
        SELECT nummer, 1000000000 + row_number() OVER (ORDER BY tijdstip, nummer) AS later FROM klantcontact;
    UPDATE klantcontact_onderwerp AS o SET klantcontact_nummer = r.later FROM renumbered r
        WHERE o.klantcontact_nummer = r.nummer;
    UPDATE klantcontact AS k SET nummer = r.later FROM renumbered r WHERE k.nummer = r.nummer;
    DROP TABLE renumbered;
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--citizens", type=int, default=10_000)
    citizens = parser.parse_args().citizens
    with postgres_server() as postgres, tempfile.TemporaryDirectory() as temporary:
        target = PostgresDatabases(postgres.url, "omniloket_linking")
        started = time.perf_counter()
        asyncio.run(load(target, Population(citizens, 1), "linking", lambda _: None))
        contacts = asyncio.run(renumbered(target.urls))
        print(f"{citizens} citizens, {contacts} contacts: loaded in {time.perf_counter() - started:.0f} s", flush=True)
        config = settings(target.urls, Path(temporary))
        started = time.perf_counter()
        killed = asyncio.run(run_until_half(config, target.urls, contacts))
        rest = run_to_its_end(config)
        seconds = time.perf_counter() - started
        print(f"linked in {seconds:.0f} s: {contacts / seconds:.0f} contacts a second, one restart included")
        print(f"peak memory of the linker: {max(killed, rest) / 2**20:.0f} MiB")
        print(f"journeys: {asyncio.run(count(target.urls, 'journey'))}")


async def renumbered(urls: Urls) -> int:
    """Numbers the contacts in the order of time; how many there are."""
    connection = await asyncpg.connect(plain(urls["servicemodule"]))
    await connection.execute(RENUMBERED)
    await connection.execute("VACUUM ANALYZE")
    contacts = await connection.fetchval("SELECT count(*) FROM klantcontact")
    await connection.close()
    return contacts


def settings(urls: Urls, directory: Path) -> Path:
    file = directory / "omniloket.toml"
    lines = ["[sealing]", "current = 1", f'keys = {{ 1 = "{base64.b64encode(bytes(range(64))).decode()}" }}']
    for name, url in urls.items():
        lines += [f"[sources.{name}]", f'url = "{url}"', "timeout_seconds = 60"]
    file.write_text("\n".join(lines))
    return file


async def run_until_half(config: Path, urls: Urls, contacts: int) -> int:
    """Kills a linker when half of the contacts are linked; its peak memory in bytes."""
    process, peak = start(config), 0
    while process.poll() is None:
        await asyncio.sleep(0.5)
        peak = max(peak, psutil.Process(process.pid).memory_info().rss)
        if await read_so_far(urls) >= contacts / 2:
            process.send_signal(signal.SIGKILL)
            process.wait()
    return peak


def run_to_its_end(config: Path) -> int:
    """Its peak memory in bytes."""
    _, status, used = os.wait4(start(config).pid, 0)
    if status != 0:
        raise SystemExit(f"the linker failed: {status}")
    return used.ru_maxrss * 1024


def start(config: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([str(OMNILOKET), "link", "--config", str(config)], stderr=subprocess.DEVNULL)


async def read_so_far(urls: Urls) -> int:
    """How many contacts of the log have been read; they are numbered from 1,000,000,001."""
    connection = await asyncpg.connect(plain(urls["journeys"]))
    try:
        query = "SELECT position - 1000000000 FROM linker_position WHERE log = 'contacts'"
        return await connection.fetchval(query) or 0
    except asyncpg.UndefinedTableError:
        return 0
    finally:
        await connection.close()


async def count(urls: Urls, rows: str) -> int:
    connection = await asyncpg.connect(plain(urls["journeys"]))
    try:
        return await connection.fetchval(f"SELECT count(*) FROM {rows}")
    finally:
        await connection.close()


if __name__ == "__main__":
    main()

"""Under which conditions figures came about: the data, the arguments, the machine, the versions."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from textwrap import fill
from typing import Any

import asyncpg

from comparing.questions import plain

_COUNTED = {
    "contacts": ("servicemodule", "klantcontact"),
    "reports": ("incidents", "incident"),
    "status changes": ("incidents", "incident_status"),
}


async def told(citizens: int, urls: Mapping[str, str], arguments: Mapping[str, int], times: str) -> str:
    """A paragraph. `arguments`: over how many each query varies; `times`: a sentence on how often all was done."""
    rows = {
        name: await _value(urls[source], f"SELECT count(*) FROM {table}") for name, (source, table) in _COUNTED.items()
    }
    version = await _value(urls["persons"], "SHOW server_version")
    amounts = ", ".join(f"{count:,} {name}" for name, count in rows.items())
    varied = ", ".join(f"{query} {count:,}" for query, count in arguments.items())
    varied = f"; arguments varied over: {varied}" if varied else ""
    return fill(
        f"{citizens:,} citizens, {amounts}{varied}. {times} "
        f"{datetime.now(UTC):%d %B %Y}; {processor()}, {os.cpu_count()} cores, {platform.system()}; "
        f"CPython {platform.python_version()}, PostgreSQL {version}.",
        width=120,
    )


async def _value(url: str, query: str) -> Any:
    connection: Any = await asyncpg.connect(plain(url))
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def processor() -> str:
    """The processor's own name, where the system tells it."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())

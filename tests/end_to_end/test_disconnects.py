"""A client that goes away while it waits is worked for no longer, and costs nobody else."""

import asyncio
import socket
import time
from pathlib import Path

import asyncpg
import httpx
import orjson

from sources.sql.incidents import INCIDENT
from support.back_ends import Urls, rows_of
from support.postgres import locked, plain
from support.servers import serving

WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND wait_event_type = 'Lock'
"""


async def test_the_statement_of_a_client_that_has_gone_is_cancelled(postgres_urls: Urls, tmp_path: Path) -> None:
    number = (await rows_of(postgres_urls["incidents"], INCIDENT))[0]["nummer"]
    query = f'{{ report(by: {{number: "{number}"}}) {{ number }} }}'
    with serving(postgres_urls, tmp_path, OMNILOKET_SOURCES__INCIDENTS__TIMEOUT_SECONDS="60") as server:
        headers = {
            "authorization": f"Bearer {server.agent}",
            "omniloket-purpose": "intake",
            "content-type": "application/json",
        }
        body = orjson.dumps({"query": query})
        async with locked(postgres_urls["incidents"], "incident"):
            lines = ["POST /graphql HTTP/1.1", "host: x", f"content-length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall("\r\n".join([*lines, "", ""]).encode() + body)
                await _until(postgres_urls["incidents"], 1)
            await _until(postgres_urls["incidents"], 0)
        answer = await asyncio.to_thread(httpx.post, server.url, content=body, headers=headers, timeout=30)
        assert answer.json() == {"data": {"report": {"number": number}}}
        assert "Traceback" not in server.log.read_text()


async def _until(url: str, count: int) -> None:
    """Waits until so many statements wait for a lock: long before their own deadline."""
    connection = await asyncpg.connect(plain(url))
    try:
        deadline = time.monotonic() + 20
        while await connection.fetchval(WAITING) != count:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
    finally:
        await connection.close()

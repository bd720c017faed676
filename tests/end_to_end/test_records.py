"""Each access passes one place before its answer leaves: once for an operation, once for each change of a stream."""

import json
from pathlib import Path
from typing import Any

import httpx

from sources.demo.loading import SqliteFiles
from support.back_ends import change_of, loaded, reported, write
from support.houses import document
from support.servers import Server, serving
from support.sockets import connected


def records(server: Server) -> list[dict[str, Any]]:
    """What was recorded since the start, without the time."""
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    kept = ("operation", "kind", "role", "purpose", "viewers")
    return [{name: line[name] for name in kept} for line in lines if line["event"] == "answered"]


async def test_each_operation_and_each_change_is_recorded_once(tmp_path: Path) -> None:
    urls = loaded(SqliteFiles(tmp_path))
    number, bsn = await reported(urls)
    with serving(urls, tmp_path, OMNILOKET_LOG_LEVEL="debug") as server:
        headers = {"authorization": f"Bearer {server.agent}", "omniloket-purpose": "intake"}
        for query in ("query Asked { contacts(first: 1) { totalCount } }", "query Refused { nothing }"):
            httpx.post(server.url, json={"query": query}, headers=headers, timeout=30)
        asked = {"operation": "Asked", "kind": "query", "role": "AGENT", "purpose": "intake", "viewers": 1}
        assert records(server) == [asked]
        async with connected(server, server.citizen(bsn)) as socket:
            await socket.subscribe("a", document("live-status"), number=number)
            assert await socket.silent(0.5)
            assert records(server) == [asked]
            shown = {
                "operation": "LiveStatus",
                "kind": "subscription",
                "role": "CITIZEN",
                "purpose": None,
                "viewers": 1,
            }
            for count, status in enumerate(("OPSP", "WACH"), start=1):
                await write(urls["incidents"], *change_of(number, status))
                await socket.event("a")
                assert records(server) == [asked, *[shown] * count]
            await socket.subscribe("b", "query OverTheSocket { __typename }")
            await socket.event("b")
            assert records(server)[-1] == {**shown, "operation": "OverTheSocket", "kind": "query"}
        assert bsn not in server.log.read_text()

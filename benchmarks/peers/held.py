"""Connections to one database that are held, each with its statements prepared: asyncpg at its fastest."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg

CONNECTIONS = 4
"""To each database, as many as benchmarks/compare.py lets Omniloket have."""


class Held:
    """A database by its URL, and all that is ever asked of it. Who asks waits for a connection of its own."""

    def __init__(self, url: str, *statements: str) -> None:
        self._url = url.replace("postgresql+asyncpg://", "postgresql://")
        self._statements = statements
        self._free: asyncio.LifoQueue[dict[str, Any]] = asyncio.LifoQueue()

    async def open(self) -> None:
        for _ in range(CONNECTIONS):
            connection: Any = await asyncpg.connect(self._url)
            self._free.put_nowait({text: await connection.prepare(text) for text in self._statements})

    async def fetch(self, statement: str, argument: object) -> Sequence[Any]:
        prepared = await self._free.get()
        try:
            return await prepared[statement].fetch(argument)
        finally:
            self._free.put_nowait(prepared)

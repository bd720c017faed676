"""Writers as registers have them: slow, of two minds, and in no order that their serials would tell."""

import asyncio
from contextlib import ExitStack, suppress
from random import Random
from typing import Any
from uuid import uuid4

import asyncpg

from support.postgres import plain

_CUT = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class UnrulyWriters:
    """Adds rows to a log, each by one `insert` that gives its serial, until so many have stayed: `kept`.

    Between a row and its commit lies a random while. Some rows are written in savepoints, some of which are rolled
    back, as are some transactions; some are prepared first, and committed or rolled back by another connection. A
    server that goes away is waited for; whether what it was told last has stayed, only the log itself knows.
    """

    def __init__(self, url: str, insert: str, *, rows: int, seed: int, writers: int = 8, pause: float = 0.01) -> None:
        self.kept: set[int] = set()
        self._url = plain(url)
        self._insert = insert
        self._rows = rows
        self._writers = writers
        self._pause = pause
        self._random = Random(seed)

    async def run(self) -> None:
        await asyncio.gather(*(self._write() for _ in range(self._writers)))
        connection = await asyncpg.connect(self._url)
        for row in await connection.fetch("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"):
            await connection.execute(f"COMMIT PREPARED '{row['gid']}'")
        await connection.close()

    async def _write(self) -> None:
        while len(self.kept) < self._rows:
            with suppress(*_CUT):
                await self._write_until_cut()
            await asyncio.sleep(self._pause)

    async def _write_until_cut(self) -> None:
        with ExitStack() as closing:
            writing = await asyncpg.connect(self._url)
            closing.callback(writing.terminate)
            ending = await asyncpg.connect(self._url)
            closing.callback(ending.terminate)
            while len(self.kept) < self._rows:
                await self._transaction(writing, ending)

    async def _transaction(self, writing: Any, ending: Any) -> None:
        await writing.execute("BEGIN")
        written: set[int] = set()
        for _ in range(self._random.choice([1, 1, 1, 2, 5])):
            if self._random.random() < 0.5:
                written.add(await writing.fetchval(self._insert))
            else:
                written |= await self._savepoint(writing)
            await self._wait()
        if self._random.random() < 0.2:
            name = uuid4().hex
            await writing.execute(f"PREPARE TRANSACTION '{name}'")
            await self._wait()
            stays = self._random.random() < 0.7
            await ending.execute(f"{'COMMIT' if stays else 'ROLLBACK'} PREPARED '{name}'")
        else:
            stays = self._random.random() < 0.8
            await writing.execute("COMMIT" if stays else "ROLLBACK")
        if stays:
            self.kept |= written

    async def _savepoint(self, writing: Any) -> set[int]:
        await writing.execute("SAVEPOINT mind")
        serial = await writing.fetchval(self._insert)
        await self._wait()
        if self._random.random() < 0.7:
            await writing.execute("RELEASE mind")
            return {serial}
        await writing.execute("ROLLBACK TO mind")
        return set()

    async def _wait(self) -> None:
        await asyncio.sleep(self._random.random() * self._pause)

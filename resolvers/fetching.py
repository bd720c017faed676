"""Records by key for one operation: each fetched once, however many branches of the answer want it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from sources.records import Key

R = TypeVar("R")

Found = Mapping[Key, R | BaseException | None]


class Fetching(Generic[R]):
    """The records of one collection. Keys that are asked for in one turn of the loop travel together.

    `fetch` gives a record, None or an error for each of several keys; what it raises is the error of each.
    """

    def __init__(self, fetch: Callable[[Sequence[Key]], Awaitable[Sequence[R | BaseException | None]]]) -> None:
        self._fetch = fetch
        self._under_way: dict[Key, asyncio.Task[Found[R]]] = {}
        self._gathering: dict[Key, None] = {}
        self._next: asyncio.Task[Found[R]]

    async def records(self, keys: Sequence[Key | None]) -> list[R | BaseException | None]:
        """The record of each key; no key gives None, and one whose source failed the failure."""
        wanted = dict.fromkeys(key for key in keys if key is not None)
        missing = [key for key in wanted if key not in self._under_way]
        if missing:
            self._add(missing)
        found: dict[Key, R | BaseException | None] = {}
        for task in dict.fromkeys(self._under_way[key] for key in wanted):
            found.update(await task)
        return [None if key is None else found[key] for key in keys]

    def _add(self, missing: Sequence[Key]) -> None:
        if not self._gathering:
            self._next = asyncio.create_task(self._run())
        self._gathering.update(dict.fromkeys(missing))
        self._under_way.update(dict.fromkeys(missing, self._next))

    async def _run(self) -> Found[R]:
        await asyncio.sleep(0)
        keys, self._gathering = list(self._gathering), {}
        try:
            return dict(zip(keys, await self._fetch(keys), strict=True))
        except Exception as error:
            return dict.fromkeys(keys, error)

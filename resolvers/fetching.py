"""Records by key for one operation: each fetched once, however many branches of the answer want it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar, cast

from sources.records import Key

R = TypeVar("R")


class Fetching(Generic[R]):
    """The records of one collection. Keys that are asked for in one turn of the loop travel together.

    `fetch` gives a record, None or an error for each of several keys; what it raises is the error of each.
    """

    def __init__(self, fetch: Callable[[Sequence[Key]], Awaitable[Sequence[R | BaseException | None]]]) -> None:
        self._fetch = fetch
        self._found: dict[Key | None, R | BaseException | None] = {None: None}
        self._under_way: dict[Key | None, asyncio.Future[None]] = {}
        self._gathering: dict[Key | None, None] = {}
        self._next: asyncio.Future[None]

    def learn(self, records: Mapping[Key, R]) -> None:
        """Keeps records that were found in another way: they need not be fetched."""
        self._found.update(cast("Mapping[Key | None, R]", records))

    async def records(self, keys: Sequence[Key | None]) -> list[R | BaseException | None]:
        """The record of each key; no key gives None, and one whose source failed the failure."""
        found = self._found
        unknown = [key for key in dict.fromkeys(keys) if key not in found]
        if unknown:
            await self._look_for(unknown)
        return list(map(found.__getitem__, keys))

    async def _look_for(self, unknown: Sequence[Key | None]) -> None:
        """Who is the first to ask in a turn of the loop makes the call for all who do; the others wait for it."""
        asked = {self._under_way[key] for key in unknown if key in self._under_way}
        missing = [key for key in unknown if key not in self._under_way]
        if missing and self._gathering:
            self._gather(missing)
            asked.add(self._next)
        elif missing:
            await self._call(missing)
        for each in asked:
            await each

    async def _call(self, missing: Iterable[Key | None]) -> None:
        called = self._next = asyncio.get_running_loop().create_future()
        self._gather(missing)
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # tasks that were only made in this turn ask in the next
            keys, self._gathering = cast("list[Key]", list(self._gathering)), {}
            self._found.update(await self._answers(keys))
        except BaseException:
            called.cancel()
            raise
        called.set_result(None)

    def _gather(self, missing: Iterable[Key | None]) -> None:
        for key in missing:
            self._gathering[key] = None
            self._under_way[key] = self._next

    async def _answers(self, keys: Sequence[Key]) -> Mapping[Key | None, R | BaseException | None]:
        try:
            return dict(zip(keys, await self._fetch(keys), strict=True))
        except Exception as error:
            return cast("Mapping[Key | None, BaseException]", dict.fromkeys(keys, error))

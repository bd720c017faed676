"""Resting between two readings of logs: for some seconds, or until a wake-up."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from typing import Any

from sources.ports import Log

GATHER_SECONDS = 0.02
"""How long a wake-up waits for more of its kind, so that a burst of changes costs few readings."""


class Rest:
    """The rest of one who follows some logs; a context, within which it is woken."""

    def __init__(self, logs: Iterable[Log[Any]], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._wake_ups = {id(log.wake_ups): log.wake_ups for log in logs if log.wake_ups is not None}
        self._sleep = sleep
        self._woken = asyncio.Event()
        self._leaving = ExitStack()

    def __enter__(self) -> "Rest":
        for each in self._wake_ups.values():
            self._leaving.enter_context(each.heard(self._woken))
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.close()

    async def take(self, seconds: float) -> None:
        """Rests for so long at most. A wake-up since the rest before ends it at once."""
        sleeping = asyncio.ensure_future(self._sleep(seconds))
        waking = asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait([sleeping, waking], return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()
        if sleeping.done():
            sleeping.result()
        if self._woken.is_set():
            await self._sleep(GATHER_SECONDS)
        self._woken.clear()

"""Streams: what every transport serves of a subscription: an answer for each event, as bytes ready to leave."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson

from engine.executor import Executor, Prepared

MakeContext = Callable[[], Awaitable[object]]
"""A fresh context for one operation or event; raises when the connection's rights have ended."""


@dataclass(frozen=True)
class Payload:
    """One event's answer as JSON. `cursor`: the position to resume after, where the event has one."""

    json: bytes
    cursor: str | None


class Streams:
    """Opens streams. `record` is awaited for each event before its answer leaves, with the context it was made in."""

    def __init__(self, executor: Executor, record: Callable[[Prepared, object], Awaitable[None]]) -> None:
        self._executor = executor
        self._record = record

    async def open(
        self, prepared: Prepared, variables: Mapping[str, Any], make_context: MakeContext
    ) -> AsyncGenerator[Payload, None]:
        """A payload for each event. Raises RequestRefused before the first, and StreamFailed, as the executor does."""
        contexts = _Contexts(make_context)
        async with aclosing(self._executor.subscribe(prepared, variables, contexts.make)) as answers:
            async for answer in answers:
                await self._record(prepared, contexts.latest)
                yield Payload(orjson.dumps(answer.response), getattr(answer.event, "cursor", None))


class _Contexts:
    """Makes the contexts of one stream, and remembers the one that its latest answer was made in."""

    def __init__(self, make_context: MakeContext) -> None:
        self._make_context = make_context
        self.latest: object = None

    async def make(self) -> object:
        self.latest = await self._make_context()
        return self.latest

"""Whether a server is ready for more, as `/readyz` tells whoever sends clients to it."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sources.ports import BackEnd

READY_SECONDS = 1.0
"""How long the answer about readiness holds, so that asking often is no flood of statements."""


class Readiness:
    """A server is ready when every source that is `required` answers, and the server does not stop."""

    def __init__(
        self,
        back_ends: Sequence[BackEnd],
        required: Collection[str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.is_stopping = False
        self._back_ends = back_ends
        self._required = required
        self._clock = clock
        self._looked_at = -math.inf
        self._looking: asyncio.Future[Mapping[str, str]] | None = None

    async def readyz(self, _request: Request) -> Response:
        """How each source is, and whether that will do: 200 or 503."""
        sources = await self._sources()
        ready = not self.is_stopping and all(sources[name] == "good" for name in self._required)
        return JSONResponse({"ready": ready, "stopping": self.is_stopping, "sources": sources}, 200 if ready else 503)

    def _sources(self) -> Awaitable[Mapping[str, str]]:
        """Of those who ask at the same time, or soon after each other, one alone has the sources asked."""
        now = self._clock()
        if self._looking is None or now >= self._looked_at + READY_SECONDS:
            self._looked_at, self._looking = now, asyncio.ensure_future(self._look())
        return asyncio.shield(self._looking)

    async def _look(self) -> Mapping[str, str]:
        """How each source is: a question that waits two seconds at most."""
        found = await asyncio.gather(*(back_end.health() for back_end in self._back_ends))
        return {health.source: "good" if health.available else "unavailable" for health in found}

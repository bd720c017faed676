"""Whether a server is ready, without asking its sources more often than is good for them."""

import asyncio
from typing import Any

import orjson

from omniloket.readiness import READY_SECONDS, Readiness
from sources.memory import MemoryBackEnd
from sources.ports import Health


class Source(MemoryBackEnd):
    """One that answers or does not, and counts who asks."""

    def __init__(self, name: str, *, available: bool = True) -> None:
        super().__init__(name, ())
        self.available = available
        self.asked = 0

    async def health(self) -> Health:
        self.asked += 1
        return Health(self.name, available=self.available, latency_ms=None)


async def answer(readiness: Readiness) -> tuple[int, Any]:
    request: Any = None
    response = await readiness.readyz(request)
    return response.status_code, orjson.loads(bytes(response.body))


async def test_it_takes_the_required_sources_alone_and_tells_of_all() -> None:
    sources = [Source("persons"), Source("journeys", available=False)]
    told = {"persons": "good", "journeys": "unavailable"}
    ready = {"ready": True, "stopping": False, "sources": told}
    assert await answer(Readiness(sources, ["persons"])) == (200, ready)
    assert await answer(Readiness(sources, ["persons", "journeys"])) == (503, {**ready, "ready": False})


async def test_those_who_ask_soon_after_each_other_share_one_look() -> None:
    now, source = 0.0, Source("persons")
    readiness = Readiness([source], ["persons"], clock=lambda: now)
    await asyncio.gather(*(answer(readiness) for _ in range(10)))
    now = READY_SECONDS - 0.01
    source.available = False
    assert (await answer(readiness))[0] == 200
    assert source.asked == 1
    now = READY_SECONDS
    assert (await answer(readiness))[0] == 503
    assert source.asked == 2


async def test_a_server_that_stops_is_not_ready() -> None:
    readiness = Readiness([Source("persons")], ["persons"])
    readiness.is_stopping = True
    assert await answer(readiness) == (503, {"ready": False, "stopping": True, "sources": {"persons": "good"}})

"""A register that writes while clients follow it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import httpx

from support.back_ends import change_of, write
from support.servers import Server

PAUSE_SECONDS = 0.05


async def written(url: str, number: str, count: int, before: Mapping[int, Callable[[], Awaitable[None]]]) -> list[str]:
    """The instants of the changes that the register writes, one after the other. `before`: what comes before some."""
    for change in range(count):
        if change in before:
            await before[change]()
        await write(url, *change_of(number, "OPSP", f"2026-11-02 10:{change // 60:02}:{change % 60:02}.000000"))
        await asyncio.sleep(PAUSE_SECONDS)
    return [f"2026-11-02T09:{change // 60:02}:{change % 60:02}Z" for change in range(count)]


async def live_cursor(server: Server) -> str:
    """Where the logs end now."""
    headers = {"authorization": f"Bearer {server.agent}", "omniloket-purpose": "intake"}
    async with httpx.AsyncClient() as client:
        answer = await client.post(server.url, json={"query": "{ liveCursor }"}, headers=headers)
    return answer.json()["data"]["liveCursor"]

"""Work that goes on as long as the process serves, and that nothing may end."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

AGAIN_SECONDS = 1.0

log = structlog.get_logger("omniloket")


@asynccontextmanager
async def kept(*works: Callable[[], Awaitable[None]]) -> AsyncGenerator[None]:
    """Each in a task of its own; one that fails is told of, and begun again."""
    tasks = [asyncio.create_task(_keep(work)) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception as error:  # of whatever kind: nobody else would begin it again
            _tell(error)
        await asyncio.sleep(AGAIN_SECONDS)


def _tell(error: Exception) -> None:
    try:
        log.error("work in the background failed, and begins again", error=error)
    except OSError:  # nobody reads the log any more, which may be what failed
        return

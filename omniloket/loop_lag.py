"""How late the event loop is: what one piece of work holds up, all others wait for."""

import asyncio
from collections.abc import Callable

LOOK_SECONDS = 0.1


async def watch(observe: Callable[[float], object]) -> None:
    """Tells how many seconds late a timer was, ten times a second, as long as it runs."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOK_SECONDS
        await asyncio.sleep(LOOK_SECONDS)
        observe(max(0.0, loop.time() - due))

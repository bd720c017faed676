"""What goes on in the background goes on."""

import asyncio

import pytest

from omniloket import keeping
from omniloket.keeping import kept


async def test_what_fails_is_begun_again_and_what_is_left_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "AGAIN_SECONDS", 0.001)
    begun = ended = 0
    third = asyncio.Event()

    async def work() -> None:
        nonlocal begun, ended
        begun += 1
        if begun < 3:
            raise BrokenPipeError
        third.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended += 1

    async with kept(work), asyncio.timeout(10):
        await third.wait()
    assert (begun, ended) == (3, 1)

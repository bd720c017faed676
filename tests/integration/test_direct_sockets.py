"""What comes over a socket, below the level of messages, is read so that others have their turn."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from websockets.frames import Frame, Opcode

from omniloket.direct_sockets import SLICE_BYTES, DirectSockets
from support.sockets import HANDSHAKE

SHORT, LONG = Frame(Opcode.TEXT, b"x").serialize(mask=True), Frame(Opcode.TEXT, b"y" * 100_000).serialize(mask=True)
LAST = Frame(Opcode.TEXT, b"end").serialize(mask=True)


class Watched(DirectSockets):
    """Counts what is read of a socket in each turn of the loop."""

    turn = 0
    in_a_turn: Counter[int]

    def handle_text(self, event: Frame) -> None:
        self.in_a_turn[type(self).turn] += 1
        super().handle_text(event)


@asynccontextmanager
async def _listening(received: list[str], may_read: asyncio.Event) -> AsyncIterator[int]:
    """A server that takes what comes once it may, to the last; its port."""

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await may_read.wait()
        while (message := await receive())["type"] == "websocket.receive":
            received.append(message["text"])
            if message["text"] == "end":
                await send({"type": "websocket.close"})

    config = uvicorn.Config(application, ws=Watched, lifespan="off", log_config=None, port=0, ws_ping_interval=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def _count_turns() -> None:
    while True:
        Watched.turn += 1
        await asyncio.sleep(0)


@pytest.mark.parametrize("is_read_at_once", [True, False])
async def test_much_that_comes_at_once_is_read_in_many_turns(is_read_at_once: bool) -> None:
    """And all of it, in its order, also where the application begins to read later than it comes."""
    Watched.in_a_turn = Counter()
    received: list[str] = []
    may_read = asyncio.Event()
    sent = [SHORT] * 3_000 + [LONG] + [SHORT] * 500 + [LONG, LAST]
    counting = asyncio.create_task(_count_turns())
    async with asyncio.timeout(60), _listening(received, may_read) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HANDSHAKE + b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"".join(sent))
        if is_read_at_once:
            may_read.set()
        else:
            await asyncio.sleep(0.2)
            assert sum(Watched.in_a_turn.values()) <= SLICE_BYTES // len(SHORT) + 1  # no more than wait for it
            may_read.set()
        assert await reader.read(2) == b"\x88\x02"  # a close frame
        writer.close()
    counting.cancel()
    assert received == ["x"] * 3_000 + ["y" * 100_000] + ["x"] * 500 + ["y" * 100_000, "end"]
    assert max(Watched.in_a_turn.values()) <= SLICE_BYTES // len(SHORT) + 1

"""A client that does not read its answer does not hold it for ever."""

import asyncio
from typing import Any

import uvicorn

from omniloket.bounds import Bounds
from omniloket.http_connection import BOUNDS, BoundedConnection


async def test_an_answer_that_nobody_reads_is_given_up() -> None:
    given_up = asyncio.Event()

    async def more_than_buffers_hold(scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            scope["state"][BOUNDS] = Bounds(unread_seconds=0.2)
            await send({"type": "lifespan.startup.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
        given_up.set()

    config = uvicorn.Config(more_than_buffers_hold, http=BoundedConnection, lifespan="on", log_config=None, port=0)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await asyncio.wait_for(given_up.wait(), 10)
    writer.close()
    server.should_exit = True
    await serving

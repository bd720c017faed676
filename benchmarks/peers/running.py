"""How every peer is served: one process of the same ASGI server as Omniloket's, on a free port of loopback."""

import gc
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Answer = Callable[[str, bytes], Awaitable[bytes]]
"""From the path and the body of a request to the body of the response."""

_HEADERS = (b"content-type", b"application/json")


def serve(answer: Answer, start: Callable[[], Awaitable[None]] | None = None) -> None:
    """Serves until it is told to stop; `start` runs once before the first request."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send, start)
        elif scope["type"] == "http":
            body = await answer(scope["path"], await _body(receive))
            headers = [_HEADERS, (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    uvicorn.run(application, port=0, loop="uvloop", http="httptools", ws="none", access_log=False, server_header=False)


def tune_collector() -> None:
    """Leaves what lives as long as the process alone, and looks for new cycles seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


async def _live(receive: Receive, send: Send, start: Callable[[], Awaitable[None]] | None) -> None:
    await receive()
    if start is not None:
        await start()
    tune_collector()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body = message["body"]
    while message["more_body"]:
        message = await receive()
        body += message["body"]
    return body

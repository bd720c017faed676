"""A socket whose client does not read: it is not listened to, whatever it goes on to ask."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import strawberry
from starlette.websockets import WebSocket

from engine.executor import Executor
from subscriptions.socket import SUBPROTOCOL, SocketLimits, SocketProtocol
from subscriptions.streams import MakeContext, Streams

MOST = 5


@strawberry.type
class Query:
    one: int = 1


async def nothing(*_: object) -> None:
    """No context, and nothing to do before an operation."""


async def connect(_websocket: WebSocket, _payload: Mapping[str, Any]) -> MakeContext:
    return nothing


async def test_answers_that_nobody_reads_do_not_pile_up() -> None:
    executor = Executor(strawberry.Schema(Query)._schema, encode_error=lambda _: ("", {}))
    protocol = SocketProtocol(
        executor, Streams(executor, nothing), connect, nothing, nothing, SocketLimits(operations=MOST)
    )
    heard = 0

    async def messages() -> AsyncIterator[dict[str, Any]]:
        nonlocal heard
        yield {"type": "websocket.connect"}
        yield {"type": "websocket.receive", "text": '{"type": "connection_init"}'}
        for heard in range(1000):
            asked = {"id": str(heard), "type": "subscribe", "payload": {"query": "{ nonsense }"}}
            yield {"type": "websocket.receive", "text": json.dumps(asked)}
            await asyncio.sleep(0)

    async def send(message: Any) -> None:
        if "error" in message.get("text", ""):
            await asyncio.Event().wait()

    receive = messages().__aiter__().__anext__
    scope = {"type": "websocket", "headers": [], "subprotocols": [SUBPROTOCOL]}
    serving = asyncio.create_task(protocol.serve(WebSocket(scope, receive, send)))
    for _ in range(10_000):
        await asyncio.sleep(0)
    assert not serving.done()
    assert heard <= MOST + 1
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)

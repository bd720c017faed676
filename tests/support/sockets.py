"""A client of graphql-transport-ws, as thin as can be: it answers pings while it waits for something else."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import websockets

from support.servers import Server

SUBPROTOCOL = "graphql-transport-ws"

HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n"
)
"""The head of a handshake as it is written, without the blank line that ends it: more headers may follow."""


class Socket:
    """A socket whose messages are told apart by operation."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    async def send(self, message: Any) -> None:
        await self.raw.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def receive(self, timeout: float = 10) -> Any:
        async with asyncio.timeout(timeout):
            while (message := json.loads(await self.raw.recv())) == {"type": "ping"}:
                await self.send({"type": "pong"})
        return message

    async def subscribe(self, operation: str, query: str, **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        await self.send({"id": operation, "type": "subscribe", "payload": payload})

    async def event(self, operation: str, timeout: float = 10) -> Any:
        """The payload of the next `next` message, which must be this operation's."""
        message = await self.receive(timeout)
        assert (message["type"], message["id"]) == ("next", operation), message
        return message["payload"]

    async def errors(self, operation: str) -> list[str]:
        """The codes of the `error` message that must come next."""
        message = await self.receive()
        assert (message["type"], message["id"]) == ("error", operation), message
        return [error["extensions"]["code"] for error in message["payload"]]

    async def silent(self, seconds: float = 0.7) -> bool:
        """Whether nothing comes for a while."""
        try:
            await self.receive(seconds)
        except TimeoutError:
            return True
        return False

    async def closed(self) -> tuple[int, str]:
        """The code and reason with which the server closes, whatever else it says before."""
        async with asyncio.timeout(10):
            with suppress(websockets.ConnectionClosed):
                while True:
                    await self.receive()
        return self.raw.close_code, self.raw.close_reason


@asynccontextmanager
async def connected(server: Server, token: str | None = None, **options: Any) -> AsyncIterator[Socket]:
    """A socket that has been acknowledged."""
    async with bare(server, **options) as socket:
        payload = {"Authorization": f"Bearer {token}", "Omniloket-Purpose": "intake"} if token else {}
        await socket.send({"type": "connection_init", "payload": payload})
        assert await socket.receive() == {"type": "connection_ack"}
        yield socket


@asynccontextmanager
async def bare(server: Server, subprotocols: list[Any] | None = None, **options: Any) -> AsyncIterator[Socket]:
    """A socket that has said nothing yet."""
    offered = [SUBPROTOCOL] if subprotocols is None else subprotocols
    async with websockets.connect(server.socket_url, subprotocols=offered or None, max_size=None, **options) as raw:
        yield Socket(raw)

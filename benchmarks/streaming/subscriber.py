"""A client of graphql-transport-ws that costs little: prepared bytes out, and of what comes in no more than it needs.

Its frames are masked with zeros, so that they say what they hold: nobody stands between the two who could be fooled.
"""

import asyncio
import time
from typing import Any, cast

TEXT, PING, PONG = 0x81, 0x89, 0x8A

_HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
_AT = b'"at":"'
_INSTANT = len("2026-11-02T09:00:00Z")


def frame(opcode: int, content: bytes) -> bytes:
    """A frame as a client sends it."""
    size = len(content)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([opcode]) + length + bytes(4) + content


class Arrivals:
    """What arrives at all subscribers: how much, and how long after the change was committed, in seconds."""

    def __init__(self) -> None:
        self.committed: dict[bytes, float] = {}
        self.latencies: list[float] = []
        self.count = 0
        self.others: list[bytes] = []

    def forget(self) -> None:
        self.latencies, self.count = [], 0

    def event(self, at: bytes) -> None:
        self.count += 1
        committed = self.committed.get(at)
        # What is here before its writer has heard that it is committed, took no time.
        self.latencies.append(0.0 if committed is None else time.perf_counter() - committed)


class Subscriber(asyncio.Protocol):
    """One socket with one operation."""

    def __init__(self, introduction: bytes, subscription: bytes, arrivals: Arrivals) -> None:
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._introduction = introduction
        self._subscription = subscription
        self._arrivals = arrivals
        self._buffer = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(_HANDSHAKE)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.subscribed.done():
            self.subscribed.set_exception(ConnectionError(f"the server hung up: {exc} {self._buffer!r}"))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        if not self._is_open:
            head, end, buffer = buffer.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            self._is_open = True
            self.transport.write(self._introduction)
        self._buffer = self._frames(buffer)

    def _frames(self, buffer: bytes) -> bytes:
        """Takes the frames that are complete; what is left."""
        start, size = 0, len(buffer)
        while size - start >= 2:
            length, begin = buffer[start + 1], start + 2
            if length == 126:
                length, begin = int.from_bytes(buffer[start + 2 : start + 4], "big"), start + 4
            if size < begin + length:
                break
            self._take(buffer[start], buffer[begin : begin + length])
            start = begin + length
        return buffer[start:]

    def _take(self, opcode: int, content: bytes) -> None:
        place = content.find(_AT)
        if place >= 0:
            self._arrivals.event(content[place + len(_AT) : place + len(_AT) + _INSTANT])
        elif opcode == PING:
            self.transport.write(frame(PONG, content))
        elif b'"connection_ack"' in content:
            self.transport.write(self._subscription)
            self.subscribed.set_result(None)
        elif b'"ping"' in content:
            self.transport.write(frame(TEXT, b'{"type":"pong"}'))
        else:
            self._arrivals.others.append(content)


async def connected(
    port: int, introduction: bytes, subscriptions: list[bytes], arrivals: Arrivals, at_a_time: int = 100
) -> list[Subscriber]:
    """A subscriber for each of these operations, each on a socket of its own."""
    found: list[Subscriber] = []
    for start in range(0, len(subscriptions), at_a_time):
        made = await asyncio.gather(
            *(_connected(port, introduction, each, arrivals) for each in subscriptions[start : start + at_a_time])
        )
        found += made
    return found


async def _connected(port: int, introduction: bytes, subscription: bytes, arrivals: Arrivals) -> Subscriber:
    _, made = await asyncio.get_running_loop().create_connection(
        lambda: Subscriber(introduction, subscription, arrivals), "127.0.0.1", port
    )
    subscriber: Any = made
    await subscriber.subscribed
    return subscriber

"""Floods over WebSockets: whatever a peer may send without end, as fast as the server takes it."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import orjson
import uvloop
from websockets.frames import Frame, Opcode

_HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
)
_FRAMES, _FRAGMENTS, _MESSAGES, _OBJECTS, _DOCUMENTS = 10_000, 900, 3_000, 30_000, 200


@dataclass(frozen=True)
class Poured:
    """What became of the sockets of a flood, with how often, and the MiB that the server took in a second."""

    outcomes: tuple[tuple[str, int], ...]
    mib_per_second: float


def kinds() -> Mapping[str, bytes]:
    """By name; each is sent again and again."""
    pong = b'{"type":"pong"}'
    parts = [_frame(Opcode.TEXT, fin=False), *[_frame(Opcode.CONT, fin=False)] * _FRAGMENTS, _frame(Opcode.CONT, pong)]
    much = orjson.dumps({"type": "ping", "payload": {"x": [{}] * _OBJECTS}})
    return {
        "pings of WebSocket, empty": _frame(Opcode.PING) * _FRAMES,
        "pongs of WebSocket, empty": _frame(Opcode.PONG) * _FRAMES,
        "messages in 900 frames": b"".join(parts) * 10,
        "messages of 15 bytes": _frame(Opcode.TEXT, pong) * _MESSAGES,
        "pings with 30,000 objects": _frame(Opcode.TEXT, much),
        "operations that are not valid": b"".join(_nonsense(number) for number in range(_DOCUMENTS)),
    }


def pour(port: int, kind: str, token: str, address: str, connections: int, seconds: float) -> Poured:
    """Sends over some sockets, each opened anew when the server closes it."""
    return uvloop.run(_pour(port, kinds()[kind], token, address, connections, seconds))


async def _pour(port: int, sent: bytes, token: str, address: str, connections: int, seconds: float) -> Poured:
    outcomes: Counter[str] = Counter()
    end = time.perf_counter() + seconds
    taken = await asyncio.gather(*(_fill(port, sent, token, address, end, outcomes) for _ in range(connections)))
    return Poured(tuple(outcomes.most_common()), sum(taken) / seconds / 2**20)


async def _fill(port: int, sent: bytes, token: str, address: str, end: float, outcomes: Counter[str]) -> int:
    taken = 0
    while time.perf_counter() < end:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        writer.write(_HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_introduction(token))
        reading = asyncio.create_task(_read(reader))
        outcome = "closes"
        try:
            async with asyncio.timeout(end - time.perf_counter()):
                while not reading.done():
                    writer.write(sent)
                    await writer.drain()
                    taken += len(sent)
                    await asyncio.sleep(0)
        except TimeoutError:
            outcome = "waits"
        except ConnectionError:
            pass
        outcomes[outcome] += 1
        writer.transport.abort()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    return taken


async def _read(reader: asyncio.StreamReader) -> None:
    """Reads all there is, until the server closes."""
    with suppress(ConnectionError):
        while await reader.read(65_536):
            pass


def _introduction(token: str) -> bytes:
    return _frame(
        Opcode.TEXT, orjson.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
    )


def _nonsense(number: int) -> bytes:
    query = f"query N{number} {{ nonsense{number} }}"
    return _frame(Opcode.TEXT, orjson.dumps({"type": "subscribe", "id": f"{number}", "payload": {"query": query}}))


def _frame(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)

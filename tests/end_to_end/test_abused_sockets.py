"""WebSockets below the level of messages: handshakes that are none, and frames that no client of good will sends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.frames import Frame, Opcode

from support.servers import Server

HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n"
)
PINGS, PAYLOAD = 160_000, b"x" * 120


def _frame(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


@asynccontextmanager
async def opened(server: Server, sent: bytes) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=PINGS * 200)
        writer.write(sent)
        yield reader, writer
        writer.close()


@pytest.mark.parametrize(
    ("padding", "status"),
    [
        (b"".join(b"x-%d: y\r\n" % number for number in range(130)), b"431"),
        (b"x: %b\r\n" % (b"y" * 9_000), b"431"),
        (b"Content-Length: 5\r\n", b"400"),
    ],
)
async def test_a_handshake_that_is_none_is_answered_and_its_connection_closed(
    server: Server, padding: bytes, status: bytes
) -> None:
    async with opened(server, HANDSHAKE + padding + b"\r\n") as (reader, _):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.count(b"HTTP/1.1") == 1


async def test_a_peer_that_reads_no_pongs_gets_no_more_than_buffers_hold(server: Server) -> None:
    async with opened(server, HANDSHAKE + b"\r\n") as (reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # pyright: ignore[reportAttributeAccessIssue] - a transport that reads as well
        pings = _frame(Opcode.PING, PAYLOAD) * 1_000
        for _ in range(PINGS // 1_000):
            writer.write(pings)
            await writer.drain()
        writer.transport.resume_reading()  # pyright: ignore[reportAttributeAccessIssue]
        await asyncio.sleep(1)  # until all that was kept has been read
        writer.write(_frame(Opcode.PING, b"the last one"))
        pongs = await reader.readuntil(b"the last one")
    assert pongs.count(PAYLOAD) < PINGS * 0.9


@pytest.mark.parametrize(("frames", "is_taken"), [(1_000, True), (1_001, False)])
async def test_a_message_comes_in_so_many_frames(server: Server, frames: int, is_taken: bool) -> None:
    message = b'{"type": "connection_init"}'
    parts = [_frame(Opcode.TEXT, message, fin=False), *[_frame(Opcode.CONT, fin=False)] * (frames - 2)]
    async with opened(server, HANDSHAKE + b"\r\n") as (reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"".join(parts) + _frame(Opcode.CONT))
        if is_taken:
            await reader.readuntil(b'{"type":"connection_ack"}')
        else:
            assert await reader.read() == Frame(Opcode.CLOSE, b"\x03\xf1more than 1000 frames").serialize(mask=False)


async def test_no_socket_is_opened_into_an_answer_that_is_under_way(server: Server) -> None:
    ask = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n"
    async with opened(server, ask + b'{"query": "{ __typename }"}' + HANDSHAKE + b"\r\n") as (reader, _):
        assert b"101" not in await reader.read()
    async with opened(server, ask + b'{"query": "{ __typename }"}') as (reader, writer):
        await reader.readuntil(b'{"data":{"__typename":"Query"}}')
        writer.write(HANDSHAKE + b"\r\n")
        assert b" 101 " in await reader.readline()

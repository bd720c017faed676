"""WebSockets below the level of messages: handshakes that are none, and frames that no client of good will sends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.frames import Frame, Opcode

from support.servers import Server
from support.sockets import HANDSHAKE


def _frame(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


@asynccontextmanager
async def opened(server: Server, sent: bytes) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**20)
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


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG])
async def test_a_peer_that_sends_signals_without_end_is_sent_away(server: Server, opcode: Opcode) -> None:
    """A hundred at once is the most that is taken."""
    async with opened(server, HANDSHAKE + b"\r\n") as (reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_frame(opcode, b"x") * 100 + _frame(Opcode.TEXT, b'{"type": "ping"}'))
        await reader.readuntil(b'{"type":"pong"}')
        writer.write(_frame(opcode, b"x") * 1_000)
        answers = await reader.read()
    pongs = Frame(Opcode.PONG, b"x").serialize(mask=False) * (answers.count(b"x") if opcode is Opcode.PING else 0)
    assert answers == pongs + Frame(Opcode.CLOSE, b"\x03\xf0too many frames").serialize(mask=False)
    assert answers.count(b"x") < 1_000


@pytest.mark.parametrize(("frames", "is_taken"), [(100, True), (101, False)])
async def test_a_message_comes_in_so_many_frames(server: Server, frames: int, is_taken: bool) -> None:
    message = b'{"type": "connection_init"}'
    parts = [_frame(Opcode.TEXT, message, fin=False), *[_frame(Opcode.CONT, fin=False)] * (frames - 2)]
    async with opened(server, HANDSHAKE + b"\r\n") as (reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"".join(parts) + _frame(Opcode.CONT))
        if is_taken:
            await reader.readuntil(b'{"type":"connection_ack"}')
        else:
            assert await reader.read() == Frame(Opcode.CLOSE, b"\x03\xf1more than 100 frames").serialize(mask=False)


async def test_no_socket_is_opened_into_an_answer_that_is_under_way(server: Server) -> None:
    ask = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n"
    async with opened(server, ask + b'{"query": "{ __typename }"}' + HANDSHAKE + b"\r\n") as (reader, _):
        assert b"101" not in await reader.read()
    async with opened(server, ask + b'{"query": "{ __typename }"}') as (reader, writer):
        await reader.readuntil(b'{"data":{"__typename":"Query"}}')
        writer.write(HANDSHAKE + b"\r\n")
        assert b" 101 " in await reader.readline()

"""A small TCP balancer, which can also cut what goes through it."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress


class Balancer:
    """Hands each connection to the next server that takes it."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.port = 0
        self._ports = deque(ports)
        self._transports: set[asyncio.WriteTransport] = set()
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        return len(self._transports) // 2

    def cut(self) -> None:
        """Breaks all connections off, as a tunnel does."""
        for transport in tuple(self._transports):
            transport.abort()

    async def close(self) -> None:
        self.cut()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            there_reader, there_writer = await self._next_server()
            ends = {writer.transport, there_writer.transport}
            self._transports |= ends
            try:
                await asyncio.gather(_pass_on(reader, there_writer), _pass_on(there_reader, writer))
            finally:
                self._transports -= ends
        writer.transport.abort()

    async def _next_server(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in range(len(self._ports)):
            self._ports.rotate(-1)
            with suppress(ConnectionRefusedError):
                return await asyncio.open_connection("127.0.0.1", self._ports[0])
        raise ConnectionRefusedError


@asynccontextmanager
async def balancing(*ports: int) -> AsyncGenerator[Balancer]:
    """A balancer before some servers, on a free port."""
    balancer = Balancer(ports)
    server = await asyncio.start_server(balancer.serve, "127.0.0.1", 0)
    balancer.port = server.sockets[0].getsockname()[1]
    try:
        yield balancer
    finally:
        server.close()
        await balancer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()

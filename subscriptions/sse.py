"""The event-stream form of answers: graphql-sse in its distinct connections mode, an HTTP response for each operation.

An event with a cursor has it as its id, so that a client which comes back says in `Last-Event-ID` where it was. Lines
end with LF, which every parser takes. A stream that ends without `complete` is to be resumed.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import orjson

from engine.executor import Executor
from engine.prepared import Prepared
from engine.responses import RequestRefused, Response, StreamFailed
from subscriptions.resuming import Resuming
from subscriptions.streams import MakeContext, Payload, Streams

HEARTBEAT = b":\n\n"
"""A comment, which shows that the connection is alive to both sides and all between them."""

STOPPING = b": this server stops, another goes on after the last id\n\n"
_COMPLETE = b"event: complete\ndata:\n\n"


def whole(answer: bytes) -> bytes:
    """An answer as a stream by itself."""
    return _next(answer) + _COMPLETE


def failure(errors: Sequence[Response]) -> bytes:
    """How a stream ends for a reason that coming back does not mend."""
    return whole(orjson.dumps({"errors": errors}))


class EventStreams:
    """Serves subscriptions as events. Silence never lasts longer than `heartbeat_seconds`."""

    def __init__(self, executor: Executor, streams: Streams, heartbeat_seconds: float) -> None:
        self._executor = executor
        self._streams = streams
        self._resuming = Resuming()
        self._heartbeat_seconds = heartbeat_seconds
        self._open: set[asyncio.Future[bytes]] = set()
        self._is_stopping = False

    async def open(
        self,
        prepared: Prepared,
        variables: Mapping[str, Any],
        last_event_id: str | None,
        make_context: MakeContext,
        is_certain: Callable[[], bool],
        ending: "asyncio.Future[bytes]",
    ) -> AsyncGenerator[bytes, None]:
        """The bytes of a stream; the first at once. It breaks off with those that become the result of `ending`."""
        self._open.add(ending)
        if self._is_stopping:
            end(ending, STOPPING)
        try:
            yield HEARTBEAT
            if last_event_id:
                prepared, variables = self._resuming.resumed(prepared, variables, last_event_id)
            async with aclosing(self._streams.open(prepared, variables, make_context, is_certain)) as payloads:
                async for frame in self._frames(payloads, ending):
                    yield frame
        except (RequestRefused, StreamFailed) as error:
            yield failure(error.errors)
        except Exception as error:
            yield failure([self._executor.encoded(error)])
        finally:
            self._open.discard(ending)

    def drain(self, seconds: float) -> None:
        """Ends every stream for the server's stop, spread over some seconds; also those that begin from now on."""
        self._is_stopping = True
        loop, count = asyncio.get_running_loop(), len(self._open)
        for number, ending in enumerate(self._open):
            loop.call_later(seconds * number / count, end, ending, STOPPING)

    async def _frames(
        self, payloads: AsyncGenerator[Payload, None], ending: "asyncio.Future[bytes]"
    ) -> AsyncGenerator[bytes, None]:
        coming = asyncio.ensure_future(anext(payloads, None))
        try:
            while True:
                await asyncio.wait(
                    {coming, ending}, timeout=self._heartbeat_seconds, return_when=asyncio.FIRST_COMPLETED
                )
                if ending.done():
                    yield ending.result()
                    return
                if not coming.done():
                    yield HEARTBEAT
                    continue
                payload = coming.result()
                if payload is None:
                    yield _COMPLETE
                    return
                yield _next(payload.json, payload.cursor)
                coming = asyncio.ensure_future(anext(payloads, None))
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


def end(ending: "asyncio.Future[bytes]", last: bytes) -> None:
    """Ends a stream with some bytes, unless it has ended already."""
    if not ending.done():
        ending.set_result(last)


def _next(answer: bytes, cursor: str | None = None) -> bytes:
    identified = b"" if cursor is None else b"id: %s\n" % cursor.encode()
    return b"%sevent: next\ndata: %s\n\n" % (identified, answer)

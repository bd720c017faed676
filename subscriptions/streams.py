"""Streams: what every transport serves of a subscription: an answer for each event, as bytes ready to leave."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

import orjson

from engine.prepared import Prepared
from subscriptions.member import Asked, MakeContext, Member
from subscriptions.sharing import Following, Reach, Sharing
from subscriptions.terms import Deliver, Payload

__all__ = ["MakeContext", "Payload", "Streams"]


def _never() -> bool:
    return False


class Streams:
    """Opens streams. Those that have enough in common are served together."""

    def __init__(self, sharing: Sharing) -> None:
        self.sharing = sharing

    async def serve(
        self,
        prepared: Prepared,
        variables: Mapping[str, Any],
        make_context: MakeContext,
        deliver: Deliver,
        is_certain: Callable[[], bool] = _never,
    ) -> None:
        """Hands a payload to `deliver` for each event, until the stream ends.

        `is_certain`: whether the rights of the connection hold, as far as can be told at once; where not, a context is
        made to find out. Raises RequestRefused before the first payload, and StreamFailed, as the executor does.
        """
        member = Member(Asked(prepared, variables, make_context, is_certain), deliver)
        joining = _Joining(self.sharing, member)
        try:
            await self._serve_alone(member, joining.make_context)
            await member.stay()
        finally:
            joining.release()
            self.sharing.leave(member)

    async def _serve_alone(self, member: Member, make_context: MakeContext) -> None:
        """What the client gets by itself: everything, or what it missed."""
        asked, sharing = member.asked, self.sharing
        async with aclosing(sharing.executor.subscribe(asked.prepared, asked.variables, make_context)) as answers:
            async for answer in answers:
                await sharing.terms.record(asked.prepared, asked.context, [asked.context])
                cursor, place = (getattr(answer.event, name, None) for name in ("cursor", "place"))
                await member.take(Payload(orjson.dumps(answer.response), cursor, place))

    async def open(
        self,
        prepared: Prepared,
        variables: Mapping[str, Any],
        make_context: MakeContext,
        is_certain: Callable[[], bool] = _never,
    ) -> AsyncGenerator[Payload, None]:
        """The same as a generator, whose client has taken a payload when it asks for the next."""
        table = _Table()
        serving = asyncio.create_task(self.serve(prepared, variables, make_context, table.put, is_certain))
        serving.add_done_callback(table.clear)
        try:
            while (payload := await table.next()) is not None:
                yield payload
            await serving
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


class _Joining:
    """The contexts of what a member gets alone. By the first, its stream can join a group."""

    def __init__(self, sharing: Sharing, member: Member) -> None:
        self.sharing = sharing
        self._member = member
        self.has_caught_up = member.has_caught_up
        self._held: Callable[[], None] | None = None

    async def make_context(self) -> Any:
        asked, terms = self._member.asked, self.sharing.terms
        if self._held is not None:
            await terms.pay(asked.prepared, asked.variables, asked.context)
            return await asked.make_context()
        context = await asked.make_context()
        self._held = terms.hold(asked.prepared, asked.variables, context)
        context.membership = self
        return context

    def release(self) -> None:
        if self._held is not None:
            self._held()

    async def join(self, following: Following, reach: Reach) -> None:
        await self.sharing.join(self._member, following, reach)


class _Table:
    """Where one payload lies until somebody takes it."""

    def __init__(self) -> None:
        self._payload: Payload | None = None
        self._taken: asyncio.Future[None] | None = None
        self._is_over = False
        self._changed = asyncio.Event()

    def put(self, payload: Payload) -> asyncio.Future[None]:
        """Done when the payload is taken. Cancelled, it is not there any more."""
        self._payload = payload
        self._taken = asyncio.get_running_loop().create_future()
        self._taken.add_done_callback(self._take_away)
        self._changed.set()
        return self._taken

    def clear(self, _serving: object) -> None:
        self._is_over = True
        self._changed.set()

    async def next(self) -> Payload | None:
        """The next payload, once there is one; None when nothing comes any more. The one before it is taken."""
        if self._taken is not None and not self._taken.done():
            self._taken.set_result(None)
            self._payload = None
        while self._payload is None and not self._is_over:
            self._changed.clear()
            await self._changed.wait()
        return self._payload

    def _take_away(self, taken: asyncio.Future[None]) -> None:
        if taken.cancelled():
            self._payload = None

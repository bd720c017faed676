"""A response that goes on: the events of one subscription, until either side ends it or the rights to it end."""

from collections.abc import AsyncGenerator, Mapping

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from omniloket.disconnects import WhileConnected
from omniloket.sessions import Session


class EventStreamResponse:
    """Sends frames as they come. When the client goes, they are asked for no more, and the session is closed."""

    def __init__(self, frames: AsyncGenerator[bytes, None], session: Session, headers: Mapping[str, str]) -> None:
        self._frames = frames
        self._session = session
        self.raw_headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with WhileConnected(receive, quick_seconds=0):
                await self._send(send)
        except ClientDisconnect:
            pass
        finally:
            await self._frames.aclose()
            self._session.close()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for frame in self._frames:
            await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

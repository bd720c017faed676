"""A server that stops lets nobody in any more, in the moment before its address is closed too."""

from typing import Any

from omniloket.app import application
from omniloket.socket_ends import STOP
from support.back_ends import Urls
from support.houses import settings
from support.sockets import SUBPROTOCOL

HANDSHAKE = {
    "type": "websocket",
    "path": "/graphql",
    "headers": [],
    "subprotocols": [SUBPROTOCOL],
    "extensions": {"websocket.http.response": {}},
}


async def test_a_handshake_during_the_stop_is_answered_with_503(sqlite_urls: Urls) -> None:
    answered: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        answered.append(message)

    app = application(settings(sqlite_urls))
    async with app.router.lifespan_context(app) as state:
        assert state is not None
        state[STOP]()
        state[STOP]()
        await app(dict(HANDSHAKE), receive, send)
    assert [message.get("status") for message in answered] == [503, None]

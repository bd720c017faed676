"""The least that an event can cost on this ASGI server: to each socket that wants it, the same bytes, made beforehand.

.venv/bin/python benchmarks/peers/constant_socket.py

Speaks as much of graphql-transport-ws as its client needs. POST /publish tells of changes of reports.
"""

from collections import defaultdict
from typing import Any

import orjson
import uvicorn

_FIELDS = '"change":{"status":"IN_INVESTIGATION","label":"In onderzoek","at":"%s"},"report":{"status":"CLOSED"}'
_NEXT = '{"id":"1","type":"next","payload":{"data":{"reportStatusChanged":{"cursor":"%s",' + _FIELDS + "}}}}"
_CURSOR = "x" * 60

sockets: dict[str, list[Any]] = defaultdict(list)


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await _converse(receive, send)
    elif scope["type"] == "http":
        await _publish(receive, send)


async def _converse(receive: Any, send: Any) -> None:
    number = ""
    while True:
        message = await receive()
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept", "subprotocol": "graphql-transport-ws"})
        elif message["type"] == "websocket.disconnect":
            break
        elif (given := orjson.loads(message["text"]))["type"] == "connection_init":
            await send({"type": "websocket.send", "text": '{"type":"connection_ack"}'})
        elif given["type"] == "subscribe":
            number = given["payload"]["variables"]["number"]
            sockets[number].append(send)
    sockets[number].remove(send)


async def _publish(receive: Any, send: Any) -> None:
    body, message = b"", {"more_body": True}
    while message["more_body"]:
        message = await receive()
        body += message["body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
    told = orjson.loads(body)
    text = _NEXT % (_CURSOR, told["at"])
    for number in told["numbers"]:
        for each in sockets[number]:
            await each({"type": "websocket.send", "text": text})


if __name__ == "__main__":
    uvicorn.run(
        application,
        port=0,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        timeout_keep_alive=300,
        access_log=False,
    )

"""A request that is malformed is refused over both transports, with the same words."""

from typing import Any

import httpx
import pytest

from support.servers import Server
from support.sockets import connected

FINE = "{ __typename }"
MISSING = "'query' is missing: the text of a GraphQL document, or else its 'documentId'."


@pytest.mark.parametrize(
    ("malformed", "words"),
    [
        ({}, MISSING),
        ({"query": None}, MISSING),
        ({"documentId": None, "variables": {}}, MISSING),
        ({"extensions": {"persistedQuery": {"sha256Hash": 1}}}, MISSING),
        ({"query": 5}, "'query' must be a string."),
        ({"query": 5, "documentId": "a"}, "'query' must be a string."),
        ({"documentId": 5}, "'documentId' must be a string."),
        ({"query": FINE, "documentId": 5}, "'documentId' must be a string."),
        ({"query": FINE, "operationName": ["a"]}, "'operationName' must be a string."),
        ({"query": FINE, "variables": [1]}, "'variables' must be an object."),
        ({"query": FINE, "extensions": "x"}, "'extensions' must be an object."),
    ],
    ids=str,
)
async def test_both_transports_refuse_it_alike(
    server: Server, client: httpx.Client, malformed: dict[str, Any], words: str
) -> None:
    answer = client.post(server.url, json=malformed)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert (error["message"], error["extensions"]) == (words, {"code": "BAD_USER_INPUT"})
    async with connected(server) as socket:
        await socket.send({"id": "a", "type": "subscribe", "payload": malformed})
        assert await socket.closed() == (4400, words)
    assert len(words.encode()) <= 123, "what a close frame has room for"

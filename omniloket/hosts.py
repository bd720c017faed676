"""By which names this server is called.

A name elsewhere can be made to lead to this machine (DNS rebinding): to a browser, a page of that name is then one of
this very site, and may read what it asks. But the name stands in each of its requests (RFC 9110, section 7.2).
"""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

THIS_MACHINE = ("localhost", "127.0.0.1", "[::1]")

_ANY_NAME = ("/healthz", "/readyz")
"""Who looks after servers calls each by its address."""

_REFUSAL = "This server is not called by that name."


def is_called(scope: Scope, hosts: Collection[str]) -> bool:
    """Whether a request is for one of these, whatever the port; without any, for whatever name."""
    return not hosts or scope["path"] in _ANY_NAME or _name(Headers(scope=scope).get("host", "")) in hosts


async def misdirect(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuses a request, or a socket's handshake, that is for another host (RFC 9110, section 15.5.20)."""
    refusal = Response(_REFUSAL, 421, media_type="text/plain")
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(refusal)
    else:
        await refusal(scope, receive, send)


def _name(authority: str) -> str:
    """An authority's host, without the port: what stands in brackets is an IPv6 address."""
    name, colon, port = authority.lower().rpartition(":")
    return name if colon and (port.isdecimal() or not port) else authority.lower()

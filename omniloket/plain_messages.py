"""Requests and responses as each operation has them, with no more work than that takes.

Starlette's own go through all headers for each that is looked up, and encode the same ones anew for each response:
together a tenth of what a small operation costs.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from omniloket.headers import PURPOSE_HEADER

HEADERS = {
    "cache-control": "no-store",
    "vary": f"Accept, Authorization, {PURPOSE_HEADER}",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}
"""Of every answer."""


class IndexedHeaders(Headers):
    """Headers that are found by their names in one step. Of several of one name, `get` gives the first."""

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        super().__init__(raw=list(raw))
        self._first = dict(reversed(raw))

    def get(self, key: str, default: Any = None) -> Any:
        value = self._first.get(key.lower().encode("latin-1"))
        return default if value is None else value.decode("latin-1")


class PlainRequest(Request):
    """A request with indexed headers."""

    @property
    def headers(self) -> Headers:
        if not hasattr(self, "_headers"):
            self._headers = IndexedHeaders(self.scope["headers"])
        return self._headers


class PlainResponse(Response):
    """A body of a media type in UTF-8, with the headers of every answer and perhaps more."""

    def __init__(self, body: bytes, status: int, media_type: str, headers: Mapping[str, str] | None = None) -> None:
        self.status_code = status
        self.background = None
        self.body = body
        more = _encoded(headers) if headers else ()
        self.raw_headers = [*_usual(media_type), (b"content-length", b"%d" % len(body)), *more]


@cache
def _usual(media_type: str) -> Sequence[tuple[bytes, bytes]]:
    return _encoded({**HEADERS, "content-type": f"{media_type}; charset=utf-8"})


def _encoded(headers: Mapping[str, str]) -> Sequence[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

"""Who comes while the server has too much to do is told so before anything is made of the request.

The application would say the same, and does where it is later that too many are there. But a request that gets that far
has cost a fifth of what an answer takes, and at three times the capacity that left less than half of it for answers
(benchmarks/overload.py).
"""

import asyncio
from collections.abc import Sequence
from contextvars import copy_context
from functools import cache

import orjson

from omniloket.access_log import begin_request
from omniloket.accounts import Accounts
from omniloket.admission import RETRY_SECONDS, Admission, Overloaded
from omniloket.headers import RAW_REQUEST_HEADER
from omniloket.media_types import of_errors, preferred
from omniloket.plain_messages import HEADERS

PATH = b"/graphql"

Headers = Sequence[tuple[bytes, bytes]]
"""Of a request, the names in lower case."""


class Doorkeeper:
    """Looks at the heads of requests. `is_open_to_others`: whether pages of other sites may ask.

    Theirs are left to the application, since their browsers want to hear more.
    """

    def __init__(self, admission: Admission, accounts: Accounts, *, is_open_to_others: bool) -> None:
        self._admission = admission
        self._accounts = accounts
        self._is_open_to_others = is_open_to_others
        self._coming = 0

    def __call__(self, url: bytes, headers: Headers) -> bytes | None:
        """The headers and body of a 503 to a request that is not let in."""
        if url.partition(b"?")[0] != PATH:
            return None
        if self._admission.has_room_for(self._coming + 1):
            self._let_in()
            return None
        said = dict(headers)
        if self._is_open_to_others and b"origin" in said:
            return None
        accept = said.get(b"accept")
        media_type = of_errors(preferred(None if accept is None else accept.decode("latin-1")))
        # In a context of its own: this is called in one that connections share, whose tasks would inherit the id.
        return copy_context().run(self._refusal, media_type)

    def _refusal(self, media_type: str) -> bytes:
        request = begin_request().encode()
        self._accounts.refused(self._admission.refuse().extensions)
        return b"%b: %b\r\n%b" % (RAW_REQUEST_HEADER, request, _told(media_type))

    def _let_in(self) -> None:
        """Those who come in one turn of the loop are counted here, until the next turn counts them as present."""
        self._coming += 1
        if self._coming == 1:
            asyncio.get_running_loop().call_soon(self._forget)

    def _forget(self) -> None:
        self._coming = 0


@cache
def _told(media_type: str) -> bytes:
    """What is the same for all."""
    body = orjson.dumps({"errors": Overloaded().errors})
    headers = {
        **HEADERS,
        "retry-after": str(RETRY_SECONDS),
        "content-type": f"{media_type}; charset=utf-8",
        "content-length": str(len(body)),
    }
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n" + body

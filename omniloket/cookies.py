"""A token in a cookie, for pages that may not hold one themselves."""

from collections.abc import Sequence

from starlette.requests import Request

from omniloket.headers import COOKIE_HEADER
from omniloket.request_forms import RequestRejected


def authorization_of(request: Request, cookie: str | None) -> str | None:
    """The Authorization header; without one, the token in the cookie that the settings name.

    Raises RequestRejected for one without the header that it needs beside it.
    """
    given = request.headers.get("authorization")
    token = None if cookie is None else _held(request.headers.getlist("cookie"), cookie)
    if given is not None or not token:
        return given
    if not request.headers.get(COOKIE_HEADER):
        raise RequestRejected(400, f"A token in a cookie needs the header '{COOKIE_HEADER}: 1' beside it.")
    return f"Bearer {token}"


def _held(headers: Sequence[str], name: str) -> str | None:
    """What a cookie holds (RFC 6265, section 5.4), if it is there; the last one, where there are several.

    Never unquoted: no token has quotes, and `http.cookies` takes time for it that grows with the square of the header
    (CVE-2024-7592), eleven seconds for 60 KB.
    """
    found: str | None = None
    for pair in ";".join(headers).split(";"):
        key, _, value = pair.partition("=")
        if key.strip() == name:
            found = value.strip().strip('"')
    return found

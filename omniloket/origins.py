"""Which other sites' pages may ask here.

A browser lets every page try to open a socket, and says which one it is (RFC 6455, section 10.2). Over HTTP it asks
beforehand, and shows a page the answer only where the server says so (Fetch standard, section 3.2: CORS).
"""

from collections.abc import Collection, Mapping

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from omniloket.headers import LAST_EVENT_ID_HEADER, PURPOSE_HEADER, REQUEST_HEADER

PREFLIGHT_SECONDS = 600
"""How long a browser may remember what it was told beforehand."""

_SENT = ["Authorization", "Content-Type", PURPOSE_HEADER, LAST_EVENT_ID_HEADER]
_SHOWN = [REQUEST_HEADER, "Retry-After"]


def open_to(application: ASGIApp, origins: Collection[str]) -> ASGIApp:
    """The application, for pages of some other sites too; never with cookies, which are for the own site alone."""
    if not origins:
        return application
    return CORSMiddleware(
        application,
        allow_origins=list(origins),
        allow_methods=["GET", "POST"],
        allow_headers=_SENT,
        expose_headers=_SHOWN,
        max_age=PREFLIGHT_SECONDS,
    )


def is_welcome(headers: Mapping[str, str], origins: Collection[str]) -> bool:
    """Whether a handshake comes from a page of this very site, of one of `origins`, or from no page at all."""
    origin = headers.get("origin")
    if origin is None or origin in origins:
        return True
    # Whether the site is read over HTTPS is not known here: a proxy may have ended it.
    scheme, _, site = origin.partition("://")
    return scheme in ("http", "https") and site == headers.get("host", "").lower()

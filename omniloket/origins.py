"""Whose pages may open a socket. A browser lets every page try, and says which one it is (RFC 6455, section 10.2)."""

from collections.abc import Collection, Mapping


def is_welcome(headers: Mapping[str, str], origins: Collection[str]) -> bool:
    """Whether a handshake comes from a page of this very site, of one of `origins`, or from no page at all."""
    origin = headers.get("origin")
    if origin is None or origin in origins:
        return True
    # Whether the site is read over HTTPS is not known here: a proxy may have ended it.
    scheme, _, site = origin.partition("://")
    return scheme in ("http", "https") and site == headers.get("host", "").lower()

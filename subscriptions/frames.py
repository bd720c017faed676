"""Frames of WebSocket (RFC 6455, section 5.2), for servers that take them ready-made."""

from collections.abc import Callable

WRITE = "omniloket.write"
"""The extension by which a server takes frames: a function that tells whether it took one, and never waits."""

Write = Callable[[bytes], bool]

_WHOLE_TEXT = b"\x81"


def text_frame(content: bytes) -> bytes:
    """A text message in one frame, as a server sends it."""
    size = len(content)
    if size < 126:
        return b"%b%c%b" % (_WHOLE_TEXT, size, content)
    if size < 65_536:
        return b"%b\x7e%b%b" % (_WHOLE_TEXT, size.to_bytes(2, "big"), content)
    return b"%b\x7f%b%b" % (_WHOLE_TEXT, size.to_bytes(8, "big"), content)

"""The access log: a JSON object a line on standard output, for each operation that was executed or refused.

It holds no query, no variable, no name that a client chose, no address and nobody's subject: who may read the log may
not learn from it who asked for whom.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from random import getrandbits
from typing import Any

import orjson

WRITE_SECONDS = 0.2
"""How often what waits is written."""

MOST_WAITING = 100_000
"""Lines that may wait for whoever reads them. Beyond, lines are left out, and the next one says how many."""

_CLOSING_SECONDS = 1.0

_request: ContextVar[str] = ContextVar("request")

Write = Callable[[bytes], object]


def begin_request() -> str:
    """A new id for what this task does from now on, as in `Omniloket-Request`."""
    request = f"{getrandbits(64):016x}"
    _request.set(request)
    return request


def request_id() -> str:
    """The id of the request that this task is about. An operation on a socket gets one when it is first asked for."""
    return _request.get(None) or begin_request()


def current_request() -> str | None:
    """The same, where there is one."""
    return _request.get(None)


class AccessLog:
    """Lines wait in memory for a thread that writes them: a reader that is stuck holds up nobody's request."""

    def __init__(self, write: Write | None = None) -> None:
        self._write = write or _to_standard_output
        self._lines: deque[dict[str, Any]] = deque()
        self._left_out = 0
        self._closing = threading.Event()
        self._writer = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._writer.start()

    def add(self, line: dict[str, Any]) -> None:
        """A line; `at` is in seconds since 1970, and written as an instant."""
        if len(self._lines) < MOST_WAITING:
            self._lines.append(line)
        else:
            self._left_out += 1

    def close(self) -> None:
        """Writes what waits, unless nobody reads it."""
        self._closing.set()
        self._writer.join(_CLOSING_SECONDS)

    def _run(self) -> None:
        while not self._closing.wait(WRITE_SECONDS):
            self._write_all()
        self._write_all()

    def _write_all(self) -> None:
        written: list[bytes] = []
        while self._lines:
            line = self._lines.popleft()
            line["at"] = datetime.fromtimestamp(line["at"], UTC)
            written.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))
        if self._left_out:
            left_out, self._left_out = self._left_out, 0
            written.append(
                orjson.dumps({"at": datetime.now(UTC), "event": "lines were left out", "lines": left_out}) + b"\n"
            )
        if written:
            self._write(b"".join(written))


def _to_standard_output(lines: bytes) -> None:
    """Where nobody reads any more, nothing is written any more."""
    try:
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()
    except (OSError, ValueError):
        pass

"""The access log: a JSON object a line on standard output, for each operation that was executed or refused.

It holds no query, no variable, no name that a client chose, no address and nobody's subject: who may read the log may
not learn from it who asked for whom.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from datetime import UTC, datetime
from random import getrandbits
from time import time
from typing import Any

import orjson

WRITE_SECONDS = 0.2
"""How often what waits is written."""

MOST_WAITING = 100_000
"""Lines that may wait for whoever reads them. Beyond, lines are left out, and the next one says how many."""

_WRITTEN_AT_ONCE = 1_000

_CLOSING_SECONDS = 1.0
"""How long closing waits for a reader that takes nothing."""

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
        self._writes = 0
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
        """Writes what waits, however much that is, unless nobody reads it."""
        self._closing.set()
        before = -1
        while self._writer.is_alive() and self._writes != before:
            before = self._writes
            self._writer.join(_CLOSING_SECONDS)

    def _run(self) -> None:
        while not self._closing.wait(WRITE_SECONDS):
            self._write_all()
        self._write_all()

    def _write_all(self) -> None:
        left_out = self._left_out
        for waiting in range(len(self._lines), 0, -_WRITTEN_AT_ONCE):
            self._write_lines(self._lines.popleft() for _ in range(min(waiting, _WRITTEN_AT_ONCE)))
        if left_out:
            self._left_out -= left_out
            self._write_lines([{"at": time(), "event": "lines were left out", "lines": left_out}])

    def _write_lines(self, lines: Iterable[dict[str, Any]]) -> None:
        self._write(b"".join(map(_text, lines)))
        self._writes += 1


def _text(line: dict[str, Any]) -> bytes:
    line["at"] = datetime.fromtimestamp(line["at"], UTC)
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


def _to_standard_output(lines: bytes) -> None:
    """Where nobody reads any more, nothing is written any more."""
    try:
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()
    except (OSError, ValueError):
        pass

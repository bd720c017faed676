"""Tokens, sessions and subjects whose rights have ended: a list in a file, which acts within seconds.

A line is a JSON object with the issuer and one of `jti` (a token), `sid` (a session) and `sub` (a subject):

    {"issuer": "https://login.example.nl", "sid": "08a5019c"}
"""

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from omniloket.settings import SettingsError

LOOK_SECONDS = 1.0
"""How often the file is looked at, while anybody asks."""

Mark = tuple[str, str, str]
"""What a line revokes, or what a token could be revoked by: issuer, kind and value."""

_KINDS = ("jti", "sid", "sub")
_FORM = 'lines like {"issuer": "https://...", "jti": "..."} with an issuer of the settings, and jti, sid or sub'
_SHOWN = 10

log = structlog.get_logger("omniloket")


class RevocationList:
    """The list in a file, read again while anybody asks.

    A file that is gone or malformed takes nothing off the list; its good lines still add to it. What a whole file takes
    off is off at the second look that finds it so, since the first may fall into the middle of a writing.
    """

    def __init__(self, path: Path, issuers: Collection[str], clock: Callable[[], float] = time.monotonic) -> None:
        """Raises SettingsError for a file with malformed lines, OSError for one that cannot be read."""
        self._path = path
        self._issuers = issuers
        self._clock = clock
        self._looked = clock()
        self._content: bytes | None = path.read_bytes()
        self._reading = _read(self._content, issuers)
        if self._reading.wrong:
            raise SettingsError(f"revocations_file: {path} must have {_FORM}; but not so: {_lines(self._reading)}.")
        self._marks = self._reading.marks

    def has(self, marks: Iterable[Mark]) -> bool:
        """Whether one of these is on the list."""
        if self._clock() - self._looked >= LOOK_SECONDS:
            self._looked = self._clock()
            self._look()
        return not self._marks.isdisjoint(marks)

    def _look(self) -> None:
        try:
            content = self._path.read_bytes()
        except OSError as error:
            if self._content is not None:
                log.error(
                    "the revocations cannot be read; those that are known stay", file=str(self._path), error=error
                )
            self._content = None
            return
        if content != self._content:
            self._content, self._reading = content, _read(content, self._issuers)
            self._marks |= self._reading.marks
            self._tell()
        elif not self._reading.wrong:
            self._marks = self._reading.marks

    def _tell(self) -> None:
        file, reading = str(self._path), self._reading
        if reading.wrong:
            log.error("the revocations are malformed; those that are known stay", file=file, wrong=_lines(reading))
        else:
            log.info("the revocations were read", file=file, revoked=len(reading.marks))


@dataclass(frozen=True)
class _Reading:
    """What a file held; `wrong` are the numbers of its malformed lines."""

    marks: frozenset[Mark]
    wrong: tuple[int, ...]


def _read(content: bytes, issuers: Collection[str]) -> _Reading:
    lines = {number: line for number, line in enumerate(content.splitlines(), 1) if line.strip()}
    marks = {number: _mark(line, issuers) for number, line in lines.items()}
    wrong = tuple(number for number, mark in marks.items() if mark is None)
    return _Reading(frozenset(mark for mark in marks.values() if mark is not None), wrong)


def _mark(line: bytes, issuers: Collection[str]) -> Mark | None:
    """What a line revokes; None for one that is malformed, or that no token could ever have."""
    try:
        given = msgspec.json.decode(line, type=dict[str, str])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    issuer, kind = given.pop("issuer", ""), next(iter(given), "")
    if issuer not in issuers or len(given) != 1 or kind not in _KINDS or not given[kind]:
        return None
    return issuer, kind, given[kind]


def _lines(reading: _Reading) -> str:
    shown, more = ", ".join(str(number) for number in reading.wrong[:_SHOWN]), len(reading.wrong) - _SHOWN
    return f"line {shown}" + (f" and {more} more" if more > 0 else "")

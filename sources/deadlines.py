"""Until when an operation may wait for sources, and on whose behalf: known to each statement that it leads to.

What works for many, as the reading of a log, has no deadline, and is nobody's.
"""

import math
import time
from collections.abc import Hashable
from contextvars import ContextVar

_DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)
_ASKER: ContextVar[Hashable | None] = ContextVar("asker", default=None)


class Within:
    """What is done inside, and by the tasks that it begins, may wait so many seconds in all.

    `asker`: whom the connections count for that it holds meanwhile.
    """

    __slots__ = ("_asker", "_asker_token", "_deadline_token", "_seconds")

    def __init__(self, seconds: float, asker: Hashable | None = None) -> None:
        self._seconds = seconds
        self._asker = asker

    def __enter__(self) -> None:
        self._deadline_token = _DEADLINE.set(time.monotonic() + self._seconds)
        self._asker_token = _ASKER.set(self._asker)

    def __exit__(self, *_: object) -> None:
        _ASKER.reset(self._asker_token)
        _DEADLINE.reset(self._deadline_token)


def ask_for(asker: Hashable) -> None:
    """What the current task does from now on, and the tasks that it begins, is on this one's behalf."""
    _ASKER.set(asker)


def seconds_left() -> float:
    """How long it is to the deadline; negative when that has passed, infinite where there is none."""
    deadline = _DEADLINE.get()
    return deadline if deadline is math.inf else deadline - time.monotonic()


def asker() -> Hashable | None:
    """On whose behalf sources are asked; None for nobody in particular."""
    return _ASKER.get()

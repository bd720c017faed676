"""Until when an operation may wait for sources: known to each statement that it leads to, whatever lies between.

What works for many, as the reading of a log, has none.
"""

import math
import time
from contextvars import ContextVar

_DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)


class Within:
    """What is done inside, and by the tasks that it begins, may wait so many seconds in all."""

    __slots__ = ("_seconds", "_token")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._token = _DEADLINE.set(time.monotonic() + self._seconds)

    def __exit__(self, *_: object) -> None:
        _DEADLINE.reset(self._token)


def seconds_left() -> float:
    """How long it is to the deadline; negative when that has passed, infinite where there is none."""
    deadline = _DEADLINE.get()
    return deadline if deadline is math.inf else deadline - time.monotonic()

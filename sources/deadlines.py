"""Until when an operation may wait for sources: known to each statement that it leads to, whatever lies between.

What works for many, as the reading of a log, has none.
"""

import math
import time
from contextvars import ContextVar

_DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)


def allow(seconds: float) -> None:
    """From now on, the task that this is called in and those that it begins may wait so long in all."""
    _DEADLINE.set(time.monotonic() + seconds)


def seconds_left() -> float:
    """How long it is to the deadline; negative when that has passed, infinite where there is none."""
    deadline = _DEADLINE.get()
    return deadline if deadline is math.inf else deadline - time.monotonic()

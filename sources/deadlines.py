"""Until when an operation may wait for sources: known to each statement that it leads to, whatever lies between.

What works for many, as the reading of a log, has none.
"""

import math
import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)


@contextmanager
def within(seconds: float) -> Generator[None]:
    """What is done inside, and by the tasks that it begins, may wait so long in all."""
    token = _DEADLINE.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def seconds_left() -> float:
    """How long it is to the deadline; negative when that has passed, infinite where there is none."""
    deadline = _DEADLINE.get()
    return deadline if deadline is math.inf else deadline - time.monotonic()

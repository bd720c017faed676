"""Leaving a source alone that does not answer: no storm of questions at it, no long wait for those who ask."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """After `failures` questions in a row without an answer, a source is left alone for `rest_seconds`."""

    failures: int = 5
    rest_seconds: float = 1.0


class Breaker:
    """Says whether a source may be asked.

    Closed, everything is asked. Open, nothing is, until the rest is over: then one question at a time probes, and its
    answer closes the breaker again. An answer that is an error is an answer.
    """

    def __init__(self, patience: Patience | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience or Patience()
        self._clock = clock
        self._failures = 0
        self._rests_until = 0.0
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        return self._failures >= self._patience.failures

    def admits(self) -> bool:
        """Whether a question may be asked now. One that was admitted ends in `answered`, `failed` or `abandoned`."""
        if not self.is_open:
            return True
        if self._is_probing or self._clock() < self._rests_until:
            return False
        self._is_probing = True
        return True

    def answered(self) -> None:
        self._failures = 0
        self._is_probing = False

    def failed(self) -> None:
        self._failures += 1
        self._rests_until = self._clock() + self._patience.rest_seconds
        self._is_probing = False

    def abandoned(self) -> None:
        """Who asked does not wait for the answer any more: that says nothing of the source."""
        self._is_probing = False

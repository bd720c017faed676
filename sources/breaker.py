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
        self._probe: Turn | None = None

    @property
    def is_open(self) -> bool:
        return self._failures >= self._patience.failures

    def admit(self) -> "Turn | None":
        """The turn of a question that may be asked now; None when none may. A turn ends in one of its methods."""
        if not self.is_open:
            return Turn(self)
        if self._probe is not None or self._clock() < self._rests_until:
            return None
        self._probe = Turn(self)
        return self._probe

    def end(self, turn: "Turn", is_answered: bool | None) -> None:
        """What became of a question; None when nobody waited for it any more, which says nothing of the source."""
        if self._probe is turn:
            self._probe = None
        if is_answered:
            self._failures = 0
        elif is_answered is not None:
            self._failures += 1
            self._rests_until = self._clock() + self._patience.rest_seconds


class Turn:
    """One question to a source. Only the probe's own end makes room for the next probe, however late others end."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker

    def answered(self) -> None:
        self._breaker.end(self, is_answered=True)

    def failed(self) -> None:
        self._breaker.end(self, is_answered=False)

    def abandoned(self) -> None:
        self._breaker.end(self, is_answered=None)

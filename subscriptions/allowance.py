"""How fast somebody may go."""

import math

_NOTHING_SECONDS = 1e-6
"""Sums of small numbers are never exact."""


class Allowance:
    """`per_second` steps in the long run, and `at_once` without a pause; then every step has to be waited for.

    The generic cell rate algorithm (ITU-T I.371), which remembers no more than one instant.
    """

    def __init__(self, per_second: float, at_once: float) -> None:
        self._step_seconds = 1 / per_second
        self._burst_seconds = at_once / per_second
        self._paid_until = -math.inf

    def take(self, steps: float, now: float) -> float:
        """Takes some steps at an instant, in seconds of any clock; how many seconds they are to be waited for."""
        self._paid_until = max(self._paid_until, now - self._burst_seconds) + steps * self._step_seconds
        seconds = self._paid_until - now
        return seconds if seconds > _NOTHING_SECONDS else 0.0

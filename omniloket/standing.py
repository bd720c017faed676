"""What one principal's open streams would cost together if each had an event at once: bounded, since nobody is asked.

An event of a stream is not paid for when it comes: it comes by what others do, and whoever follows the same gets it
from one execution.
"""

from collections import Counter
from collections.abc import Callable, Hashable

from engine.codes import LIMIT_EXCEEDED
from engine.responses import RequestRefused, refusal


class StandingPrices:
    """The prices of open streams by whose they are, each at most `most` in all."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[Hashable] = Counter()

    def hold(self, principal: Hashable, price: int) -> Callable[[], None]:
        """Adds a stream's price; gives what takes it off again. Raises RequestRefused where it would be too much."""
        if self._held[principal] + price > self._most:
            message = f"Your streams may cost at most {self._most} points an event together; this one costs {price}."
            raise RequestRefused([refusal(message, LIMIT_EXCEEDED, limit="standing")])
        self._held[principal] += price

        def release() -> None:
            self._held[principal] -= price
            if not self._held[principal]:
                del self._held[principal]

        return release

"""How much of the server one principal, and one address, may use: leaky buckets of points, in this process's memory.

A bucket is full at first, holds no more than that, and fills again as time passes. What a request costs is taken out of
two: that of who asks, and that of where it comes from. Who has no token has the second alone.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from engine.codes import RATE_LIMITED
from omniloket.refusals import ComeBackLater
from resolvers.context import Context

MOST_BUCKETS = 100_000
"""Buckets of each kind that are remembered. Beyond, those that were not used longest are forgotten, as if full."""

_SURPLUS = 1e-6
"""Points that are no debt: sums of small numbers are never exact."""


class RateLimited(ComeBackLater):
    def __init__(self, retry_after: int) -> None:
        message = f"Too much was asked in a short time. Ask again in {retry_after} seconds."
        super().__init__(429, message, retry_after, RATE_LIMITED)


@dataclass(frozen=True)
class Rate:
    """`burst` points at once, and `per_second` more as time passes."""

    burst: float
    per_second: float


class Buckets:
    """Buckets of one rate, by whose they are."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic, most: int = MOST_BUCKETS) -> None:
        self.rate = rate
        self._clock = clock
        self._most = most
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def left(self, key: Hashable) -> float:
        """The points in a bucket now."""
        found = self._left.get(key)
        if found is None:
            return self.rate.burst
        points, at = found
        return min(self.rate.burst, points + (self._clock() - at) * self.rate.per_second)

    def lacking(self, left: float, points: float) -> float:
        """Seconds until a bucket has so many points; 0 when it has. More than it ever holds counts as a full one."""
        return max(0.0, min(points, self.rate.burst) - left - _SURPLUS) / self.rate.per_second

    def keep(self, key: Hashable, left: float) -> None:
        """A bucket has so many points now; less than none is a debt."""
        self._left[key] = left, self._clock()
        self._left.move_to_end(key)
        if len(self._left) > self._most:
            self._left.popitem(last=False)


class Rates:
    """The buckets of this process."""

    def __init__(self, of_principals: Rate, of_addresses: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self.principals = Buckets(of_principals, clock)
        self.addresses = Buckets(of_addresses, clock)

    def charge(self, context: Context, points: float) -> None:
        """Takes points from whoever asks; raises RateLimited, and takes none, where there are not enough."""
        _charge(self._buckets(context), points)

    async def pay(self, context: Context, points: float) -> None:
        """Takes points as soon as there are enough: for what goes on anyhow, and may as well go on later."""
        while True:
            try:
                return self.charge(context, points)
            except RateLimited as limited:
                await asyncio.sleep(limited.retry_after)

    def give_back(self, context: Context, points: float) -> None:
        """What was taken for something that was not done after all."""
        for each, key in self._buckets(context):
            each.keep(key, min(each.rate.burst, each.left(key) + points))

    def charge_address(self, address: str, points: float) -> None:
        """The same for a request of which no more than its address is known."""
        _charge([(self.addresses, address)], points)

    def left(self, context: Context) -> tuple[int, int]:
        """What is left for whoever asks, and in how many seconds that will be as much as it ever is."""
        each, key = min(self._buckets(context), key=lambda bucket: bucket[0].left(bucket[1]))
        left = each.left(key)
        return math.floor(left), math.ceil((each.rate.burst - left) / each.rate.per_second)

    def _buckets(self, context: Context) -> list[tuple[Buckets, Hashable]]:
        principal = context.viewer.counted_as
        by_address: tuple[Buckets, Hashable] = (self.addresses, context.address)
        return [by_address] if principal is None else [(self.principals, principal), by_address]


def _charge(buckets: Sequence[tuple[Buckets, Hashable]], points: float) -> None:
    found = [(each, key, each.left(key)) for each, key in buckets]
    lacking = max([each.lacking(left, points) for each, _, left in found])
    if lacking > 0:
        raise RateLimited(max(1, math.ceil(lacking)))
    for each, key, left in found:
        each.keep(key, left - points)

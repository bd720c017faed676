"""What everything costs whoever asks: an operation its price, and besides what had to be done for it first."""

from collections.abc import Callable, Mapping
from typing import Any

from engine.codes import LIMIT_EXCEEDED
from engine.prepared import Prepared
from engine.responses import RequestRefused, refusal
from omniloket.accounts import Accounts
from omniloket.rates import RateLimited, Rates
from omniloket.settings import CostSettings
from omniloket.standing import StandingPrices
from resolvers.context import Context

DOCUMENT_POINTS = 100
CHARACTERS_A_POINT = 2
"""Of a document that has to be parsed and validated first: half a millisecond however short it is, and some 5
microseconds for every two characters, as long as an object takes; up to thrice that where it is nothing but short
names."""

FREE_VALUES = 100
VALUES_A_POINT = 4
"""Of the values in variables and in the document's arguments, where they are more than most: to coerce and convert one
takes a microsecond or two."""

REFUSED_VALUES_POINTS = 100
"""What variables cost that hold too much: all of their JSON has been looked at by then."""

FREE_BODY_BYTES = 16_384
BYTES_A_POINT = 2_048
"""Of a body that is longer than most: to read so much JSON takes as long as an object."""

BAD_TOKEN_POINTS = 10
"""What a token that does not hold costs the address that it comes from: as much as any operation."""

HANDSHAKE_POINTS = 10
"""What opening a socket costs the address that it comes from, whatever it is opened for: half a millisecond."""

LARGEST_TOLD = 2**53 - 1
"""The largest price that is told: JSON has no larger numbers that everybody reads (RFC 8259, section 6)."""


class Charging:
    """Takes points for what is done; where there are too few, RateLimited is raised and none are taken."""

    def __init__(self, rates: Rates, accounts: Accounts, cost: CostSettings) -> None:
        self._rates = rates
        self._accounts = accounts
        self._cost = cost
        self._standing = StandingPrices(cost.standing)

    def document(self, text: str, context: Context) -> None:
        """For a document that is not known."""
        self._rates.charge(context, DOCUMENT_POINTS + len(text) / CHARACTERS_A_POINT)

    def refused_values(self, context: Context) -> None:
        """For variables that were refused."""
        self._rates.charge(context, REFUSED_VALUES_POINTS)

    def operation(self, prepared: Prepared, variables: Mapping[str, Any], context: Context, values: int) -> int:
        """For an operation: its price, which it gives, and what so many values cost besides.

        These are no part of what one operation may cost. Raises RequestRefused for one that may not.
        """
        price, most = prepared.price(variables) + self._cost.operation, self._cost.max_operation
        if price > most:
            told = min(price, LARGEST_TOLD)
            message = f"This operation may cost {told} points, and at most {most} are allowed."
            why = {"limit": "max_operation", "price": told, "maximum": most}
            raise RequestRefused([refusal(message, LIMIT_EXCEEDED, **why)], prepared.kind)
        points = price + max(0, values - FREE_VALUES) // VALUES_A_POINT
        self._rates.charge(context, points)
        return points

    def told(self, price: int, context: Context) -> dict[str, int]:
        """What an operation cost, and what is left, for who wants to know."""
        left, seconds = self._rates.left(context)
        return {"price": price, "left": left, "fullIn": seconds}

    def give_back(self, context: Context, points: float) -> None:
        """What was taken for something that was not done after all."""
        self._rates.give_back(context, points)

    async def event(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> None:
        """For an event that a stream gets by itself, as soon as there are enough."""
        await self._rates.pay(context, prepared.price(variables))

    def hold(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> Callable[[], None]:
        """Holds the price of a stream, for as long as it is open; gives what ends that. Raises RequestRefused."""
        return self._standing.hold(context.asker, prepared.price(variables))

    def body(self, size: int, context: Context) -> None:
        """For a body that is longer than most, before it is read."""
        try:
            self._rates.charge(context, size / BYTES_A_POINT)
        except RateLimited as limited:
            self._accounts.refused(limited.extensions, context)
            raise

    def bad_token(self, address: str) -> None:
        """For a token that does not hold, from the address that it comes from."""
        self._address(address, BAD_TOKEN_POINTS)

    def handshake(self, address: str) -> None:
        """For a socket, from the address that it is opened from."""
        self._address(address, HANDSHAKE_POINTS)

    def _address(self, address: str, points: int) -> None:
        try:
            self._rates.charge_address(address, points)
        except RateLimited as limited:
            self._accounts.refused(limited.extensions)
            raise

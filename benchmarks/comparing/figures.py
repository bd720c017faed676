"""From the rounds to the figures: medians, and ratios of what ran right after each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from comparing.client import Measured

CORE, OMNILOKET, UNPROTECTED = "graphql-core", "Omniloket", "unprotected"
MERCURIUS, POSTGRAPHILE = "Mercurius", "PostGraphile"
BY_HAND, IN_SQL, CONSTANT = "by hand", "in SQL", "constant"
SERVERS = {
    CORE: "this schema on graphql-core",
    OMNILOKET: "Omniloket",
    UNPROTECTED: "Omniloket, unprotected",
    MERCURIUS: "Mercurius with jit, one database",
    POSTGRAPHILE: "PostGraphile, one database",
    BY_HAND: "by hand, four databases",
    IN_SQL: "by hand, one database, JSON from PostgreSQL",
    CONSTANT: "a constant answer",
}
RATIOS = (
    (CORE, OMNILOKET),
    (OMNILOKET, MERCURIUS),
    (OMNILOKET, POSTGRAPHILE),
    (OMNILOKET, BY_HAND),
    (OMNILOKET, UNPROTECTED),
)

Cell = tuple[str, int, str]
"""A query, a number of connections, and a server."""


@dataclass(frozen=True)
class Figures:
    """What was measured of each cell, a value for each round, in the order of the rounds."""

    rounds: Mapping[Cell, Sequence[Measured]]

    @property
    def queries(self) -> list[str]:
        return list(dict.fromkeys(query for query, _, _ in self.rounds))

    @property
    def servers(self) -> list[str]:
        """Those that were measured, in the order in which they are told of."""
        measured = {server for _, _, server in self.rounds}
        return [server for server in SERVERS if server in measured]

    @property
    def ratios(self) -> list[tuple[str, str]]:
        """Which are compared."""
        return [pair for pair in RATIOS if set(pair) <= set(self.servers)]

    @property
    def connections(self) -> list[int]:
        return list(dict.fromkeys(connections for _, connections, _ in self.rounds))

    def median(self, cell: Cell, what: str) -> float:
        """The middle value over the rounds; `what` is a field of Measured."""
        return median(getattr(each, what) for each in self.rounds[cell])

    def ratio(self, query: str, connections: int, over: str, under: str) -> float:
        """How many times as much processor time one server takes as another: the middle of the rounds' own ratios."""
        pairs = zip(self.rounds[query, connections, over], self.rounds[query, connections, under], strict=True)
        return median(one.server_ms / other.server_ms for one, other in pairs)

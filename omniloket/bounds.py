"""What holds for the connections of a process, and how many there are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from omniloket.addresses import is_within


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What holds for a process's connections.

    `open` counts the connections of each address, `exceeded` those that were closed, by the setting of the limit.

    `head_bytes`: of a request's line and headers, and of whatever else is not its content: what stands around the
    chunks of a body, and behind them. `head_seconds`: from the start of a connection or a request to the end of its
    headers; `body_seconds`: from there to the end of its body. `unread_seconds`: how long a client may leave an answer
    unread that fills all buffers on the way. `connections`: how many one address may have, unless it is among the
    proxies, which stand for others.
    """

    head_bytes: int = 65_536
    head_seconds: float = 15.0
    body_seconds: float = 15.0
    unread_seconds: float = 30.0
    connections: int = 1_000
    proxies: Sequence[IPv4Network | IPv6Network] = ()
    open: Counter[str] = field(default_factory=Counter[str])
    exceeded: Counter[str] = field(default_factory=Counter[str])

    def admit(self, address: str) -> bool:
        """Whether an address may have one more connection, which has to be released."""
        if self.open[address] >= self.connections:
            return False
        self.open[address] += 1
        return True

    def release(self, address: str) -> None:
        """One connection less; what counts nothing is forgotten."""
        self.open[address] -= 1
        if self.open[address] <= 0:
            del self.open[address]

    def is_proxy(self, client: tuple[str, int] | None) -> bool:
        """Whether a client is one, by its own address: what counts as one may be a network."""
        return client is not None and is_within(client[0], self.proxies)

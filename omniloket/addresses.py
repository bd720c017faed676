"""Where a request comes from, as limits count it.

Behind a proxy that the settings trust, uvicorn has put the client's address in the place of the proxy's.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

_SUBSCRIBERS_PREFIX = 64
"""The part of an IPv6 address that one subscriber has: the rest is theirs to vary (RFC 6177)."""


def address_of(scope: Scope) -> str:
    """The address, or of IPv6 its network of one subscriber. Empty where there is none, as on a Unix socket."""
    client = scope.get("client")
    return "" if client is None else _counted(client[0])


@lru_cache(1_000)
def _counted(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address.packed, _SUBSCRIBERS_PREFIX), strict=False))


def is_within(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether an address, as it came, is of one of some networks; what is no address is of none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)

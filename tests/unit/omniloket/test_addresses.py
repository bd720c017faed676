"""What limits per address count."""

from ipaddress import ip_network

import pytest

from omniloket.addresses import address_of, is_within


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:aaaa::1", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:bbbb::2", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::1", "2001:db8:0:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_counts_as_the_part_that_one_subscriber_has(client: str, counted: str) -> None:
    assert address_of({"type": "http", "client": (client, 1)}) == counted


def test_a_socket_without_an_address_counts_as_one() -> None:
    assert address_of({"type": "http", "client": None}) == ""


@pytest.mark.parametrize(
    ("address", "network", "is_of_it"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("192.0.2.1", "10.0.0.0/8", False),
        ("fd00::7", "fd00::/8", True),
        ("fe80::7", "fd00::/8", False),
        ("10.1.2.3", "fd00::/8", False),
        ("testclient", "0.0.0.0/0", False),
    ],
)
def test_an_address_is_of_a_network_in_either_notation(address: str, network: str, is_of_it: bool) -> None:
    assert is_within(address, [ip_network(network)]) is is_of_it

"""What limits per address count."""

import pytest

from omniloket.addresses import address_of


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

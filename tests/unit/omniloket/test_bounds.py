"""Whose connections count."""

from ipaddress import ip_network

import pytest

from omniloket.bounds import Bounds

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("host", "is_proxy"), [("10.1.2.3", True), ("fd00::7", True), ("192.0.2.1", False), ("2001:db8::1", False)]
)
def test_a_proxy_is_known_by_its_own_address_whichever_kind_it_has(host: str, is_proxy: bool) -> None:
    assert Bounds(proxies=PROXIES).is_proxy((host, 1)) is is_proxy


def test_what_is_released_is_forgotten() -> None:
    bounds = Bounds(connections=1)
    assert [bounds.admit("192.0.2.1") for _ in range(2)] == [True, False]
    bounds.release("192.0.2.1")
    assert not bounds.open
    assert bounds.admit("192.0.2.1")

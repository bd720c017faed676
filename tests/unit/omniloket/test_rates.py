"""Leaky buckets: what they hold, how they fill, whose they are, and that they never grow without bound."""

import time
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniloket.rates import Buckets, Rate, RateLimited, Rates
from resolvers.context import ANONYMOUS, Context, Services, Viewer
from sources.records import Role

NOBODYS = cast("Services", None)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def asking(viewer: Viewer, address: str = "192.0.2.1") -> Context:
    return Context(services=NOBODYS, viewer=viewer, address=address)


def agent(name: str) -> Viewer:
    return Viewer(Role.AGENT, name)


def limited(rates: Rates, context: Context, points: float) -> dict[str, Any]:
    with pytest.raises(RateLimited) as caught:
        rates.charge(context, points)
    return caught.value.errors[0]["extensions"]


def test_a_full_bucket_gives_all_it_holds_and_no_more() -> None:
    clock = Clock()
    rates = Rates(Rate(100, 10), Rate(1000, 10), clock)
    rates.charge(asking(agent("a")), 60)
    rates.charge(asking(agent("a")), 40)
    assert limited(rates, asking(agent("a")), 1) == {"code": "RATE_LIMITED", "retryAfter": 1}
    assert limited(rates, asking(agent("a")), 35)["retryAfter"] == 4
    clock.now = 3.5
    rates.charge(asking(agent("a")), 35)
    assert limited(rates, asking(agent("a")), 1)["retryAfter"] == 1


def test_what_was_not_done_after_all_is_given_back_and_no_more_than_a_bucket_holds() -> None:
    clock = Clock()
    rates = Rates(Rate(100, 10), Rate(200, 10), clock)
    rates.charge(asking(agent("x")), 60)
    rates.give_back(asking(agent("x")), 50)
    assert rates.left(asking(agent("x"))) == (90, 1)
    rates.give_back(asking(agent("x")), 50)
    assert rates.left(asking(agent("x"))) == (100, 0)


def test_what_is_refused_costs_nothing() -> None:
    rates = Rates(Rate(100, 10), Rate(50, 10), Clock())
    rates.charge(asking(agent("a")), 30)
    limited(rates, asking(agent("a")), 30)
    assert rates.left(asking(agent("a"))) == (20, 3)
    assert rates.principals.left(agent("a").counted_as) == 70


def test_each_principal_has_a_bucket_and_those_of_one_address_share_another() -> None:
    rates = Rates(Rate(100, 10), Rate(150, 10), Clock())
    rates.charge(asking(agent("a")), 100)
    rates.charge(asking(agent("b")), 50)
    limited(rates, asking(agent("b")), 50)
    rates.charge(asking(agent("b"), "192.0.2.2"), 50)
    limited(rates, asking(ANONYMOUS), 1)
    rates.charge(asking(ANONYMOUS, "192.0.2.3"), 150)


def test_a_citizen_and_an_agent_of_one_name_are_two_and_so_is_a_citizen_behind_a_front_end() -> None:
    rates = Rates(Rate(100, 10), Rate(1000, 10), Clock())
    citizen = Viewer(Role.CITIZEN, "a")
    for viewer in (agent("a"), citizen, Viewer(Role.CITIZEN, "a", actor="portal")):
        rates.charge(asking(viewer), 100)


def test_what_costs_more_than_a_bucket_holds_takes_a_full_one_and_leaves_a_debt() -> None:
    clock = Clock()
    rates = Rates(Rate(100, 10), Rate(1000, 10), clock)
    rates.charge(asking(agent("a")), 150)
    clock.now = 14.0
    assert limited(rates, asking(agent("a")), 100)["retryAfter"] == 1
    clock.now = 15.0
    rates.charge(asking(agent("a")), 100)


def test_the_buckets_that_were_used_longest_ago_are_forgotten() -> None:
    buckets = Buckets(Rate(10, 1), Clock(), most=3)
    for key in "abcad":
        buckets.keep(key, 5)
    assert len(buckets) == 3
    assert [buckets.left(key) for key in "abcd"] == [5, 10, 5, 5]


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 30)), max_size=40))
def test_never_more_is_given_than_the_burst_and_what_came_back(steps: list[tuple[float, float]]) -> None:
    clock = Clock()
    rates, given_away = Rates(Rate(30, 2), Rate(1e9, 1), clock), 0.0
    for pause, points in steps:
        clock.now += pause
        try:
            rates.charge(asking(agent("a")), points)
        except RateLimited:
            assert points > rates.left(asking(agent("a")))[0]
        else:
            given_away += points
    assert given_away <= 30 + 2 * clock.now + 0.01


async def test_what_goes_on_anyhow_is_paid_for_when_there_are_points() -> None:
    rates, asker = Rates(Rate(10, 10), Rate(1_000, 1_000)), asking(agent("a"))
    await rates.pay(asker, 10)
    began = time.monotonic()
    await rates.pay(asker, 8)
    assert time.monotonic() - began >= 0.8
    # More than a bucket holds is paid for by a full one, and leaves a debt.
    await rates.pay(asker, 100)
    assert limited(rates, asker, 1)["retryAfter"] >= 9

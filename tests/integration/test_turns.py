"""Operations that wait for their turn: only those that may be executed do."""

import pytest

from engine.responses import RequestRefused
from resolvers.context import Context
from support.back_ends import Urls
from support.houses import AGENT, opened

TOO_DEAR = "{ contacts(first: 100) { edges { node { journey { contacts(first: 100) { totalCount } } } } } }"


@pytest.mark.parametrize(
    ("query", "code"), [("{ channels { code } }", "RATE_LIMITED"), (TOO_DEAR, "LIMIT_EXCEEDED")], ids=["rate", "price"]
)
async def test_who_may_not_ask_is_told_so_before_waiting(sqlite_urls: Urls, query: str, code: str) -> None:
    limits = {"cost": {"burst": 1_000, "per_second": 10}, "overload": {"running": 1}}
    async with opened(sqlite_urls, **limits) as ask:
        house = ask.house
        context = Context(services=house.services, viewer=AGENT)
        prepared = house.prepare(query, "", None, context)
        if code == "RATE_LIMITED":
            house.rates.charge(context, 880)  # and the new document took another 100
        async with house.admission.of(None):
            with pytest.raises(RequestRefused) as refused:
                await house.execute(prepared, {}, context)
            assert refused.value.errors[0]["extensions"]["code"] == code
            assert house.admission.present == 1

"""Cost and rates, as a client meets them: over HTTP, over Server-Sent Events and on a socket."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import websockets

from resolvers.context import Viewer
from sources.records import Role
from support.back_ends import Urls
from support.servers import Server, serving
from support.sockets import bare, connected

WIDE = """
    query Wide($outer: Int!, $inner: Int!) {
      contacts(first: $outer) { edges { node { journey { contacts(first: $inner) { edges { node { id } } } } } } }
    }
"""
SMALL = "{ viewer { role } }"
RATES = {
    "OMNILOKET_COST__BURST": "2000",
    "OMNILOKET_COST__PER_SECOND": "10",
    "OMNILOKET_COST__ADDRESS_BURST": "6000",
    "OMNILOKET_COST__ADDRESS_PER_SECOND": "10",
    "OMNILOKET_LIMITS__ANONYMOUS_INTROSPECTION": "false",
    "OMNILOKET_TRUSTED_PROXIES": '["127.0.0.1"]',
}


@pytest.fixture(scope="module")
def frugal(sqlite_urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that gives 2,000 points to each principal, and 6,000 to each address, which a proxy tells."""
    with serving(sqlite_urls, tmp_path_factory.mktemp("frugal"), **RATES) as running:
        yield running


def post(server: Server, token: str | None, address: str = "192.0.2.1", **body: Any) -> httpx.Response:
    headers = {"x-forwarded-for": address, "omniloket-purpose": "intake"}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    return httpx.post(server.url, json=body, headers=headers, timeout=30)


def agent(server: Server, name: str) -> str:
    return server.token(Viewer(Role.AGENT, name, unit="PL1700"))


def test_an_operation_is_refused_by_its_price_before_it_runs(server: Server) -> None:
    # 10 for any operation, 1 for the connection, its rows, and for each contact itself, its journey, a connection, its
    # rows and its items.
    for inner, is_served in [(47, True), (48, False)]:
        answer = post(server, server.agent, query=WIDE, variables={"outer": 100, "inner": inner}).json()
        assert ("errors" not in answer) is is_served, answer
    (error,) = post(server, server.agent, query=WIDE, variables={"outer": 100, "inner": 48}).json()["errors"]
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": "max_operation",
        "price": 10_011,
        "maximum": 10_000,
    }


LENGTH = "query L($f: Int) { contacts(first: $f) { totalCount } }"
NO_INT = "Variable '$f' has invalid value: Int cannot represent non 32-bit signed integer value."
EVENTS = "text/event-stream"


@pytest.mark.parametrize("number", ["1e30", "18446744073709551616", "2147483648", "1" + "0" * 300])
async def test_a_length_that_is_no_int_is_bad_input_on_every_way_in(server: Server, number: str) -> None:
    body = f'{{"query": "{LENGTH}", "variables": {{"f": {number}}}}}'
    headers = {"authorization": f"Bearer {server.agent}", "content-type": "application/json"}
    plain = httpx.post(server.url, content=body, headers=headers)
    stream = httpx.post(server.url, content=body, headers={**headers, "accept": EVENTS})
    streamed = json.loads(stream.text.split("data: ")[1].split("\n")[0])
    for answer in (plain.json(), streamed):
        (error,) = answer["errors"]
        assert (error["message"], error["extensions"]) == (NO_INT, {"code": "BAD_USER_INPUT"})
    async with connected(server, server.agent) as socket:
        await socket.send(f'{{"id": "a", "type": "subscribe", "payload": {body}}}')
        assert await socket.errors("a") == ["BAD_USER_INPUT"]


async def test_a_price_beyond_all_numbers_is_told_as_the_largest(server: Server) -> None:
    most = "first: 2147483647"
    asked = f"contacts({most}) {{ edges {{ node {{ citizen {{ %s }} }} }} }}"
    query = "{ %s }" % (asked % (asked % (asked % "fullName")))
    for accept in ("application/json", EVENTS):
        answer = httpx.post(server.url, json={"query": query}, headers={"accept": accept})
        assert answer.status_code == 200, answer.text
        assert f'"price":{2**53 - 1},' in answer.text
    async with connected(server) as socket:
        await socket.subscribe("a", query)
        assert await socket.errors("a") == ["LIMIT_EXCEEDED"]


def test_a_number_too_long_for_python_is_one_id(server: Server) -> None:
    answer = httpx.post(server.url, json={"query": "{ nodes(ids: %s) { id } }" % ("9" * 5_000)})
    assert answer.json() == {"data": {"nodes": [None]}}


@pytest.mark.parametrize("size", ["-5", "-2147483648"])
def test_a_list_of_negative_length_gives_no_points_back(frugal: Server, size: str) -> None:
    token = agent(frugal, f"cunning {size}")
    less = f"{{ contacts(first: {size}) {{ edges {{ node {{ id }} }} }} }}"
    first, second = (post(frugal, token, "192.0.2.80", query=less, extensions={"cost": True}).json() for _ in range(2))
    assert first["extensions"]["cost"]["price"] == 11
    assert second["extensions"]["cost"]["left"] <= 1_990


def test_an_answer_tells_its_cost_to_who_asks(frugal: Server) -> None:
    token = agent(frugal, "curious")
    post(frugal, None, "192.0.2.11", query=SMALL)  # which makes it known
    answer = post(frugal, token, "192.0.2.10", query=SMALL, extensions={"cost": True}).json()
    cost = answer["extensions"]["cost"]
    assert cost["price"] == 11
    assert 1_980 <= cost["left"] <= 1_990
    assert cost["fullIn"] in (1, 2)
    assert "extensions" not in post(frugal, token, "192.0.2.10", query=SMALL).json()


def test_the_price_is_the_same_for_whoever_asks(frugal: Server) -> None:
    query = "{ contacts(first: 7) { totalCount edges { node { citizen { fullName } } } } }"
    for number, token in enumerate([None, agent(frugal, "priced"), frugal.citizen("999990019")]):
        answer = post(frugal, token, f"192.0.2.2{number}", query=query, extensions={"cost": True}).json()
        assert answer["extensions"]["cost"]["price"] == 10 + 1 + 7 + 5 + 7 * 2


def test_a_principal_that_has_used_its_points_is_told_when_to_come_back(frugal: Server) -> None:
    token = agent(frugal, "greedy")
    began, served = time.monotonic(), 0
    while (refused := post(frugal, token, "192.0.2.30", query=SMALL + " #" + "x" * 500)).status_code == 200:
        served += 1
    given_back = (time.monotonic() - began) * int(RATES["OMNILOKET_COST__PER_SECOND"])
    assert 150 <= served <= 151 + given_back / 11
    seconds = int(refused.headers["retry-after"])
    assert refused.json()["errors"][0]["extensions"] == {"code": "RATE_LIMITED", "retryAfter": seconds}
    assert seconds in (1, 2)
    assert post(frugal, agent(frugal, "modest"), "192.0.2.30", query=SMALL).status_code == 200


def test_documents_that_are_never_the_same_cost_by_their_length(frugal: Server) -> None:
    token = agent(frugal, "inventive")
    statuses = [post(frugal, token, "192.0.2.40", query="?" * 1_750 + str(n)).status_code for n in range(3)]
    assert statuses == [400, 400, 429]


def test_short_documents_that_are_never_the_same_cost_a_hundred_points_each(frugal: Server) -> None:
    token = agent(frugal, "brief")
    statuses = [post(frugal, token, "192.0.2.41", query=f"?{n}").status_code for n in range(40)]
    assert 19 <= statuses.index(429) <= 25


def test_a_long_body_is_paid_for_before_it_is_read(frugal: Server) -> None:
    token = agent(frugal, "long-winded")
    padding = {"padding": "x" * 200_000}
    asked = {"query": SMALL, "extensions": {**padding, "cost": True}}
    first = post(frugal, token, "192.0.2.43", **asked).json()["extensions"]["cost"]["left"]
    second = post(frugal, token, "192.0.2.43", **asked).json()["extensions"]["cost"]["left"]
    assert 105 <= first - second <= 112  # 98 of them for the body; some come back meanwhile
    statuses = [post(frugal, token, "192.0.2.43", **asked).status_code for _ in range(30)]
    assert 429 in statuses[14:20]


def test_variables_that_hold_too_much_cost_a_hundred_points(frugal: Server) -> None:
    token = agent(frugal, "wordy")
    much = {"query": SMALL, "variables": {"unknown": [0] * 5_000}}
    statuses = [post(frugal, token, "192.0.2.42", **much).status_code for _ in range(40)]
    assert 18 <= statuses.index(429) <= 25


def test_many_values_cost_a_point_for_every_four(frugal: Server) -> None:
    query = "query V($n: [String!], $d: Int = 3) { reports(first: $d, filter: {number: $n}) { totalCount } }"
    base = 10 + 1 + 3 + 5
    for number, more in [(0, 0), (100, 0), (101, 1), (497, 100)]:
        token, address = agent(frugal, f"valuable {number}"), f"198.51.100.{number % 250}"
        asked = {"variables": {"n": ["x"] * number}, "extensions": {"cost": True}}
        answer = post(frugal, token, address, query=query, **asked).json()
        # One more for the variable itself, one for the object that is written, and one for the default.
        assert answer["extensions"]["cost"]["price"] == base + more, (number, answer)


@pytest.mark.parametrize(("values", "is_taken"), [(1_333, True), (1_334, False)])
def test_values_count_as_often_as_their_variable_stands(server: Server, values: int, *, is_taken: bool) -> None:
    places = " ".join(f"a{n}: journeys(first: 0, filter: {{state: $f}}) {{ totalCount }}" for n in range(3))
    query = f"query V($f: [JourneyState!]) {{ {places} }}"
    answer = post(server, server.agent, query=query, variables={"f": ["OPEN"] * values})
    limits = [each["extensions"].get("limit") for each in answer.json()["errors"]]
    assert limits == ([None] * 3 if is_taken else ["values"]), answer.text


def test_a_fragment_s_variables_count_for_each_operation(server: Server) -> None:
    """Validation would look at all of them for each: 84 ms for 3,600 characters."""
    fragment = f"fragment F on Query {{ reports(filter: {{number: [{'$a ' * 480}]}}) {{ totalCount }} }} "
    query = fragment + " ".join(f"query Q{n}($a: String!) {{ ...F }}" for n in range(75))
    (error,) = post(server, None, query=query, operationName="Q0").json()["errors"]
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": "selections"}


def test_principals_of_one_address_share_its_points(frugal: Server) -> None:
    tokens = [agent(frugal, f"one of many {n}") for n in range(4)]
    wide = {"query": WIDE, "variables": {"outer": 19, "inner": 48}}
    post(
        frugal, agent(frugal, "first"), "192.0.2.52", query=WIDE, variables={"outer": 0, "inner": 0}
    )  # which makes it known
    assert [post(frugal, token, "192.0.2.50", **wide).status_code for token in tokens] == [200, 200, 200, 429]
    assert post(frugal, tokens[3], "192.0.2.51", **wide).status_code == 200
    assert post(frugal, None, "192.0.2.50", query=SMALL).status_code == 200


def test_tokens_that_do_not_hold_are_paid_for_by_their_address(frugal: Server) -> None:
    headers = {"x-forwarded-for": "192.0.2.70", "authorization": "Bearer x"}
    with httpx.Client(headers=headers) as client:
        answers = [client.post(frugal.url, json={"query": SMALL}).status_code for _ in range(660)]
    assert answers[:600] == [401] * 600
    assert answers[-1] == 429
    assert post(frugal, None, "192.0.2.70", query=SMALL).status_code == 429
    assert post(frugal, None, "192.0.2.71", query=SMALL).status_code == 200


async def test_tokens_that_do_not_hold_cost_as_much_on_sockets(frugal: Server) -> None:
    forwarded = {"additional_headers": {"X-Forwarded-For": "192.0.2.75"}}
    with httpx.Client(headers={"x-forwarded-for": "192.0.2.75", "authorization": "Bearer x"}) as client:
        for _ in range(580):
            client.post(frugal.url, json={"query": SMALL})
    codes: list[int] = []
    while len(codes) < 100 and 4429 not in codes:
        try:
            async with bare(frugal, **forwarded) as socket:
                await socket.send({"type": "connection_init", "payload": {"Authorization": "Bearer x"}})
                codes.append((await socket.closed())[0])
        except websockets.InvalidStatus:  # what is left is not enough to open one: in a second it is, and no more
            await asyncio.sleep(1.2)
    assert codes[:10] == [4403] * 10
    assert codes[-1] == 4429


async def _open_until_refused(server: Server, forwarded: dict[str, Any]) -> None:
    for _ in range(90):
        async with bare(server, **forwarded):
            pass


async def test_opening_sockets_is_paid_for_by_their_address(frugal: Server) -> None:
    forwarded = {"additional_headers": {"X-Forwarded-For": "192.0.2.76"}}
    with httpx.Client(headers={"x-forwarded-for": "192.0.2.76", "authorization": "Bearer x"}) as client:
        for _ in range(590):
            client.post(frugal.url, json={"query": SMALL})
    for _ in range(10):
        async with bare(frugal, **forwarded):
            pass
    with pytest.raises(websockets.InvalidStatus) as refused:
        await _open_until_refused(frugal, forwarded)
    assert refused.value.response.status_code == 429
    assert int(refused.value.response.headers["Retry-After"]) >= 1


async def test_sockets_and_streams_pay_as_well(frugal: Server) -> None:
    token = agent(frugal, "connected")
    post(frugal, None, "192.0.2.61", query=SMALL)  # which makes it known
    forwarded = {"additional_headers": {"X-Forwarded-For": "192.0.2.60"}}
    live = "subscription { contactRegistered { cursor } }"
    async with connected(frugal, token, **forwarded) as socket:
        await socket.send({"id": "a", "type": "subscribe", "payload": {"query": SMALL, "extensions": {"cost": True}}})
        answer = await socket.event("a")
        assert answer["extensions"]["cost"]["price"] == 11
        assert (await socket.receive())["type"] == "complete"
        await socket.subscribe("b", "?" * 3_700)
        assert await socket.errors("b") == ["GRAPHQL_PARSE_FAILED"]
        await socket.subscribe("c", live + " #" + "x" * 400)
        assert await socket.errors("c") == ["RATE_LIMITED"]
    headers = {"authorization": f"Bearer {token}", "omniloket-purpose": "intake", "accept": "text/event-stream"}
    headers |= {"x-forwarded-for": "192.0.2.60"}
    refused = httpx.post(frugal.url, json={"query": live + " #" + "x" * 400}, headers=headers, timeout=30)
    assert refused.status_code == 429
    assert refused.headers["content-type"].startswith("application/json")


def test_who_has_no_token_does_not_see_the_schema_save_where_development_tokens_hold(
    server: Server, frugal: Server
) -> None:
    introspection = "{ __schema { queryType { name } } }"
    shown = {"data": {"__schema": {"queryType": {"name": "Query"}}}}
    refused = post(frugal, None, "192.0.2.80", query=introspection)
    assert refused.json()["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
    assert post(frugal, agent(frugal, "reader"), "192.0.2.80", query=introspection).json() == shown
    assert post(server, None, query=introspection).json() == shown

"""Several requests in one body: refused unless switched on, bounded, and each one a request of its own."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.back_ends import Urls
from support.servers import Server, serving

ROLE = {"query": "{ viewer { role } }"}
AGENT = {"data": {"viewer": {"role": "AGENT"}}}


@pytest.fixture(scope="module")
def server(sqlite_urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {"OMNILOKET_REQUESTS__BATCH": "3", "OMNILOKET_COST__MAX_OPERATION": "1000"}
    with serving(sqlite_urls, tmp_path_factory.mktemp("batches"), **environment) as running:
        yield running


def post(server: Server, body: Any, token: str | None = None) -> httpx.Response:
    return httpx.post(server.url, json=body, headers={"authorization": f"Bearer {token or server.agent}"}, timeout=30)


def code(answer: Any) -> str:
    return answer["errors"][0]["extensions"]["code"]


def test_as_many_as_allowed_are_answered_each_at_its_place(server: Server) -> None:
    asked = [
        ROLE,
        {"query": "query($on: Boolean!) { channels { code @include(if: $on) } }", "variables": {"on": True}},
        ROLE,
    ]
    answer = post(server, asked)
    assert answer.status_code == 200
    first, second, third = answer.json()
    assert first == third == AGENT
    assert len(second["data"]["channels"]) > 5


def test_one_more_is_refused_whole(server: Server) -> None:
    answer = post(server, [ROLE] * 4)
    assert (answer.status_code, code(answer.json())) == (400, "LIMIT_EXCEEDED")
    assert (post(server, []).status_code, post(server, [ROLE] * 3).status_code) == (400, 200)


def test_what_is_wrong_with_one_is_told_at_its_place_and_the_others_are_answered(server: Server) -> None:
    wrong = [
        {"query": "{"},
        {"query": 5},
        {"query": "subscription { contactRegistered { cursor } }"},
        "{",
        None,
        [ROLE],
    ]
    for each in wrong:
        told, good = post(server, [each, ROLE]).json()
        assert code(told) in {"GRAPHQL_PARSE_FAILED", "BAD_USER_INPUT"}
        assert good == AGENT


def test_each_pays_for_itself(server: Server) -> None:
    dear = {
        "query": "{ contacts(first: 100) { edges { node { id journey { id contacts(first: 100) { totalCount } } } } } }"
    }
    told, good = post(
        server, [{**dear, "query": dear["query"].replace("totalCount", "edges { node { id } }")}, ROLE]
    ).json()
    assert code(told) == "LIMIT_EXCEEDED"
    assert good == AGENT


def test_a_bad_token_refuses_each(server: Server) -> None:
    assert {code(each) for each in post(server, [ROLE, ROLE], token="bad").json()} == {"UNAUTHENTICATED"}


def test_without_the_setting_a_list_is_refused(sqlite_urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(sqlite_urls, tmp_path_factory.mktemp("single")) as single:
        assert post(single, [ROLE]).status_code == 400

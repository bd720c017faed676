"""GraphQL over HTTP, as its specification (September 2026) says, against the real server."""

import gzip
import json
import socket
from contextlib import suppress
from typing import Any

import httpx
import pytest

from support.servers import Server

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
CHARSET = "; charset=utf-8"
BOTH = [GRAPHQL, JSON]
FINE = {"query": "{ __typename }"}


def post(server: Server, client: httpx.Client, body: Any, accept: str | None = GRAPHQL, **headers: str) -> Any:
    """A POST of JSON, or of bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content-type": JSON, **({"accept": accept} if accept else {}), **headers}
    return client.post(server.url, content=content, headers={**given})


def get(server: Server, client: httpx.Client, accept: str = GRAPHQL, **parameters: str) -> Any:
    return client.get(server.url, params=parameters, headers={"accept": accept})


def refused(response: httpx.Response, status: int, code: str = "BAD_USER_INPUT") -> None:
    """A refusal is a GraphQL response with errors, each with a code, and no data."""
    assert response.status_code == status, response.text
    answer = response.json()
    assert "data" not in answer
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    assert all(error["message"] for error in answer["errors"])


@pytest.mark.parametrize(
    ("accept", "served"),
    [
        (None, GRAPHQL),
        ("*/*", GRAPHQL),
        ("application/*", GRAPHQL),
        (GRAPHQL, GRAPHQL),
        (JSON, JSON),
        (JSON + CHARSET, JSON),
        (f"{GRAPHQL}; charset=UTF-8", GRAPHQL),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"{JSON}, {GRAPHQL};q=0.9", JSON),
        (f"{GRAPHQL};q=0, */*", JSON),
        ("text/html, application/xhtml+xml, */*;q=0.8", GRAPHQL),
        (f"text/event-stream, {JSON}", JSON),
        ("application/graphql-response+json;q=nonsense, application/json;q=0.1", JSON),
    ],
)
def test_accept_is_negotiated(server: Server, client: httpx.Client, accept: str | None, served: str) -> None:
    client.headers.pop("accept", None)
    response = post(server, client, FINE, accept)
    assert response.status_code == 200
    assert response.headers["content-type"] == served + CHARSET
    assert response.json() == {"data": {"__typename": "Query"}}
    assert response.headers["cache-control"] == "no-store"
    assert "accept" in response.headers["vary"].lower()


@pytest.mark.parametrize("accept", ["text/html", f"{JSON};q=0", f"{GRAPHQL}; charset=utf-16", "image/*"])
def test_what_cannot_be_served_is_not_acceptable(server: Server, client: httpx.Client, accept: str) -> None:
    refused(post(server, client, FINE, accept), 406)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (JSON, 200),
        (JSON + CHARSET, 200),
        ('application/json; charset="UTF-8"', 200),
        ("Application/JSON", 200),
        (f"{JSON}; charset=iso-8859-1", 415),
        ("text/plain", 415),
        ("application/graphql", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ],
)
def test_content_types(server: Server, client: httpx.Client, content_type: str, status: int) -> None:
    response = post(server, client, FINE, **{"content-type": content_type})
    assert response.status_code == status
    if status != 200:
        refused(response, 415)


def test_a_body_without_a_content_type_is_refused(server: Server, client: httpx.Client) -> None:
    request = client.build_request("POST", server.url, content=json.dumps(FINE))
    request.headers.pop("content-type", None)
    refused(client.send(request), 415)


def test_a_compressed_body_is_refused(server: Server, client: httpx.Client) -> None:
    body = gzip.compress(json.dumps(FINE).encode())
    refused(post(server, client, body, **{"content-encoding": "gzip"}), 415)
    refused(post(server, client, body), 400)


@pytest.mark.parametrize("accept", BOTH)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"NONSENSE",
        b'{"query":',
        b"null",
        b'"x"',
        b"1",
        b"true",
        b"[]",
        b"[" * 100_000,
        b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 40_000 + b"}" * 40_000 + b"}",
        b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 5_000,
        b"\xff\xfe\x00",
        b'{"query": "\xff"}',
        b"{}",
        b'{"qeury": "{ __typename }"}',
        b'{"query": null}',
        b'{"query": 1}',
        b'{"query": {}}',
        b'{"query": ["{ __typename }"]}',
        b'{"query": "{ __typename }", "variables": [7]}',
        b'{"query": "{ __typename }", "variables": "x"}',
        b'{"query": "{ __typename }", "operationName": 1}',
        b'{"query": "{ __typename }", "extensions": "x"}',
        b'{"extensions": {"persistedQuery": {"version": 1}}}',
        b'{"documentId": 1}',
    ],
    ids=lambda body: body[:45].decode(errors="replace"),
)
def test_what_is_no_request_is_400_in_both_media_types(
    server: Server, client: httpx.Client, body: bytes, accept: str
) -> None:
    refused(post(server, client, body, accept), 400)


def test_numbers_beyond_python_s_own_limit_are_no_trouble(server: Server, client: httpx.Client) -> None:
    body = b'{"query": "query Q($n: Int) { contacts(first: $n) { totalCount } }", "variables": {"n": ' + b"9" * 5_000
    refused(post(server, client, body + b"}}"), 400)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": ""}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{" * 50}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{" * 51}, "LIMIT_EXCEEDED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query A { __typename } query B { __typename }"}, "BAD_USER_INPUT"),
        ({"query": "query A { __typename }", "operationName": "B"}, "BAD_USER_INPUT"),
        ({"query": "query A { __typename }", "operationName": ""}, "BAD_USER_INPUT"),
        ({"query": "fragment F on Query { __typename }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query A($n: Int!) { contacts(first: $n) { totalCount } }"}, "BAD_USER_INPUT"),
        (
            {"query": "query A($n: Int) { contacts(first: $n) { totalCount } }", "variables": {"n": "x"}},
            "BAD_USER_INPUT",
        ),
        ({"query": "subscription S { contactRegistered { cursor } }"}, "BAD_USER_INPUT"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_request_errors_have_a_status_for_each_media_type(
    server: Server, client: httpx.Client, body: dict[str, Any], code: str
) -> None:
    refused(post(server, client, body, GRAPHQL), 400, code)
    refused(post(server, client, body, JSON), 200, code)


def test_field_errors_are_a_partial_success(server: Server, client: httpx.Client) -> None:
    body = {"query": "{ channels { code } contacts { totalCount } }"}
    for accept, status in ((GRAPHQL, 294), (JSON, 200)):
        response = post(server, client, body, accept)
        assert response.status_code == status
        assert response.json()["data"]["contacts"] is None
        assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_null_parameters_are_as_good_as_none_and_unknown_ones_are_ignored(server: Server, client: httpx.Client) -> None:
    more = {"operationName": None, "variables": None, "extensions": None, "documentId": None, "x-other": 1}
    assert post(server, client, {**FINE, **more}).status_code == 200


def test_get_answers_queries(server: Server, client: httpx.Client) -> None:
    variables = json.dumps({"deep": False})
    query = "query A($deep: Boolean!) { __typename channels @include(if: $deep) { code } } query B { __typename }"
    assert get(server, client, query=query, operationName="A", variables=variables).json() == {
        "data": {"__typename": "Query"}
    }
    assert get(server, client, query="{ __typename }", operationName="", extensions="").status_code == 200
    assert get(server, client, query="query null { __typename }", operationName="null").status_code == 200


@pytest.mark.parametrize(
    "parameters",
    [
        "",
        "?query=",
        "?query=%7B__typename%7D&variables=x",
        "?query=%7B__typename%7D&variables=1",
        "?query=%7B__typename%7D&extensions=%5B%5D",
        "?query=%7B__typename%7D&query=%7B__typename%7D",
        "?query=%7B__typename%7D&operationName=A",
        "?variables=%7B%7D",
    ],
)
def test_a_malformed_get_is_400(server: Server, client: httpx.Client, parameters: str) -> None:
    response = client.get(server.url + parameters, headers={"accept": GRAPHQL})
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] in ("BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED")


@pytest.mark.parametrize("accept", BOTH)
def test_a_mutation_by_get_is_405(server: Server, client: httpx.Client, accept: str) -> None:
    response = get(server, client, accept, query="mutation { __typename }")
    refused(response, 405)
    assert response.headers["allow"] == "POST"
    response = get(server, client, accept, query="query A { __typename } mutation B { __typename }", operationName="B")
    refused(response, 405)


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ('{ citizen(by: {bsn: "900000004"}) { id } }', {}),
        ("query Q($by: CitizenBy!) { citizen(by: $by) { id } }", {"by": {"bsn": "900000004"}}),
        ("query Q($b: BSN!) { citizen(by: {bsn: $b}) { id } }", {"b": "900000004"}),
        ('{ citizens(match: {email: "a@example.nl"}) { totalCount } }', {}),
        ("query Q($m: CitizenMatch!) { citizens(match: $m) { totalCount } }", {"m": {"name": {"familyName": "x"}}}),
        ('{ contacts(filter: {phone: "+31612345678"}) { totalCount } }', {}),
        ('{ _entities(representations: [{__typename: "Citizen", bsn: "900000004"}]) { __typename } }', {}),
        (
            "query Q($r: [_Any!]!) { _entities(representations: $r) { __typename } }",
            {"r": [{"__typename": "Citizen", "id": "x", "phone": "+31612345678"}]},
        ),
        ("query Q($by: CitizenBy!) { __typename citizen(by: $by) { id } }", {"by": {"id": "x"}, "bsn": "900000004"}),
    ],
)
def test_personal_data_never_stands_in_a_url(
    server: Server, client: httpx.Client, query: str, variables: dict[str, Any]
) -> None:
    response = get(server, client, query=query, variables=json.dumps(variables))
    refused(response, 405)
    assert response.headers["allow"] == "POST"
    assert get(server, client, query='{ __type(name: "Query") { name } }').status_code == 200


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query Q($name: String!) { __type(name: $name) { name } }", {"name": "Query"}),
        ("query Q($phone: [ID!]!) { nodes(ids: $phone) { id } }", {"phone": []}),
    ],
)
def test_what_a_variable_is_called_says_nothing_of_what_it_is_for(
    server: Server, client: httpx.Client, query: str, variables: dict[str, Any]
) -> None:
    response = get(server, client, query=query, variables=json.dumps(variables))
    assert (response.status_code, "errors" in response.json()) == (200, False), response.text


def test_entities_may_be_asked_for_by_get_with_their_keys(server: Server, client: httpx.Client) -> None:
    query = "query Q($r: [_Any!]!) { _entities(representations: $r) { ... on Channel { code } } }"
    variables = json.dumps({"r": [{"__typename": "Channel", "code": "APP"}]})
    assert get(server, client, query=query, variables=variables).json() == {"data": {"_entities": [{"code": "APP"}]}}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_other_methods_are_405(server: Server, client: httpx.Client, method: str) -> None:
    response = client.request(method, server.url)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("accept", BOTH)
def test_persisted_queries_are_answered_in_the_form_that_clients_fall_back_on(
    server: Server, client: httpx.Client, accept: str
) -> None:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": "ab" * 32}}
    response = post(server, client, {"extensions": extensions}, accept)
    assert response.status_code == (400 if accept == GRAPHQL else 200)
    (error,) = response.json()["errors"]
    assert error == {"message": "PersistedQueryNotSupported", "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"}}
    assert post(server, client, {**FINE, "extensions": extensions}, accept).json() == {"data": {"__typename": "Query"}}


def test_the_body_may_have_a_quarter_of_a_mebibyte_and_no_more(server: Server, client: httpx.Client) -> None:
    frame = json.dumps({**FINE, "extensions": {"padding": "#"}})
    fitting = frame.replace("#", "x" * (2**18 - len(frame) + 1))
    assert len(fitting) == 2**18
    assert post(server, client, fitting.encode()).status_code == 200
    refused(post(server, client, fitting.encode() + b" "), 413, "LIMIT_EXCEEDED")

    def unannounced() -> Any:
        yield from [b" " * 65536] * 5

    response = client.post(server.url, content=unannounced(), headers={"content-type": JSON, "accept": GRAPHQL})
    refused(response, 413, "LIMIT_EXCEEDED")


@pytest.mark.parametrize("token", ["x", "", "a.b.c", "x" * 9_000])
@pytest.mark.parametrize("scheme", ["Bearer", "Basic", "bearer"])
def test_a_token_that_does_not_hold_is_401(server: Server, client: httpx.Client, token: str, scheme: str) -> None:
    response = post(server, client, FINE, authorization=f"{scheme} {token}".strip())
    refused(response, 401, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("characters", "status"), [(1_000, 200), (1_001, 406), (60_000, 406)])
def test_accept_has_so_many_characters(server: Server, client: httpx.Client, characters: int, status: int) -> None:
    accept = f"{GRAPHQL}, a/a;"
    accept += "a" * (characters - len(accept))
    assert post(server, client, FINE, accept=accept).status_code == status


def test_a_missing_object_is_null_without_an_error(server: Server, client: httpx.Client) -> None:
    body = {"query": '{ node(id: "bm90aGluZw") { id } nodes(ids: ["x", ""]) { id } }'}
    response = post(server, client, body, authorization=f"Bearer {server.agent}")
    assert response.json() == {"data": {"node": None, "nodes": [None, None]}}


def test_deeply_nested_variables_give_an_error_and_not_a_crash(server: Server, client: httpx.Client) -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    query = "query Q($by: ReportBy!) { report(by: $by) { number } }"
    for by in (deep, {"number": deep}):
        refused(post(server, client, {"query": query, "variables": {"by": by}}), 400, "LIMIT_EXCEEDED")


def test_no_answer_repeats_a_value_that_was_given(server: Server, client: httpx.Client) -> None:
    for query, variables in [
        ("query Q($n: Int) { contacts(first: $n) { totalCount } }", {"n": "Jansen 900000004"}),
        ("query Q($b: CitizenBy!) { citizen(by: $b) { id } }", {"b": {"bsn": "900000004", "x": "Jansen"}}),
        ("query Q($b: BSN!) { citizen(by: {bsn: $b}) { id } }", {"b": "900000005"}),
        ('{ contacts(first: "900000004") { totalCount } }', {}),
        ('{ citizen(by: {bsn: ["900000004"]}) { id } }', {}),
        ("query Q($d: DateTime!) { contacts(filter: {since: $d}) { totalCount } }", {"d": "900000004"}),
        ("query Q($r: [_Any!]!) { _entities(representations: $r) { __typename } }", {"r": [None, "900000004"]}),
        ('{ _entities(representations: [{__typename: "Jansen", id: 900000004}, {}]) { __typename } }', {}),
        ("query Q($f: ContactFilter!) { contacts(filter: $f) { totalCount } }", {"f": {"direction": "Jansen"}}),
        ("query Q($b: CitizenBy!) { citizen(by: $b) { id } }", {"b": {"bsn": "900000004", "id": "Jansen"}}),
        ('{ contacts(first: "Jansen") { totalCount } }', {}),
        ('{ contacts(filter: {unassigned: "Jansen"}) { totalCount } }', {}),
        ('{ contacts(filter: {direction: "Jansen"}) { totalCount } }', {}),
        ("{ contacts(filter: {direction: Jansen}) { totalCount } }", {}),
        ('{ citizen(by: {bsn: "900000004", id: "Jansen"}) { id } }', {}),
        ('{ citizen(by: "Jansen") { id } }', {}),
        ('{ citizen(by: {bsn: "900000004" "Jansen"}) { id } }', {}),
    ]:
        body = {"query": query, "variables": variables}
        response = post(server, client, body, authorization=f"Bearer {server.agent}")
        assert "errors" in response.json()
        assert "90000000" not in response.text, response.text
        assert "Jansen" not in response.text, response.text


def test_a_request_that_is_cut_off_costs_nobody_else(server: Server, client: httpx.Client) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
        )
    assert post(server, client, FINE).status_code == 200
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{" + "a: id " * 1_000 + "}", "at most 2000 tokens"),
        ("{ __typename } #" + "x" * 32_768, "at most 32768 characters"),
        ("{ a" * 60 + " }" * 60, "nested at most 50 deep"),
        ("{" + " ".join(f"a{n}: viewer {{ role }}" for n in range(51)) + "}", "at most 20 fields of the root"),
        ("{ viewer {" + " ".join(f"a{n}: role" for n in range(51)) + "} }", "at most 50 aliases"),
        (
            "{ ...F0 }" + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(24)),
            "1000 selections",
        ),
    ],
)
def test_a_document_that_would_hold_up_the_others_is_refused(
    server: Server, client: httpx.Client, query: str, words: str
) -> None:
    response = post(server, client, {"query": query})
    refused(response, 400, "LIMIT_EXCEEDED")
    assert words in response.json()["errors"][0]["message"]


def test_two_fragments_of_one_name_are_refused_at_once(server: Server, client: httpx.Client) -> None:
    many = "viewer { role } " * 480
    query = f"{{ ...A }} fragment A on Query {{ {many} }} fragment A on Query {{ __typename }}"
    response = post(server, client, {"query": query})
    refused(response, 400, "GRAPHQL_VALIDATION_FAILED")
    assert [each["message"] for each in response.json()["errors"]] == ["There can be only one fragment named 'A'."]


@pytest.mark.parametrize(
    "query",
    [
        "query Q($states: [JourneyState!]) { journeys(filter: {state: $states}) { totalCount } }",
        "query Q($states: [String!]) { contacts(filter: {channel: $states}) { totalCount } }",
        "{ __typename }",
    ],
)
def test_variables_may_hold_so_many_values(server: Server, client: httpx.Client, query: str) -> None:
    """Whatever they are for: those of nobody, too."""
    agent = {"authorization": f"Bearer {server.agent}", "omniloket-purpose": "intake"}
    body = {"query": query, "variables": {"states": ["OPEN"] * 3_999}}
    assert post(server, client, body, **agent).status_code in (200, 294)  # a filter takes fewer
    for beyond in (["OPEN"] * 4_000, [[]] * 60_000, [{"OPEN": ["OPEN"] * 3_998}]):
        response = post(server, client, {"query": query, "variables": {"states": beyond}})
        refused(response, 400, "LIMIT_EXCEEDED")
        assert response.json()["errors"][0]["extensions"]["limit"] == "values"


@pytest.mark.parametrize(
    ("field", "name", "value"),
    [
        ("contacts", "channel", "APP"),
        ("journeys", "state", "OPEN"),
        ("journeys", "channel", "APP"),
        ("reports", "status", "CLOSED"),
        ("reports", "number", "PL1700-2026000001"),
    ],
)
def test_a_filter_lists_a_hundred_values(
    server: Server, client: httpx.Client, field: str, name: str, value: str
) -> None:
    kind = {"contacts": "ContactFilter", "journeys": "JourneyFilter", "reports": "ReportFilter"}[field]
    query = f"query Q($filter: {kind}) {{ {field}(first: 0, filter: $filter) {{ edges {{ cursor }} }} }}"
    agent = {"authorization": f"Bearer {server.agent}", "omniloket-purpose": "intake"}

    def asked(number: int) -> Any:
        body = {"query": query, "variables": {"filter": {name: [value] * number}}}
        return post(server, client, body, **agent).json()

    assert asked(100) == {"data": {field: {"edges": []}}}
    (error,) = asked(101)["errors"]
    assert (error["message"], error["extensions"]["code"]) == (f"'{name}' takes at most 100 values.", "BAD_USER_INPUT")


@pytest.mark.parametrize("directive", ["@include(if: $asked)", "@skip(if: $asked)"])
def test_a_decision_may_not_be_null(server: Server, client: httpx.Client, directive: str) -> None:
    for query in (
        f"query Q($asked: Boolean = true) {{ viewer {{ role {directive} }} }}",
        f"query Q($asked: Boolean = true) {{ viewer {{ ... {directive} {{ role }} }} }}",
        f"query Q($asked: Boolean = true) {{ viewer {{ ...F {directive} }} }} fragment F on Viewer {{ role }}",
    ):
        response = post(server, client, {"query": query, "variables": {"asked": None}})
        refused(response, 400)
        assert "'$asked'" in response.json()["errors"][0]["message"]


def test_names_are_never_suggested(server: Server, client: httpx.Client) -> None:
    for query, variables in [
        ("{ vieweer { role } }", {}),
        ("{ viewer { roll } }", {}),
        ("{ contacts(frist: 1) { totalCount } }", {}),
        ("{ contacts(filter: {chanel: []}) { totalCount } }", {}),
        ("{ journeys(filter: {state: OPPEN}) { totalCount } }", {}),
        ("{ viewer { ... on Vieweer { role } } }", {}),
        ("query Q($f: ContactFilterr) { contacts(filter: $f) { totalCount } }", {}),
        ("query Q($f: ContactFilter) { contacts(filter: $f) { totalCount } }", {"f": {"chanel": []}}),
        ("query Q($f: JourneyFilter) { journeys(filter: $f) { totalCount } }", {"f": {"state": ["OPPEN"]}}),
    ]:
        response = post(server, client, {"query": query, "variables": variables})
        assert response.status_code == 400
        assert "mean" not in response.text, response.text


def test_two_of_one_are_a_mistake_of_the_question_s(server: Server, client: httpx.Client) -> None:
    for by in ['{id: "a", number: "b"}', "{}", "{number: null}"]:
        query = {"query": f"{{ report(by: {by}) {{ id }} }}"}
        refused(post(server, client, query, authorization=f"Bearer {server.agent}"), 400, "GRAPHQL_VALIDATION_FAILED")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /graphql?query=" + b"x" * 1_000_000,
        b"GET /graphql HTTP/1.1\r\nhost: x\r\nx: " + b"x" * 1_000_000,
        b"GET /graphql HTTP/1.1\r\nhost: x\r\n" + b"x: y\r\n" * 100_000,
    ],
)
def test_a_head_that_does_not_end_is_cut_off(server: Server, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw, suppress(ConnectionError):
        raw.sendall(head)
        assert raw.recv(100).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /graphql?query=%ff%zz%00 HTTP/1.1", b"400"),
        (b"GET /graphql?query=%7B__typename%7D&variables=%00 HTTP/1.1", b"400"),
        (b"GET /graphql?%ff=1&query=%7B__typename%7D HTTP/1.1", b"200"),
        (b"GET /%ff%00 HTTP/1.1", b"404"),
        (b"OPTIONS * HTTP/1.1", b"404"),
        (b"POST /graphql HTTP/1.1\r\ncontent-length: \xb2", b"400"),
        (b"POST /graphql HTTP/1.1\r\ncontent-length: 2\r\ncontent-type: \xff\xfe", b"415"),
        (b"GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nauthorization: Bearer \xff\xfe.a.b", b"401"),
        (b"GET /graphql HTTP/1.1\r\naccept: \xff", b"406"),
    ],
)
def test_bytes_that_are_no_text_are_no_trouble(server: Server, request_line: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(request_line + b"\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert raw.recv(1000).split(b" ")[1] == status

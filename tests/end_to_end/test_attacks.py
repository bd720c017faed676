"""The ways in that somebody would try who wants to see what is not theirs; docs/access.md lists them with results."""

import base64
import json
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from resolvers.context import Viewer
from resolvers.ids import encode
from sources.records import Role
from sources.sealing import citizen_key
from sources.sql.incidents import BETROKKENE, INCIDENT
from sources.sql.persons import PERSOON
from sources.sql.servicemodule import BIJLAGE, KLANTCONTACT, MEDEWERKER
from support.back_ends import SEALER, Urls, rows_of
from support.servers import Server
from support.sockets import bare, connected

AGENT = Viewer(Role.AGENT, "agent", unit="PL0600")


@pytest.fixture
async def victim(sqlite_urls: Urls) -> dict[str, Any]:
    """Somebody with contacts, a file and reports, of whom another citizen would like to know."""
    contacts = {row["nummer"]: row["bsn"] for row in await rows_of(sqlite_urls["servicemodule"], KLANTCONTACT)}
    attachment = next(
        row for row in await rows_of(sqlite_urls["servicemodule"], BIJLAGE) if contacts[row["klantcontact_nummer"]]
    )
    bsn = contacts[attachment["klantcontact_nummer"]]
    person = next(row for row in await rows_of(sqlite_urls["persons"], PERSOON) if row["bsn"] == bsn)
    return {**person, "contact": attachment["klantcontact_nummer"], "attachment": attachment["nummer"]}


@pytest.fixture
async def attacker(sqlite_urls: Urls, server: Server, victim: dict[str, Any]) -> str:
    """The token of another citizen, of another family."""
    people = await rows_of(sqlite_urls["persons"], PERSOON)
    return server.citizen(next(row["bsn"] for row in people if row["geslachtsnaam"] != victim["geslachtsnaam"]))


def ask(server: Server, token: str | None, query: str, purpose: str | None = None, **variables: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    headers |= {} if purpose is None else {"omniloket-purpose": purpose}
    return httpx.post(server.url, json={"query": query, "variables": variables}, headers=headers, timeout=30)


def codes(response: httpx.Response) -> set[str]:
    return {error["extensions"]["code"] for error in response.json().get("errors", [])}


async def test_guessing_ids_finds_nothing(server: Server, attacker: str, victim: dict[str, Any]) -> None:
    query = "query Q($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    kinds = ("Contact", "Journey", "Handover", "StatusChange", "Attachment")
    for kind in kinds:
        guessed = ask(server, attacker, query, ids=[encode(kind, serial) for serial in range(10**9, 10**9 + 50)])
        assert guessed.json() == {"data": {"nodes": [None] * 50}}
    theirs = [encode("Contact", victim["contact"]), encode("Attachment", victim["attachment"])]
    theirs.append(encode("Citizen", citizen_key(SEALER, victim["bsn"])))
    nowhere = [encode("Contact", 10**9), encode("Attachment", 10**9), encode("Citizen", "x")]
    assert ask(server, attacker, query, ids=theirs).content == ask(server, attacker, query, ids=nowhere).content


async def test_a_citizen_s_id_cannot_be_made_or_changed(server: Server, attacker: str, victim: dict[str, Any]) -> None:
    sealed = citizen_key(SEALER, victim["bsn"])
    tampered = [sealed[:-4] + "AAAA", sealed[4:], "1" + sealed, sealed.lower(), victim["bsn"], ""]
    query = "query Q($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    for token, purpose in ((attacker, None), (server.token(AGENT), "intake")):
        response = ask(server, token, query, purpose, ids=[encode("Citizen", key) for key in tampered])
        assert response.json() == {"data": {"nodes": [None] * len(tampered)}}


async def test_aliases_try_no_more_than_one_by_one(server: Server, attacker: str, sqlite_urls: Urls) -> None:
    numbers = [row["nummer"] for row in await rows_of(sqlite_urls["incidents"], INCIDENT)][:20]
    own = {edge["node"]["number"] for edge in _own_reports(server, attacker)}
    fields = " ".join(f'r{i}: report(by: {{number: "{number}"}}) {{ number }}' for i, number in enumerate(numbers))
    found = ask(server, attacker, f"{{ {fields} }}").json()
    assert "errors" not in found
    assert {each["number"] for each in found["data"].values() if each} <= own


def _own_reports(server: Server, token: str) -> list[Any]:
    answer = ask(server, token, "{ reports(first: 100) { edges { node { number } } } }").json()
    return answer["data"]["reports"]["edges"]


async def test_filters_find_nothing_of_others(server: Server, attacker: str, victim: dict[str, Any]) -> None:
    query = """
        query Q($bsn: BSN!, $phone: String!, $email: String!, $name: String!) {
          a: citizens(match: {bsn: $bsn}) { totalCount edges { cursor } }
          b: citizens(match: {phone: $phone}) { totalCount edges { cursor } }
          c: citizens(match: {email: $email}) { totalCount edges { cursor } }
          d: citizens(match: {name: {familyName: $name}}) { totalCount edges { node { bsn } } }
          e: contacts(filter: {phone: $phone}) { totalCount edges { cursor } }
          f: citizen(by: {bsn: $bsn}) { id }
        }
    """
    theirs = {
        "bsn": victim["bsn"],
        "phone": victim["telefoonnummer"] or "+31612345678",
        "email": victim["emailadres"] or "x@example.nl",
        "name": victim["geslachtsnaam"] or "x",
    }
    nobodys = {"bsn": "999999990", "phone": "+31699999999", "email": "nobody@example.nl", "name": "Nobody Such"}
    assert ask(server, attacker, query, **theirs).content == ask(server, attacker, query, **nobodys).content


async def test_confidential_reports_cannot_be_felt_by_filters_and_totals(server: Server, sqlite_urls: Urls) -> None:
    number = next(row["nummer"] for row in await rows_of(sqlite_urls["incidents"], INCIDENT) if row["vertrouwelijk"])
    query = """
        query Q($number: String!) {
          reports(filter: {number: [$number]}) { totalCount pageInfo { hasNextPage endCursor } edges { cursor } }
          report(by: {number: $number}) { id }
        }
    """
    token = server.token(AGENT)
    there = ask(server, token, query, "intake", number=number)
    assert there.json()["data"]["reports"]["totalCount"] == 0
    assert there.content == ask(server, token, query, "intake", number="PL0000-1999000000").content


async def test_another_s_cursor_shows_nothing_more(server: Server, attacker: str) -> None:
    """Sort probing: a place between other people's rows, taken from somebody who may see them."""
    agents = ask(server, server.agent, "{ contacts(first: 50) { edges { cursor } } }", "intake").json()
    own = ask(server, attacker, "{ contacts(first: 100) { edges { node { id } } } }").json()
    ids = {edge["node"]["id"] for edge in own["data"]["contacts"]["edges"]}
    query = "query Q($after: String) { contacts(first: 100, after: $after) { edges { node { id } } } }"
    for edge in agents["data"]["contacts"]["edges"][::10]:
        found = ask(server, attacker, query, after=edge["cursor"]).json()["data"]["contacts"]["edges"]
        assert {each["node"]["id"] for each in found} <= ids


@pytest.mark.parametrize("role", [None, Role.CHANNEL, Role.DEVELOPER])
async def test_entities_without_a_personal_role_are_refused(
    server: Server, victim: dict[str, Any], role: Role | None
) -> None:
    query = "query Q($r: [_Any!]!) { _entities(representations: $r) { __typename } }"
    token = None if role is None else server.token(Viewer(role, "x"))
    there = [{"__typename": "Contact", "id": encode("Contact", victim["contact"])}]
    nowhere = [{"__typename": "Contact", "id": encode("Contact", 10**9)}]
    response = ask(server, token, query, r=there)
    assert response.content == ask(server, token, query, r=nowhere).content
    assert codes(response) == {"FORBIDDEN"}
    assert response.json()["errors"][0].keys() == {"message", "locations", "path", "extensions"}
    assert response.json()["errors"][0]["extensions"] == {"code": "FORBIDDEN"}


async def test_employees_cannot_be_listed_by_their_numbers(server: Server, attacker: str, sqlite_urls: Urls) -> None:
    number = (await rows_of(sqlite_urls["servicemodule"], MEDEWERKER))[0]["personeelsnummer"]
    for query in (
        "query Q($id: ID!) { node(id: $id) { ... on Agent { unit } } }",
        'query Q($id: ID!) { _entities(representations: [{__typename: "Agent", id: $id}]) { ... on Agent { unit } } }',
    ):
        there = ask(server, attacker, query, id=encode("Agent", number))
        assert there.content == ask(server, attacker, query, id=encode("Agent", "nobody")).content
        assert codes(there) == {"FORBIDDEN"}


async def test_a_co_reporter_sees_nothing_of_the_report(server: Server, sqlite_urls: Urls) -> None:
    involved = await rows_of(sqlite_urls["incidents"], BETROKKENE)
    reporters = {row["incident_nummer"]: row["bsn"] for row in involved if row["rol_cd"] == "AAN"}
    other = next(
        row
        for row in involved
        if row["rol_cd"] != "AAN" and row["bsn"] not in (None, reporters[row["incident_nummer"]])
    )
    query = (
        "query Q($n: String!) { report(by: {number: $n}) { number } reports(filter: {number: [$n]}) { totalCount } }"
    )
    token = server.citizen(other["bsn"])
    there = ask(server, token, query, n=other["incident_nummer"])
    assert there.content == ask(server, token, query, n="PL0000-1999000000").content


@pytest.mark.parametrize("purpose", [None, "", "curiosity", "INTAKE", "intake, intake", "x" * 2000])
async def test_a_purpose_that_is_not_the_role_s_is_none(server: Server, purpose: str | None) -> None:
    response = ask(server, server.agent, "{ contacts { totalCount } liveCursor }", purpose)
    assert response.json()["data"] == {"contacts": None, "liveCursor": None}
    assert codes(response) == {"PURPOSE_REQUIRED"}


async def test_a_purpose_gives_no_role_more_than_it_has(server: Server) -> None:
    for role in (Role.ANONYMOUS, Role.CHANNEL, Role.DEVELOPER):
        token = None if role is Role.ANONYMOUS else server.token(Viewer(role, "x"))
        assert codes(ask(server, token, "{ contacts { totalCount } }", "intake")) == {"FORBIDDEN"}


async def test_a_purpose_is_said_in_connection_init(server: Server) -> None:
    query = {"query": "{ contacts(first: 1) { totalCount } }"}
    for payload, expected in (
        ({"Omniloket-Purpose": "intake"}, set[str]()),
        ({"omniloket-purpose": "intake"}, set[str]()),
        ({}, {"PURPOSE_REQUIRED"}),
        ({"Omniloket-Purpose": "curiosity"}, {"PURPOSE_REQUIRED"}),
    ):
        async with bare(server) as socket:
            init = {"Authorization": f"Bearer {server.agent}", **payload}
            await socket.send({"type": "connection_init", "payload": init})
            await socket.receive()
            await socket.send({"id": "1", "type": "subscribe", "payload": query})
            answer = await socket.event("1")
            assert {error["extensions"]["code"] for error in answer.get("errors", [])} == expected


async def test_a_purpose_that_is_no_text_is_refused(server: Server) -> None:
    async with bare(server) as socket:
        await socket.send({"type": "connection_init", "payload": {"Omniloket-Purpose": ["intake"]}})
        assert await socket.closed() == (4403, "Forbidden")


async def test_an_agent_without_a_purpose_cannot_subscribe(server: Server) -> None:
    async with bare(server) as socket:
        await socket.send({"type": "connection_init", "payload": {"Authorization": f"Bearer {server.agent}"}})
        await socket.receive()
        await socket.subscribe("a", "subscription { contactRegistered { cursor } }")
        assert await socket.errors("a") == ["PURPOSE_REQUIRED"]


async def test_a_socket_takes_no_second_token(server: Server, attacker: str) -> None:
    async with connected(server, attacker) as socket:
        payload = {"Authorization": f"Bearer {server.agent}", "Omniloket-Purpose": "intake"}
        await socket.send({"type": "connection_init", "payload": payload})
        assert await socket.closed() == (4429, "Too many initialisation requests")


async def test_a_token_in_the_url_or_in_a_cookie_is_none(server: Server) -> None:
    query = {"query": "{ viewer { role } }", "access_token": server.agent, "token": server.agent}
    cookies = {"authorization": server.agent, "token": server.agent}
    response = httpx.get(
        server.url, params=query, headers={"cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}
    )
    assert response.json() == {"data": {"viewer": {"role": "ANONYMOUS"}}}


async def test_a_role_in_a_token_that_is_signed_by_somebody_else_is_none(server: Server) -> None:
    forged = server.token(replace(AGENT, role=Role.SUPERVISOR))
    head, claims, signature = forged.split(".")
    changed = json.dumps({"iss": "omniloket-development", "sub": "x", "role": "SUPERVISOR", "exp": 4_102_444_800})
    other = ".".join((head, _unpadded(changed), signature))
    none = ".".join((_unpadded('{"alg":"none","typ":"JWT"}'), claims, ""))
    for token in (other, none, f"{head}.{claims}.", forged[:-6] + "AAAAAA"):
        response = ask(server, token, "{ viewer { role } }")
        assert response.status_code == 401
        assert codes(response) == {"UNAUTHENTICATED"}


def _unpadded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

"""What a deployment hides from a role is not found out by searching for it either."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from omniloket.app import application
from omniloket.media_types import EVENT_STREAM
from sources.records import Role
from support.askers import ASKERS, KEY
from support.back_ends import Urls
from support.houses import AGENT, opened, settings
from support.in_process import URL

SUPERVISOR = replace(AGENT, role=Role.SUPERVISOR)


@dataclass(frozen=True)
class Search:
    """A question that searches by a field, and where its error stands."""

    hidden: str
    asked: str
    path: list[str]

    def __repr__(self) -> str:
        return f"{self.hidden} by {self.path[-1]}"


def of_citizens(hidden: str, match: str) -> Search:
    return Search(hidden, f"{{ citizens(match: {match}) {{ totalCount }} }}", ["citizens"])


def of_contacts(hidden: str, narrowed: str) -> Search:
    return Search(hidden, f"{{ contacts(filter: {narrowed}) {{ totalCount }} }}", ["contacts"])


SEARCHES = [
    Search("Citizen.bsn", '{ citizen(by: {bsn: "999990019"}) { id } }', ["citizen"]),
    of_citizens("Citizen.bsn", '{bsn: "999990019"}'),
    of_citizens("Citizen.phone", '{phone: "+31612345678"}'),
    of_citizens("Citizen.email", '{email: "a@example.nl"}'),
    of_citizens("Citizen.familyName", '{name: {familyName: "Jansen"}}'),
    of_citizens("Citizen.givenNames", '{name: {familyName: "Jansen", givenNames: "J"}}'),
    of_citizens("Citizen.birthDate", '{name: {familyName: "Jansen", birthDate: "1970-01-01"}}'),
    of_contacts("Contact.phone", '{phone: "+31612345678"}'),
    of_contacts("Contact.channel", '{channel: ["APP"]}'),
    of_contacts("Channel", '{channel: ["APP"]}'),
    of_contacts("Agent.unit", '{unit: "PL1700"}'),
    of_contacts("Contact.handledBy", '{unit: "PL1700"}'),
    of_contacts("Contact.handledBy", "{unassigned: true}"),
    Search("Report.unit", '{ reports(filter: {unit: "PL1700"}) { totalCount } }', ["reports"]),
    Search("Journey.channels", '{ journeys(filter: {channel: ["APP"]}) { totalCount } }', ["journeys"]),
    Search(
        "Contact.channel",
        '{ journeys(first: 1) { edges { node { citizen { contacts(channel: ["APP"]) { totalCount } } } } } }',
        ["journeys", "edges", "node", "citizen", "contacts"],
    ),
]
LIVE = [
    ("Report.unit", 'subscription { reportStatusChanges(filter: {unit: "PL1700"}) { cursor } }'),
    ("Agent.unit", 'subscription { contactRegistered(filter: {unit: "PL1700"}) { cursor } }'),
    ("Contact.channel", 'subscription { contactRegistered(filter: {channel: ["APP"]}) { cursor } }'),
]


def names(path: list[Any]) -> list[str]:
    return [each for each in path if isinstance(each, str)]


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
async def test_nobody_searches_by_what_is_hidden_from_them(sqlite_urls: Urls, search: Search) -> None:
    async with opened(sqlite_urls, access={"hidden": {"AGENT": [search.hidden]}}) as ask:
        errors = (await ask(search.asked, AGENT))["errors"]
        assert {error["extensions"]["code"] for error in errors} == {"FORBIDDEN"}
        assert all(names(error["path"]) == search.path for error in errors)
        assert await ask.codes(search.asked, SUPERVISOR) == []


async def test_what_is_hidden_stops_no_search_by_anything_else(sqlite_urls: Urls) -> None:
    hidden = ["Citizen.email", "Citizen.birthDate", "Contact.phone"]
    narrowed = '{channel: ["APP"], phone: null}'
    query = f"""{{
        citizens(match: {{name: {{familyName: "Jansen", givenNames: "J"}}}}) {{ totalCount }}
        contacts(filter: {narrowed}) {{ totalCount }}
        reports {{ totalCount }}
    }}"""
    async with opened(sqlite_urls, access={"hidden": {"AGENT": hidden}}) as ask:
        assert await ask.codes(query, AGENT) == []


async def test_variables_and_introspection_beside_it_change_nothing(sqlite_urls: Urls) -> None:
    """With the schema in it, a document is executed by graphql-core."""
    query = "query Q($match: CitizenMatch!) { __schema { queryType { name } } citizens(match: $match) { totalCount } }"
    async with opened(sqlite_urls, access={"hidden": {"AGENT": ["Citizen.email"]}}) as ask:
        assert await ask.codes(query, AGENT, match={"email": "a@example.nl"}) == ["FORBIDDEN"]
        assert await ask.codes(query, AGENT, match={"phone": "+31612345678"}) == []


@pytest.mark.parametrize(("hidden", "query"), LIVE)
async def test_nobody_follows_by_what_is_hidden_from_them(
    sqlite_urls: Urls, tmp_path: Path, hidden: str, query: str
) -> None:
    key_file = tmp_path / "development.key"
    key_file.touch(mode=0o600)
    key_file.write_text(KEY.hex())
    app = application(settings(sqlite_urls, access={"hidden": {"AGENT": [hidden]}}, development_key_file=key_file))
    headers = {
        "accept": EVENT_STREAM,
        "authorization": f"Bearer {ASKERS['agent'].token(None)}",
        "omniloket-purpose": "intake",
    }
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        answer = await client.post(URL, json={"query": query}, headers=headers)
    (told,) = re.findall(r"^data: (\{.*)", answer.text, re.MULTILINE)
    assert [error["extensions"] for error in json.loads(told)["errors"]] == [{"code": "FORBIDDEN"}]
    assert "event: complete" in answer.text

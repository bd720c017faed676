"""What each viewer gets of each object equals what a second, simple reading of the access rules says."""

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from graphql import parse, print_ast

from support.access_oracle import Json, Oracle, global_id, id_of_citizen
from support.askers import ASKERS, Asker
from support.in_process import Served, from_the_beginning, served
from support.small_world import build
from support.values import ids_in

FRAGMENTS = """
    fragment AnyCitizen on Citizen {
      id bsn givenNames familyNamePrefix familyName fullName birthDate deceasedOn email phone
      address { ...AnyAddress }
      contacts(first: 100) { ...ContactIds }
      reports(first: 100) { ...ReportIds }
      journeys(first: 100) { totalCount edges { node { id } } pageInfo { hasNextPage hasPreviousPage } }
    }
    fragment AnyAddress on Address { street houseNumber postalCode city lines country }
    fragment AnyLocation on Location { latitude longitude accuracyMetres address { ...AnyAddress } }
    fragment ContactIds on ContactConnection {
      totalCount edges { node { id } } pageInfo { hasNextPage hasPreviousPage }
    }
    fragment ReportIds on ReportConnection {
      totalCount edges { node { id } } pageInfo { hasNextPage hasPreviousPage }
    }
    fragment AnyContact on Contact {
      id channel { code name } direction subject body occurredAt phone
      handledBy { ...AnyAgent }
      location { ...AnyLocation }
      attachments { ...AnyAttachment }
      citizen { id }
      journey { id }
      reports(first: 100) { ...ReportIds }
    }
    fragment AnyChannel on Channel { id code name medium urgent open }
    fragment AnyAgent on Agent { id name unit }
    fragment AnyAttachment on Attachment { id name mediaType sizeBytes url }
    fragment AnyReport on Report {
      id number kind category title description status statusLabel unit incidentAt filedAt updatedAt confidential
      statusHistory { ...AnyStatusChange }
      location { ...AnyLocation }
      citizen { id }
      journey { id }
      contacts(first: 100) { ...ContactIds }
    }
    fragment AnyStatusChange on StatusChange {
      id report { id } status label previous note at by { ...AnyAgent }
    }
    fragment AnyJourney on Journey {
      id state subject openedAt lastActiveAt closedAt channels { code name } citizen { id }
      contacts(first: 100) { ...ContactIds }
      reports(first: 100) { ...ReportIds }
      timeline(first: 100) {
        totalCount
        edges { node { ... on Node { id } } }
        pageInfo { hasNextPage hasPreviousPage }
      }
    }
    fragment AnyHandover on Handover { id from { code name } to { code name } by { ...AnyAgent } at note }
"""
LISTS = """
    query {
      contacts(first: 100) { totalCount edges { node { ...AnyContact } } }
      reports(first: 100) { totalCount edges { node { ...AnyReport } } }
      journeys(first: 100) { totalCount edges { node { ...AnyJourney } } }
    }
"""


PEOPLE = """
    query People($bsn: BSN!, $phone: String!, $email: String!, $name: NameMatch!) {
      citizen(by: { bsn: $bsn }) { ...AnyCitizen }
      bsn: citizens(match: { bsn: $bsn }) { totalCount edges { node { id } } }
      phone: citizens(match: { phone: $phone }) { totalCount edges { node { id } } }
      email: citizens(match: { email: $email }) { totalCount edges { node { id } } }
      name: citizens(match: { name: $name }) { totalCount edges { node { id } } }
    }
"""
STATUS_CHANGES = """
    subscription ($after: String!) { reportStatusChanges(after: $after) { change { ...AnyStatusChange } } }
"""
REGISTERED = "subscription ($after: String!) { contactRegistered(after: $after) { contact { ...AnyContact } } }"
UPDATES = """
    subscription ($after: String!, $id: ID!) {
      journeyUpdated(id: $id, after: $after) { entry { ... on Node { id } } journey { ...AnyJourney } }
    }
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Served]]:
    directory = tmp_path_factory.mktemp("world")
    with asyncio.Runner() as runner:
        world = runner.run(build(directory / "databases"))
        entering = served(world, directory / "key")
        yield runner, runner.run(entering.__aenter__())
        runner.run(entering.__aexit__(None, None, None))


@pytest.mark.parametrize("asker", ASKERS.values(), ids=ASKERS)
def test_the_lists_show_what_the_oracle_says(running: tuple[asyncio.Runner, Served], asker: Asker) -> None:
    runner, world = running
    oracle = Oracle(world.world, asker)
    answer = with_refusals(runner.run(world.answer(asker, whole(LISTS), {})))
    expected = oracle.everything()
    for name, kind in (("contacts", "Contact"), ("reports", "Report"), ("journeys", "Journey")):
        shown = {"totalCount": len(expected[kind]), "edges": [{"node": each} for each in expected[kind]]}
        assert differences(answer[name], oracle.refusal or shown, name) == []


@pytest.mark.parametrize("asker", ASKERS.values(), ids=ASKERS)
def test_each_id_shows_what_the_oracle_says(running: tuple[asyncio.Runner, Served], asker: Asker) -> None:
    runner, world = running
    oracle = Oracle(world.world, asker)
    seen = {(kind, each["id"]): each for kind, objects in oracle.everything().items() for each in objects}
    for kind, ids in ids_in(world.world).items():
        nodes = whole(f"query Nodes($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename ...Any{kind} }} }}")
        answer = with_refusals(runner.run(world.answer(asker, nodes, {"ids": ids})))
        refusals = {"Agent": oracle.refusal_of_agents, "Channel": None}
        refusal = refusals.get(kind, oracle.refusal)
        for each, shown in zip(ids, answer["nodes"], strict=True):
            there = seen.get((kind, each))
            assert differences(shown, refusal or (there and {"__typename": kind, **there}), kind) == []


@pytest.mark.parametrize("asker", ASKERS.values(), ids=ASKERS)
def test_people_are_found_as_the_oracle_says(running: tuple[asyncio.Runner, Served], asker: Asker) -> None:
    runner, world = running
    oracle = Oracle(world.world, asker)
    seen = {each["id"]: each for each in oracle.everything()["Citizen"]}
    for row in world.world.rows["persoon"]:
        wanted = {"bsn": row["bsn"], "phone": row["telefoonnummer"], "email": row["emailadres"].upper()}
        wanted["name"] = {"familyName": row["geslachtsnaam"], "givenNames": row["voornamen"][:3]}
        answer = with_refusals(runner.run(world.answer(asker, whole(PEOPLE), wanted)))
        person = id_of_citizen(row["bsn"])
        found = [{"node": {"id": person}}] if person in seen else []
        page = oracle.refusal or {"totalCount": len(found), "edges": found}
        expected = {"citizen": oracle.refusal or seen.get(person), **dict.fromkeys(wanted, page)}
        assert differences(answer, expected, "People") == []


@pytest.mark.parametrize("asker", ASKERS.values(), ids=ASKERS)
def test_streams_tell_what_the_oracle_says(running: tuple[asyncio.Runner, Served], asker: Asker) -> None:
    runner, world = running
    oracle = Oracle(world.world, asker)
    seen = oracle.everything()
    start = from_the_beginning(world.world.urls)

    def told(query: str, **variables: str) -> Json:
        raw = runner.run(world.follow(asker, whole(query), {"after": start, **variables}))
        return events(raw.decode().splitlines()[1:])

    in_serial_order = sorted(oracle.status_changes(), key=lambda row: row["volgnummer"])
    changes = {each["id"]: each for each in seen["StatusChange"]}
    expected = [{"change": changes[global_id("StatusChange", row["volgnummer"])]} for row in in_serial_order]
    assert differences(told(STATUS_CHANGES), oracle.refusal or expected, "changes") == []

    contacts = {each["id"]: each for each in seen["Contact"]}
    numbers = sorted(row["nummer"] for row in oracle.contacts())
    expected = [{"contact": contacts[global_id("Contact", number)]} for number in numbers]
    assert differences(told(REGISTERED), oracle.refusal or expected, "contacts") == []

    journeys = {each["id"]: each for each in seen["Journey"]}
    for row in world.world.rows["journey"]:
        key = global_id("Journey", row["id"])
        updates = told(UPDATES, id=key)
        if key not in journeys:
            assert updates == (oracle.refusal or "!NOT_FOUND")
            continue
        entries = [edge["node"] for edge in journeys[key]["timeline"]["edges"]]
        assert sorted(each["entry"]["id"] for each in updates) == sorted(each["id"] for each in entries)
        assert [difference for each in updates for difference in differences(each["journey"], journeys[key], key)] == []


def events(messages: Sequence[str]) -> Json:
    """The events of a stream that came to its end, or the code of the error that it ended with."""
    *before, last = map(json.loads, messages)
    if last["type"] == "error":
        (error,) = last["payload"]
        return f"!{error['extensions']['code']}"
    return [next(iter(with_refusals(each["payload"]).values())) for each in before]


def whole(operation: str) -> str:
    """The operation, with the fragments that it needs."""
    definitions = {each.name.value: each for each in parse(FRAGMENTS).definitions if hasattr(each, "name")}
    document = operation
    while missing := set(re.findall(r"\.\.\.(\w+)", document)) - set(re.findall(r"fragment (\w+)", document)) - {"on"}:
        document += "".join(print_ast(definitions[name]) + "\n" for name in sorted(missing))
    return document


def with_refusals(answer: Any) -> Json:
    """The data of an answer, with the code of each error at its place."""
    data = answer["data"]
    for error in answer.get("errors", []):
        *way, last = error["path"]
        place = data
        for step in way:
            place = place[step]
        assert place[last] is None
        assert error.keys() == {"message", "locations", "path", "extensions"}
        assert error["extensions"].keys() == {"code"}
        place[last] = f"!{error['extensions']['code']}"
    return data


def differences(shown: Json, expected: Json, at: str) -> list[str]:
    """Where two answers differ, in words."""
    if isinstance(shown, dict) and isinstance(expected, dict) and shown.keys() == expected.keys():
        return [each for name in shown for each in differences(shown[name], expected[name], f"{at}.{name}")]
    if isinstance(shown, list) and isinstance(expected, list) and len(shown) == len(expected):
        pairs = enumerate(zip(shown, expected, strict=True))
        return [each for place, pair in pairs for each in differences(*pair, f"{at}.{place}")]
    return [] if shown == expected else [f"{at}: shows {shown}, should show {expected}"]

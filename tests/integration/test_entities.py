"""Entities for a federation gateway: what they cost, who gets which, and what is wrong with the malformed."""

import re
from typing import Any

import pytest

from engine.responses import RequestRefused
from resolvers.entities import MOST
from resolvers.ids import encode
from sources.sealing import citizen_key
from sources.sql.incidents import BETROKKENE, INCIDENT
from sources.sql.journeys import JOURNEY
from sources.sql.persons import PERSOON
from sources.sql.servicemodule import KANAAL, KLANTCONTACT, MEDEWERKER
from support.back_ends import OLD_SEALER, SEALER, Urls, rows_of
from support.houses import AGENT, ANONYMOUS, DEVELOPER, Asking, citizen

QUERY = """
    query Entities($representations: [_Any!]!) {
      _entities(representations: $representations) {
        __typename
        ... on Citizen { id fullName }
        ... on Contact { id occurredAt }
        ... on Journey { id state }
        ... on Agent { id }
        ... on Report { id number title }
        ... on Channel { code name }
      }
    }
"""

Representation = dict[str, Any]


async def everything(urls: Urls) -> list[Representation]:
    """A representation of many rows, the types taking turns."""
    people, contacts, reports, journeys, agents, channels = [
        await rows_of(urls[name], table)
        for name, table in (
            ("persons", PERSOON),
            ("servicemodule", KLANTCONTACT),
            ("incidents", INCIDENT),
            ("journeys", JOURNEY),
            ("servicemodule", MEDEWERKER),
            ("servicemodule", KANAAL),
        )
    ]
    by_type = [
        [{"__typename": "Citizen", "id": encode("Citizen", citizen_key(SEALER, row["bsn"]))} for row in people],
        [{"__typename": "Contact", "id": encode("Contact", row["nummer"])} for row in contacts],
        [{"__typename": "Report", "id": encode("Report", row["nummer"])} for row in reports[::2]],
        [{"__typename": "Report", "number": row["nummer"]} for row in reports[1::2]],
        [{"__typename": "Journey", "id": encode("Journey", row["id"])} for row in journeys],
        [{"__typename": "Agent", "id": encode("Agent", row["personeelsnummer"])} for row in agents],
        [{"__typename": "Channel", "code": row["code"]} for row in channels],
    ]
    longest = max(map(len, by_type))
    return [each[turn] for turn in range(longest) for each in by_type if turn < len(each)]


async def test_a_hundred_of_mixed_types_take_one_statement_a_type(ask: Asking, urls: Urls) -> None:
    wanted = (await everything(urls))[:100]
    answer = await ask.data(QUERY, representations=wanted)
    for given, found in zip(wanted, answer["_entities"], strict=True):
        assert found.items() >= given.items()
    assert {each["__typename"] for each in wanted} == {"Agent", "Channel", "Citizen", "Contact", "Journey", "Report"}
    assert ask.statements == {"persons": 1, "servicemodule": 3, "incidents": 1, "journeys": 1}


async def test_what_hangs_on_entities_is_batched_over_all_of_them(ask: Asking, urls: Urls) -> None:
    wanted = [each for each in await everything(urls) if each["__typename"] == "Report"][:50]
    query = """
        query Entities($representations: [_Any!]!) {
          _entities(representations: $representations) { ... on Report { number citizen { id } journey { id } } }
        }
    """
    await ask.data(query, representations=wanted)
    assert ask.statements == {"incidents": 1, "persons": 1, "journeys": 1}


async def test_the_same_entity_asked_twice_is_answered_twice(ask: Asking, urls: Urls) -> None:
    number = (await rows_of(urls["incidents"], INCIDENT))[0]["nummer"]
    by_number = {"__typename": "Report", "number": number}
    both = {"__typename": "Report", "number": number, "id": encode("Report", number), "title": "of another subgraph"}
    found = (await ask.data(QUERY, representations=[by_number, both, by_number]))["_entities"]
    assert [each["number"] for each in found] == [number] * 3
    assert ask.statements == {"incidents": 1}


async def test_representations_may_stand_in_the_document(ask: Asking) -> None:
    query = 'query Q($code: _Any!) { _entities(representations: [{__typename: "Channel", code: "APP"}, $code]) '
    query += "{ ... on Channel { code } } none: _entities(representations: []) { __typename } }"
    answer = await ask.data(query, ANONYMOUS, code={"__typename": "Channel", "code": "0900-8844"})
    assert answer == {"_entities": [{"code": "APP"}, {"code": "0900-8844"}], "none": []}


@pytest.mark.parametrize(
    "representation",
    [
        "900000004",
        7,
        [],
        {},
        {"id": "900000004"},
        {"__typename": None, "id": "900000004"},
        {"__typename": ["Citizen"], "id": "900000004"},
        {"__typename": "Nothing900000004", "id": "x"},
        {"__typename": "Attachment", "id": encode("Attachment", 1)},
        {"__typename": "Citizen"},
        {"__typename": "Citizen", "id": None},
        {"__typename": "Citizen", "bsn": "900000004"},
        {"__typename": "Citizen", "id": 900000004},
        {"__typename": "Citizen", "id": {"id": "900000004"}},
        {"__typename": "Citizen", "id": "900000004"},
        {"__typename": "Citizen", "id": ""},
        {"__typename": "Citizen", "id": encode("Citizen", citizen_key(SEALER, "900000004"))[:-2] + "AA"},
        {"__typename": "Citizen", "id": encode("Contact", 1)},
        {"__typename": "Contact", "id": encode("Contact", "900000004900000004900000004")},
        {"__typename": "Report", "number": ["900000004"]},
        {"__typename": "Report", "id": encode("Report", "PL1700-2026000001"), "number": "900000004"},
        {"__typename": "Report", "id": "900000004", "number": "PL1700-2026000001"},
        {"__typename": "Channel", "id": encode("Channel", "APP")},
        {"__typename": "Channel", "code": True},
    ],
    ids=lambda given: str(given)[:70],
)
async def test_a_malformed_one_has_an_error_of_its_own_and_the_others_are_answered(
    ask: Asking, representation: object
) -> None:
    channel = {"__typename": "Channel", "code": "APP"}
    response = await ask(QUERY, representations=[channel, representation, channel])
    assert [each and each["code"] for each in response["data"]["_entities"]] == ["APP", None, "APP"]
    (error,) = response["errors"]
    assert (error["path"], error["extensions"]) == (["_entities", 1], {"code": "BAD_USER_INPUT"})
    assert "90000000" not in error["message"]


async def test_errors_come_in_the_order_of_the_representations(ask: Asking) -> None:
    response = await ask(QUERY, representations=[{}, {"__typename": "Channel", "code": "APP"}, 1, {"__typename": "x"}])
    assert [error["path"] for error in response["errors"]] == [["_entities", index] for index in (0, 2, 3)]


async def test_a_representation_that_is_nested_is_malformed_and_beyond_the_limit_refused(ask: Asking) -> None:
    response = await ask(QUERY, representations=[_nested(20), {"__typename": "Citizen", "id": _nested(20)}])
    assert [error["extensions"]["code"] for error in response["errors"]] == ["BAD_USER_INPUT"] * 2
    with pytest.raises(RequestRefused) as refused:
        await ask(QUERY, representations=[_nested(5_000)])
    assert [error["extensions"]["code"] for error in refused.value.errors] == ["LIMIT_EXCEEDED"]


def _nested(depth: int) -> Any:
    found: Any = "x"
    for _ in range(depth):
        found = {"id": [found]}
    return found


async def test_a_thousand_are_answered_and_one_more_is_refused(ask: Asking) -> None:
    channel = {"__typename": "Channel", "code": "APP"}
    assert len((await ask.data(QUERY, representations=[channel] * MOST))["_entities"]) == MOST
    response = await ask(QUERY, representations=[channel] * (MOST + 1))
    assert response["data"] is None
    (error,) = response["errors"]
    assert (error["path"], error["extensions"]) == (["_entities"], {"code": "BAD_USER_INPUT"})
    assert ask.statements == {}


@pytest.mark.parametrize("viewer", [ANONYMOUS, DEVELOPER], ids=["anonymous", "developer"])
async def test_without_a_personal_role_there_are_channels_only(ask: Asking, urls: Urls, viewer: Any) -> None:
    there = {each["__typename"]: each for each in await everything(urls)}
    absent = {name: {"__typename": name, "id": encode(name, 1)} for name in ("Contact", "Journey")}
    response = await ask(QUERY, viewer, representations=[*there.values(), *absent.values()])
    shown = [each["__typename"] for each in response["data"]["_entities"] if each is not None]
    assert shown == ["Channel"]
    assert [error["extensions"]["code"] for error in response["errors"]] == ["FORBIDDEN"] * 7
    assert ask.statements == {"servicemodule": 1}


async def test_anothers_entities_and_entities_that_do_not_exist_are_answered_alike(ask: Asking, urls: Urls) -> None:
    first, second = (row["bsn"] for row in (await rows_of(urls["persons"], PERSOON))[:2])
    contact = next(row["nummer"] for row in await rows_of(urls["servicemodule"], KLANTCONTACT) if row["bsn"] == second)
    involved = await rows_of(urls["incidents"], BETROKKENE)
    report = next(row["incident_nummer"] for row in involved if row["bsn"] == second and row["rol_cd"] == "AAN")
    journey = next(
        row["id"]
        for row in await rows_of(urls["journeys"], JOURNEY)
        if row["citizen_key"] == citizen_key(SEALER, second)
    )

    def represented(bsn: str, contact: int, report: str, journey: int) -> list[Representation]:
        return [
            {"__typename": "Citizen", "id": encode("Citizen", citizen_key(SEALER, bsn))},
            {"__typename": "Contact", "id": encode("Contact", contact)},
            {"__typename": "Report", "id": encode("Report", report)},
            {"__typename": "Report", "number": report},
            {"__typename": "Journey", "id": encode("Journey", journey)},
        ]

    there = represented(second, contact, report, journey)
    absent = represented("999999990", 2**62, "PL1700-1999000001", 2**62)
    for wanted in (there, absent):
        assert await ask.data(QUERY, citizen(first), representations=wanted) == {"_entities": [None] * 5}
    assert None not in (await ask.data(QUERY, citizen(second), representations=there))["_entities"]
    assert None not in (await ask.data(QUERY, AGENT, representations=there))["_entities"]


async def test_ids_made_under_an_older_key_stay_valid(ask: Asking, urls: Urls) -> None:
    bsn = (await rows_of(urls["persons"], PERSOON))[0]["bsn"]
    old, new = (encode("Citizen", citizen_key(sealer, bsn)) for sealer in (OLD_SEALER, SEALER))
    found = await ask.data(QUERY, representations=[{"__typename": "Citizen", "id": old}])
    assert found["_entities"][0]["id"] == new


async def test_the_sdl_is_there_for_everybody_and_introspection_for_who_has_a_token(ask: Asking) -> None:
    answer = await ask.data("{ _service { sdl } }", ANONYMOUS)
    assert re.search(
        r'type Report implements Node .*@key\(fields: "id"\) @key\(fields: "number"\)', answer["_service"]["sdl"]
    )
    answer = await ask.data('{ __type(name: "_Entity") { possibleTypes { name } } }', DEVELOPER)
    assert {each["name"] for each in answer["__type"]["possibleTypes"]} > {"Citizen", "Report"}

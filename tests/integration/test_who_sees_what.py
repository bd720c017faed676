"""The minimal rule: a citizen sees what is theirs, anonymous sees the channels; nothing tells that more exists."""

import pytest

from resolvers.ids import encode
from sources.sealing import citizen_key
from sources.sql.incidents import BETROKKENE, INCIDENT
from sources.sql.persons import PERSOON
from sources.sql.servicemodule import KLANTCONTACT
from support.back_ends import OLD_SEALER, SEALER, Urls, rows_of
from support.houses import AGENT_WITHOUT_CLEARANCE, ANONYMOUS, DEVELOPER, Asking, citizen

EVERYTHING_PERSONAL = """
    query All($bsn: BSN!) {
      citizen(by: {bsn: $bsn}) { fullName }
      citizens(match: {bsn: $bsn}) { totalCount }
      contact(id: "x") { id }
      contacts { totalCount }
      report(by: {number: "x"}) { title }
      reports { totalCount }
      journey(id: "x") { state }
      journeys { totalCount }
      liveCursor
    }
"""
COUNTS = "{ contacts { totalCount edges { node { id } } } reports { totalCount } journeys { totalCount } }"


@pytest.mark.parametrize("viewer", [ANONYMOUS, DEVELOPER], ids=["anonymous", "developer"])
async def test_without_a_personal_role_there_is_nothing_personal(ask: Asking, urls: Urls, viewer: object) -> None:
    bsn = (await rows_of(urls["persons"], PERSOON))[0]["bsn"]
    response = await ask(EVERYTHING_PERSONAL, viewer, bsn=bsn)  # type: ignore[arg-type]
    assert set(response["data"].values()) == {None}
    assert {error["extensions"]["code"] for error in response["errors"]} == {"FORBIDDEN"}
    assert ask.statements == {}


async def test_anonymous_sees_the_channels_and_itself(ask: Asking) -> None:
    answer = await ask.data("{ viewer { role principal unit citizen { id } } channels { code name } }", ANONYMOUS)
    assert answer["viewer"] == {"role": "ANONYMOUS", "principal": "anonymous", "unit": None, "citizen": None}
    assert len(answer["channels"]) == 13


async def test_a_citizen_sees_their_own_and_nobody_elses(ask: Asking, urls: Urls) -> None:
    contacts = await rows_of(urls["servicemodule"], KLANTCONTACT)
    involved = await rows_of(urls["incidents"], BETROKKENE)
    for row in (await rows_of(urls["persons"], PERSOON))[:10]:
        bsn = row["bsn"]
        answer = await ask.data(COUNTS, citizen(bsn))
        assert answer["contacts"]["totalCount"] == sum(contact["bsn"] == bsn for contact in contacts)
        own = {each["incident_nummer"] for each in involved if each["bsn"] == bsn and each["rol_cd"] == "AAN"}
        assert answer["reports"]["totalCount"] == len(own)


async def test_anothers_things_and_things_that_do_not_exist_are_answered_alike(ask: Asking, urls: Urls) -> None:
    first, second = (row["bsn"] for row in (await rows_of(urls["persons"], PERSOON))[:2])
    contact = next(row for row in await rows_of(urls["servicemodule"], KLANTCONTACT) if row["bsn"] == second)
    involved = await rows_of(urls["incidents"], BETROKKENE)
    report = next(row for row in involved if row["bsn"] not in (first, None) and row["rol_cd"] == "AAN")
    query = """
        query Other($contact: ID!, $number: String!, $citizen: ID!) {
          contact(id: $contact) { id }
          report(by: {number: $number}) { number }
          citizen(by: {id: $citizen}) { id }
          node(id: $contact) { id }
          nodes(ids: [$contact, $citizen]) { id }
          contacts(filter: {channel: ["0900-8844"]}) { edges { node { citizen { id } } } }
        }
    """
    there = {
        "contact": encode("Contact", contact["nummer"]),
        "number": report["incident_nummer"],
        "citizen": encode("Citizen", citizen_key(SEALER, second)),
    }
    absent = {"contact": encode("Contact", 1), "number": "PL1700-1999000001", "citizen": "bm90aGluZw"}
    viewer = citizen(first)
    assert await ask(query, viewer, **there) == await ask(query, viewer, **absent)


async def test_a_role_other_than_reporter_does_not_show_the_report(ask: Asking, urls: Urls) -> None:
    involved = await rows_of(urls["incidents"], BETROKKENE)
    other = next(row for row in involved if row["rol_cd"] != "AAN" and row["bsn"])
    query = "query Q($number: String!) { report(by: {number: $number}) { number } }"
    assert (await ask.data(query, citizen(other["bsn"]), number=other["incident_nummer"])) == {"report": None}


async def test_confidential_reports_need_clearance_save_for_their_reporter(ask: Asking, urls: Urls) -> None:
    number = next(row["nummer"] for row in await rows_of(urls["incidents"], INCIDENT) if row["vertrouwelijk"])
    involved = await rows_of(urls["incidents"], BETROKKENE)
    reporter = next(row["bsn"] for row in involved if row["incident_nummer"] == number and row["rol_cd"] == "AAN")
    query = "query Q($number: String!) { report(by: {number: $number}) { number statusHistory { at } } }"
    assert (await ask.data(query, AGENT_WITHOUT_CLEARANCE, number=number)) == {"report": None}
    assert (await ask.data(query, number=number))["report"]["number"] == number
    assert (await ask.data(query, citizen(reporter), number=number))["report"]["number"] == number


async def test_ids_made_under_an_older_key_stay_valid(ask: Asking, urls: Urls) -> None:
    bsn = (await rows_of(urls["persons"], PERSOON))[0]["bsn"]
    old, new = (encode("Citizen", citizen_key(sealer, bsn)) for sealer in (OLD_SEALER, SEALER))
    query = "query Q($id: ID!) { citizen(by: {id: $id}) { id } }"
    assert old != new
    assert (await ask.data(query, id=old)) == {"citizen": {"id": new}}


@pytest.mark.parametrize(
    "change", [lambda made: made[:-2] + "AA", lambda made: made + "=", lambda made: made[4:], lambda _: ""]
)
async def test_a_tampered_id_is_nobodys(ask: Asking, urls: Urls, change: object) -> None:
    bsn = (await rows_of(urls["persons"], PERSOON))[0]["bsn"]
    tampered = change(encode("Citizen", citizen_key(SEALER, bsn)))  # type: ignore[operator]
    query = "query Q($id: ID!) { citizen(by: {id: $id}) { id } node(id: $id) { id } }"
    assert (await ask.data(query, id=tampered)) == {"citizen": None, "node": None}

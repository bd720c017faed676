"""Who sees what, role by role; nothing tells that more exists."""

import pytest
from msgspec.structs import replace

from omniloket.settings import SettingsError
from resolvers.ids import encode
from sources.records import Role
from sources.sealing import citizen_key
from sources.sql.incidents import BETROKKENE, INCIDENT, INCIDENT_STATUS
from sources.sql.persons import PERSOON
from sources.sql.servicemodule import KLANTCONTACT, MEDEWERKER
from support.back_ends import OLD_SEALER, SEALER, Urls, rows_of
from support.houses import AGENT, AGENT_WITHOUT_CLEARANCE, ANONYMOUS, DEVELOPER, Asking, citizen, opened

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
    answer = await ask.data("{ viewer { role principal unit } channels { code name } }", ANONYMOUS)
    assert answer["viewer"] == {"role": "ANONYMOUS", "principal": "anonymous", "unit": None}
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


WITHOUT_PURPOSE = replace(AGENT, purpose=None)


async def test_an_agent_without_a_purpose_gets_nothing_personal(ask: Asking, urls: Urls) -> None:
    bsn = (await rows_of(urls["persons"], PERSOON))[0]["bsn"]
    for viewer in (
        WITHOUT_PURPOSE,
        replace(AGENT, purpose="curiosity"),
        replace(WITHOUT_PURPOSE, role=Role.SUPERVISOR),
    ):
        response = await ask(EVERYTHING_PERSONAL, viewer, bsn=bsn)
        assert set(response["data"].values()) == {None}
        assert {error["extensions"]["code"] for error in response["errors"]} == {"PURPOSE_REQUIRED"}
        assert "Yours: intake." in response["errors"][0]["message"]
        assert ask.statements == {}


async def test_an_agent_without_a_purpose_sees_what_is_not_personal(ask: Asking) -> None:
    query = "{ viewer { role unit } channels { code } sources { name } }"
    assert "errors" not in await ask(query, WITHOUT_PURPOSE)


async def test_a_type_that_a_role_may_not_look_for_is_refused_whether_it_exists_or_not(ask: Asking, urls: Urls) -> None:
    employee = (await rows_of(urls["servicemodule"], MEDEWERKER))[0]["personeelsnummer"]
    bsn = (await rows_of(urls["persons"], PERSOON))[0]["bsn"]
    query = "query Q($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }"
    for viewer, code in ((citizen(bsn), "FORBIDDEN"), (ANONYMOUS, "FORBIDDEN"), (WITHOUT_PURPOSE, "PURPOSE_REQUIRED")):
        there = await ask(query, viewer, id=encode("Agent", employee))
        assert there == await ask(query, viewer, id=encode("Agent", "nobody"))
        assert there["data"] == {"node": None, "nodes": [None]}
        assert [error["extensions"] for error in there["errors"]] == [{"code": code}] * 2
    assert (await ask.data(query, AGENT, id=encode("Agent", employee)))["node"]["id"] == encode("Agent", employee)


async def test_internal_notes_are_the_units_that_handles_the_report(ask: Asking, urls: Urls) -> None:
    incidents = {row["nummer"]: row for row in await rows_of(urls["incidents"], INCIDENT) if row["eenheid"]}
    changes = await rows_of(urls["incidents"], INCIDENT_STATUS)
    noted = next(row for row in changes if row["notitie"] and row["incident_nummer"] in incidents)
    number = noted["incident_nummer"]
    unit = incidents[number]["eenheid"]
    query = "query Q($number: String!) { report(by: {number: $number}) { statusHistory { note } } }"
    own = await ask.data(query, replace(AGENT, unit=unit), number=number)
    assert noted["notitie"] in {change["note"] for change in own["report"]["statusHistory"]}
    assert await ask.data(query, replace(AGENT, role=Role.SUPERVISOR, unit=None), number=number) == own
    for other in ("PL0000", None):
        response = await ask(query, replace(AGENT, unit=other), number=number)
        history = response["data"]["report"]["statusHistory"]
        assert {change["note"] for change in history} == {None}
        assert [error["extensions"] for error in response["errors"]] == [{"code": "FORBIDDEN"}] * len(history)


async def test_an_address_under_secrecy_needs_clearance(ask: Asking, urls: Urls) -> None:
    people = await rows_of(urls["persons"], PERSOON)
    secret = next(row["bsn"] for row in people if row["indicatie_geheim"])
    query = "query Q($bsn: BSN!) { citizen(by: {bsn: $bsn}) { fullName address { street } } }"
    refused = await ask(query, AGENT_WITHOUT_CLEARANCE, bsn=secret)
    assert refused["data"]["citizen"]["address"] is None
    assert refused["data"]["citizen"]["fullName"]
    assert [(error["path"], error["extensions"]) for error in refused["errors"]] == [
        (["citizen", "address"], {"code": "FORBIDDEN"})
    ]
    for viewer in (AGENT, citizen(secret), replace(AGENT_WITHOUT_CLEARANCE, role=Role.SUPERVISOR)):
        assert (await ask.data(query, viewer, bsn=secret))["citizen"]["fullName"]


async def test_settings_hide_what_the_rules_would_show(urls: Urls) -> None:
    hidden = {"AGENT": ["Contact.body", "Attachment"]}
    contact = encode("Contact", (await rows_of(urls["servicemodule"], KLANTCONTACT))[0]["nummer"])
    query = "query Q($id: ID!) { contact(id: $id) { direction body attachments { name } } }"
    async with opened(urls, access={"hidden": hidden}) as ask:
        response = await ask(query, AGENT, id=contact)
        assert (response["data"]["contact"]["body"], response["data"]["contact"]["attachments"]) == (None, None)
        assert {error["extensions"]["code"] for error in response["errors"]} == {"FORBIDDEN"}
        assert await ask.codes("query Q($id: ID!) { node(id: $id) { id } }", AGENT, id=encode("Attachment", 1)) == [
            "FORBIDDEN"
        ]
        assert await ask.codes(query, replace(AGENT, role=Role.SUPERVISOR), id=contact) == []


async def test_what_must_be_there_cannot_be_hidden_by_settings(urls: Urls) -> None:
    with pytest.raises(SettingsError, match=r"access\.hidden: Contact\.direction: must be nullable"):
        async with opened(urls, access={"hidden": {"AGENT": ["Contact.direction"]}}):
            pass

"""The three main queries: what they answer, and how many statements that takes, however many rows there are."""

import pytest

from sources.demo.people import bsns
from sources.sql.incidents import BETROKKENE, INCIDENT, INCIDENT_STATUS
from sources.sql.servicemodule import KLANTCONTACT
from support.back_ends import Urls, rows_of
from support.houses import Asking, citizen, document

PORTAL, SCREEN, THIN = (document(name) for name in ("q1-citizen-portal", "q2-agents-screen", "q3-thin-channel"))
FIRST = next(bsns(1))


async def test_q1_the_citizen_portal_takes_three_statements(ask: Asking, urls: Urls) -> None:
    answer = await ask.data(PORTAL, citizen(FIRST))
    assert sum(ask.statements.values()) <= 3, ask.statements
    filed = [edge["node"] for edge in answer["viewer"]["citizen"]["reports"]["edges"]]
    own = {
        row["incident_nummer"]
        for row in await rows_of(urls["incidents"], BETROKKENE)
        if row["bsn"] == FIRST and row["rol_cd"] == "AAN"
    }
    assert {report["number"] for report in filed} == own
    assert [report["filedAt"] for report in filed] == sorted((report["filedAt"] for report in filed), reverse=True)
    history = await rows_of(urls["incidents"], INCIDENT_STATUS)
    for report in filed:
        assert len(report["statusHistory"]) == sum(row["incident_nummer"] == report["number"] for row in history)


@pytest.mark.parametrize("channel", ["0900-8844", "APP", "nowhere"])
async def test_q2_the_agents_screen_takes_seven_statements(ask: Asking, urls: Urls, channel: str) -> None:
    answer = await ask.data(SCREEN, channel=channel)
    assert sum(ask.statements.values()) <= 7, ask.statements
    shown = [edge["node"] for edge in answer["contacts"]["edges"]]
    of_channel = [row for row in await rows_of(urls["servicemodule"], KLANTCONTACT) if row["kanaal_cd"] == channel]
    assert len(shown) == min(50, len(of_channel))
    assert {contact["channel"]["code"] for contact in shown} <= {channel}
    known = [contact for contact in shown if contact["citizen"] is not None]
    assert all(contact["journey"] is not None for contact in known)
    for contact in known:
        on_journey = [edge["node"]["id"] for edge in contact["journey"]["contacts"]["edges"]]
        assert 1 <= len(on_journey) <= 5


async def test_q3_a_thin_channel_takes_one_statement(ask: Asking, urls: Urls) -> None:
    row = (await rows_of(urls["incidents"], INCIDENT))[0]
    answer = await ask.data(THIN, number=row["nummer"])
    assert ask.statements == {"incidents": 1}
    assert answer["report"]["updatedAt"].endswith("Z")


async def test_two_branches_that_need_the_same_citizen_fetch_it_once(ask: Asking) -> None:
    query = """
        query Twice($bsn: BSN!) {
          a: citizen(by: {bsn: $bsn}) { fullName }
          b: citizen(by: {bsn: $bsn}) { contacts(first: 3) { edges { node { citizen { fullName } } } } }
        }
    """
    await ask.data(query, bsn=FIRST)
    assert ask.statements == {"persons": 1, "servicemodule": 1}


async def test_totals_cost_a_statement_only_when_they_are_asked(ask: Asking) -> None:
    await ask.data("{ contacts(first: 1) { edges { cursor } } }")
    assert ask.statements == {"servicemodule": 1}
    answer = await ask.data("{ contacts(first: 1) { totalCount } }")
    assert ask.statements == {"servicemodule": 2}
    assert answer["contacts"]["totalCount"] > 500


async def test_a_record_that_a_page_has_read_is_not_fetched_again(ask: Asking) -> None:
    query = "{ reports(first: 5) { edges { node { number statusHistory { report { number title } } } } } }"
    found = [edge["node"] for edge in (await ask.data(query))["reports"]["edges"]]
    assert ask.statements == {"incidents": 2}
    for report in found:
        assert {change["report"]["number"] for change in report["statusHistory"]} == {report["number"]}

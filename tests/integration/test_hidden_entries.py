"""A journey with entries that some of its viewers may not see: neither they nor their words show."""

from typing import Any

import pytest

from resolvers.context import Viewer
from resolvers.ids import encode
from sources.demo.people import bsns
from sources.sql.journeys import ENTRY
from support.back_ends import CITIZENS, Urls, link, rows_of, write
from support.houses import AGENT, AGENT_WITHOUT_CLEARANCE, Asking, citizen, opened

SOMEBODY = list(bsns(CITIZENS + 1))[-1]
"""Whom the population does not know."""

SECRET, CALLED, TIP = "a confidential title", "the words of the citizen", "the words of an unknown caller"
SUBJECT = "query Q($id: ID!) { journey(id: $id) { subject } }"
REPORTS = """
    query Q($id: ID!, $after: String) {
      journey(id: $id) {
        reports(first: 1, after: $after) { pageInfo { hasNextPage } edges { cursor node { number } } }
      }
    }
"""


def at(hour: int) -> str:
    return f"2026-10-20 {hour:02}:00:00.000000"


def contact(key: int, hour: int, subject: str, bsn: str | None = SOMEBODY, about: str | None = None) -> list[str]:
    who = f"'{bsn}'" if bsn else "NULL"
    values = f"({key}, 'I', '{subject}', '{at(hour)}', {who})"
    told = f"INSERT INTO klantcontact (nummer, richting, onderwerp, tijdstip, bsn) VALUES {values}"
    linked = f"INSERT INTO klantcontact_onderwerp (klantcontact_nummer, incident_nummer) VALUES ({key}, '{about}')"
    return [told, linked] if about else [told]


def report(number: str, hour: int, title: str, *, confidential: bool = False) -> list[str]:
    columns = "nummer, soort_cd, status_cd, titel, vertrouwelijk, aangemaakt_op, gewijzigd_op"
    values = f"'{number}', 'TIP', 'ONTV', '{title}', {confidential}, '{at(hour)}', '{at(hour)}'"
    return [
        f"INSERT INTO incident ({columns}) VALUES ({values})",
        f"INSERT INTO betrokkene (incident_nummer, bsn, rol_cd) VALUES ('{number}', '{SOMEBODY}', 'AAN')",
    ]


async def journey_of(urls: Urls, key: str) -> str:
    """The id of the journey of a contact or report, when all is linked."""
    await link(urls)
    (found,) = {row["journey_id"] for row in await rows_of(urls["journeys"], ENTRY) if row["key"] == key}
    return encode("Journey", found)


@pytest.mark.parametrize(
    ("viewer", "expected"), [(AGENT, SECRET), (AGENT_WITHOUT_CLEARANCE, CALLED), (citizen(SOMEBODY), SECRET)]
)
async def test_a_journey_is_not_called_after_a_confidential_report_by_those_without_clearance(
    own_urls: Urls, viewer: Viewer, expected: str
) -> None:
    await write(own_urls["incidents"], *report("R1", 9, SECRET, confidential=True))
    await write(own_urls["servicemodule"], *contact(900_001, 10, CALLED))
    async with opened(own_urls) as ask:
        answer = await ask.data(SUBJECT, viewer, id=await journey_of(own_urls, "R1"))
    assert answer["journey"]["subject"] == expected


@pytest.mark.parametrize(("viewer", "expected"), [(AGENT, TIP), (citizen(SOMEBODY), "burgled")])
async def test_a_citizens_journey_is_not_called_after_what_an_unknown_caller_said(
    own_urls: Urls, viewer: Viewer, expected: str
) -> None:
    await write(own_urls["incidents"], *report("R1", 10, "burgled"))
    await write(own_urls["servicemodule"], *contact(900_001, 9, TIP, bsn=None, about="R1"))
    async with opened(own_urls) as ask:
        answer = await ask.data(SUBJECT, viewer, id=await journey_of(own_urls, "900001"))
    assert answer["journey"]["subject"] == expected


@pytest.mark.parametrize("count", [1, 50])
async def test_subjects_take_four_statements_whatever_the_number_of_journeys(ask: Asking, count: int) -> None:
    answer = await ask.data("query Q($n: Int) { journeys(first: $n) { edges { node { subject } } } }", n=count)
    assert len([edge for edge in answer["journeys"]["edges"] if edge["node"]["subject"]]) == count
    # journeys: the page, the keys of contacts and of reports.
    assert ask.statements == {"journeys": 3, "servicemodule": 1, "incidents": 1}


async def test_a_journey_database_that_has_subjects_of_before_goes_on_without_them(own_urls: Urls) -> None:
    made_before = ["ALTER TABLE journey ADD COLUMN subject VARCHAR", "UPDATE journey SET subject = 'x'"]
    await write(own_urls["journeys"], *made_before)
    await write(own_urls["servicemodule"], *contact(900_001, 9, CALLED))
    async with opened(own_urls) as ask:
        assert (await ask.data(SUBJECT, id=await journey_of(own_urls, "900001")))["journey"]["subject"] == CALLED
        answer = await ask.data("{ journeys(first: 50) { edges { node { subject } } } }")
    assert "x" not in {edge["node"]["subject"] for edge in answer["journeys"]["edges"]}


async def test_a_cursor_still_works_when_its_row_has_become_confidential(own_urls: Urls) -> None:
    await write(own_urls["incidents"], *report("R1", 9, "one"), *report("R2", 10, "two"), *report("R3", 11, "three"))
    journey = await journey_of(own_urls, "R1")

    async def page(after: str | None) -> Any:
        return (await ask.data(REPORTS, AGENT_WITHOUT_CLEARANCE, id=journey, after=after))["journey"]["reports"]

    async with opened(own_urls) as ask:
        newest = await page(None)
        assert [edge["node"]["number"] for edge in newest["edges"]] == ["R3"]
        await write(own_urls["incidents"], "UPDATE incident SET vertrouwelijk = TRUE WHERE nummer IN ('R3', 'R1')")
        following = await page(newest["edges"][0]["cursor"])
        assert [edge["node"]["number"] for edge in following["edges"]] == ["R2"]
        assert following["pageInfo"] == {"hasNextPage": False}
        assert [edge["node"]["number"] for edge in (await page(None))["edges"]] == ["R2"]


@pytest.mark.parametrize(
    ("viewer", "shown", "statements"),
    [(AGENT, "R3", {"journeys": 2, "incidents": 1}), (AGENT_WITHOUT_CLEARANCE, "R2", {"journeys": 3, "incidents": 2})],
)
async def test_only_a_page_that_something_hidden_leaves_short_is_looked_at_again(
    own_urls: Urls, viewer: Viewer, shown: str, statements: dict[str, int]
) -> None:
    hidden = report("R3", 11, SECRET, confidential=True)
    await write(own_urls["incidents"], *report("R1", 9, "one"), *report("R2", 10, "two"), *hidden)
    async with opened(own_urls) as ask:
        answer = await ask.data(REPORTS, viewer, id=await journey_of(own_urls, "R1"))
    assert answer["journey"]["reports"]["edges"][0]["node"]["number"] == shown
    assert answer["journey"]["reports"]["pageInfo"] == {"hasNextPage": True}
    assert ask.statements == statements

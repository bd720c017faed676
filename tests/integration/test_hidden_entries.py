"""A journey with entries that some of its viewers may not see: neither they nor their words show."""

from typing import Any

import pytest

from resolvers.context import Viewer
from resolvers.ids import encode
from sources.demo.people import bsns
from sources.sql.journeys import ENTRY
from support.back_ends import CITIZENS, Urls, link, rows_of, write
from support.houses import AGENT, AGENT_WITHOUT_CLEARANCE, opened

SOMEBODY = list(bsns(CITIZENS + 1))[-1]
"""Whom the population does not know."""

SECRET = "a confidential title"
REPORTS = """
    query Q($id: ID!, $after: String) {
      journey(id: $id) {
        reports(first: 1, after: $after) { pageInfo { hasNextPage } edges { cursor node { number } } }
      }
    }
"""


def at(hour: int) -> str:
    return f"2026-10-20 {hour:02}:00:00.000000"


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

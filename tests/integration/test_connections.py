"""Connections as front-ends page through them, and the merged timeline."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from resolvers.ids import encode
from sources.sql.journeys import ENTRY, HANDOVER
from support.back_ends import Urls, rows_of, write
from support.houses import Asking, document, opened

PAGE = """
    query Page($first: Int, $after: String, $last: Int, $before: String) {
      reports(first: $first, after: $after, last: $last, before: $before) {
        totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { cursor node { number } }
      }
    }
"""
TIMELINE = """
    query T($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
      journey(id: $id) {
        timeline(first: $first, after: $after, last: $last, before: $before) {
          totalCount
          incompleteSources
          pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
          edges {
            cursor
            node {
              __typename
              ... on Contact { id at: occurredAt }
              ... on StatusChange { id at }
              ... on Handover { id at }
            }
          }
        }
      }
    }
"""


async def walk(ask: Asking, query: str, get: Any, step: dict[str, Any], **variables: Any) -> list[Any]:
    """Every node, a page at a time, forwards with `first` and backwards with `last`; nothing may fail."""

    async def read(**place: Any) -> Any:
        return get(await ask.data(query, **place, **variables))

    return await paged(read, step)


async def paged(read: Callable[..., Awaitable[Any]], step: dict[str, Any]) -> list[Any]:
    """Every node of a connection that is read a page at a time."""
    met: list[Any] = []
    edge = None
    while True:
        connection = await read(**step, **({"after": edge} if "first" in step else {"before": edge}))
        nodes = [each["node"] for each in connection["edges"]]
        info = connection["pageInfo"]
        if "first" in step:
            met, edge, more = met + nodes, info["endCursor"], info["hasNextPage"]
        else:
            met, edge, more = nodes + met, info["startCursor"], info["hasPreviousPage"]
        if not more:
            return met


async def test_forwards_and_backwards_meet_the_same_reports(ask: Asking) -> None:
    every = await walk(ask, PAGE, lambda data: data["reports"], {"first": 100})
    assert await walk(ask, PAGE, lambda data: data["reports"], {"first": 9}) == every
    assert await walk(ask, PAGE, lambda data: data["reports"], {"last": 9}) == every
    assert (await ask.data(PAGE, first=0))["reports"]["totalCount"] == len(every)
    assert len((await ask.data(PAGE))["reports"]["edges"]) == 25


async def test_rows_that_are_inserted_do_not_shift_a_page(own_urls: Urls) -> None:
    query = (
        "query Q($after: String) { contacts(first: 5, after: $after) { pageInfo { endCursor } edges { node { id } } } }"
    )
    async with opened(own_urls) as ask:
        first = (await ask.data(query))["contacts"]
        expected = (await ask.data(query, after=first["pageInfo"]["endCursor"]))["contacts"]
        values = "('X', 'I', '2026-11-01 11:59:59.000000')"
        await write(
            own_urls["servicemodule"], f"INSERT INTO klantcontact (kanaal_cd, richting, tijdstip) VALUES {values}"
        )
        assert (await ask.data(query, after=first["pageInfo"]["endCursor"]))["contacts"] == expected


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"first": 100}, None),
        ({"first": 101}, "BAD_USER_INPUT"),
        ({"last": 101}, "BAD_USER_INPUT"),
        ({"first": -1}, "BAD_USER_INPUT"),
        ({"first": 1, "last": 1}, "BAD_USER_INPUT"),
        ({"after": "nonsense"}, "BAD_USER_INPUT"),
        ({"before": ""}, "BAD_USER_INPUT"),
    ],
)
async def test_page_arguments_at_their_edges(ask: Asking, arguments: dict[str, Any], code: str | None) -> None:
    assert await ask.codes(PAGE, **arguments) == ([] if code is None else [code])


async def test_a_cursor_of_another_list_is_refused(ask: Asking) -> None:
    cursor = (await ask.data("{ contacts(first: 1) { edges { cursor } } }"))["contacts"]["edges"][0]["cursor"]
    assert await ask.codes(PAGE, after=cursor) == ["BAD_USER_INPUT"]


async def test_the_timeline_merges_three_sources_into_one_order(ask: Asking, urls: Urls) -> None:
    journeys = (await ask.data("{ journeys(first: 20) { edges { node { id } } } }"))["journeys"]["edges"]
    for journey in [edge["node"]["id"] for edge in journeys]:
        every = await walk(ask, TIMELINE, lambda data: data["journey"]["timeline"], {"first": 100}, id=journey)
        assert [entry["at"] for entry in every] == sorted(entry["at"] for entry in every)
        assert len({entry["id"] for entry in every}) == len(every)
        for step in ({"first": 3}, {"last": 3}):
            assert await walk(ask, TIMELINE, lambda data: data["journey"]["timeline"], step, id=journey) == every
        total = (await ask.data(TIMELINE, id=journey, first=0))["journey"]["timeline"]["totalCount"]
        assert total == len(every)


async def test_a_timeline_is_paged_past_what_cannot_be_read(own_urls: Urls) -> None:
    entries = await rows_of(own_urls["journeys"], ENTRY)
    of_journeys = Counter(entry["journey_id"] for entry in entries)
    (journey, _), *_ = of_journeys.most_common()
    contacts = sorted(
        (entry["at"], int(entry["key"])) for entry in entries if (entry["journey_id"], entry["kind"]) == (journey, "C")
    )
    unread = ", ".join(str(key) for _, key in contacts[1:4])
    async with opened(own_urls) as ask:
        every = await _timeline(ask, journey, {"first": 100})
        await write(own_urls["servicemodule"], f"UPDATE klantcontact SET richting = 'X' WHERE nummer IN ({unread})")
        gone = {encode("Contact", key) for _, key in contacts[1:4]}
        left = [each for each in every if each not in gone]
        assert len(left) == len(every) - 3
        for step in ({"first": 1}, {"last": 1}, {"first": 2}, {"last": 2}, {"first": 5}, {"first": 100}):
            assert await _timeline(ask, journey, step) == left


async def _timeline(ask: Asking, journey: int, step: dict[str, Any]) -> list[str]:
    """The ids of a journey's entries, a page at a time, whatever cannot be read."""

    async def read(**place: Any) -> Any:
        return (await ask(TIMELINE, id=encode("Journey", journey), **place))["data"]["journey"]["timeline"]

    return [node["id"] for node in await paged(read, step)]


async def test_the_timeline_asks_each_source_for_one_batched_page(ask: Asking) -> None:
    query = """
        { journeys(first: 20) { edges { node { timeline(first: 10) { edges { node { __typename } } } } } } }
    """
    answer = await ask.data(query)
    entries = [edge["node"]["timeline"]["edges"] for edge in answer["journeys"]["edges"]]
    assert {each["node"]["__typename"] for edges in entries for each in edges} == {
        "Contact",
        "StatusChange",
        "Handover",
    }
    # journeys: the page, the keys of contacts and of reports, handovers; then each source once.
    assert ask.statements == {"journeys": 4, "servicemodule": 1, "incidents": 1}


async def test_a_journeys_timeline_as_the_docs_show_it(ask: Asking, urls: Urls) -> None:
    handover = (await rows_of(urls["journeys"], HANDOVER))[0]
    entry = next(row for row in await rows_of(urls["journeys"], ENTRY) if row["journey_id"] == handover["journey_id"])
    answer = await ask.data(document("journey-timeline"), id=encode("Journey", entry["journey_id"]))
    assert "Handover" in {edge["node"]["__typename"] for edge in answer["journey"]["timeline"]["edges"]}
    assert len(answer["journey"]["channels"]) > 1


async def test_the_settings_tell_how_long_a_page_is_and_may_be(sqlite_urls: Urls) -> None:
    async with opened(sqlite_urls, page_size=3, max_page_size=5) as ask:
        pages = [len((await ask.data(PAGE, **given))["reports"]["edges"]) for given in ({}, {"first": 5}, {"last": 5})]
        assert pages == [3, 5, 5]
        assert await ask.codes(PAGE, first=6) == ["BAD_USER_INPUT"]
        assert await ask.codes("query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["x"] * 6) == ["BAD_USER_INPUT"]


async def test_a_page_of_none_has_no_edges(ask: Asking) -> None:
    for given in ({"first": 0}, {"last": 0}):
        found = (await ask.data(PAGE, **given))["reports"]
        assert found["edges"] == []
        assert found["totalCount"] > 0


async def test_a_page_is_as_long_as_asked_also_where_the_same_field_is_asked_again_further_down(ask: Asking) -> None:
    query = """
        {
          journeys(first: 20) {
            edges {
              node {
                contacts(first: 1) {
                  edges {
                    node { citizen { journeys { edges { node { contacts(first: 1) { edges { node { id } } } } } } } }
                  }
                }
              }
            }
          }
        }
    """
    outer = nodes((await ask.data(query))["journeys"])
    further = [each for journey in outer for contact in nodes(journey["contacts"]) for each in journeys_of(contact)]
    assert further
    assert {len(each["contacts"]["edges"]) for each in further} <= {0, 1}


def nodes(connection: Any) -> list[Any]:
    return [edge["node"] for edge in connection["edges"]]


def journeys_of(contact: Any) -> list[Any]:
    return nodes(contact["citizen"]["journeys"]) if contact["citizen"] else []

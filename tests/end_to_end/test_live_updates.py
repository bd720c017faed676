"""A change that a back-end writes reaches a subscribed client: another process, plain SQL, the real server."""

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from resolvers.ids import encode
from sources.demo.loading import PostgresDatabases
from sources.sql.incidents import INCIDENT, INCIDENT_STATUS
from sources.sql.journeys import ENTRY, NEWS
from support.back_ends import Urls, change_of, loaded, reported, rows_of, write
from support.houses import document
from support.postgres import plain
from support.servers import Server, serving
from support.sockets import connected

LIVE_STATUS = document("live-status")
CHANGES = """
    subscription C($after: String, $filter: ReportWatch) {
      reportStatusChanges(after: $after, filter: $filter) { cursor change { label } report { number status } }
    }
"""
CONTACTS = """
    subscription C($filter: ContactWatch) {
      contactRegistered(filter: $filter) { contact { subject channel { code } citizen { id } } }
    }
"""
JOURNEY = """
    subscription J($id: ID!) {
      journeyUpdated(id: $id) { entry { __typename ... on StatusChange { label } } journey { id } }
    }
"""


@pytest.fixture
def live(own_urls: Urls, tmp_path: Path) -> Iterator[tuple[Server, Urls]]:
    directory = tmp_path / "server"
    directory.mkdir()
    with serving(own_urls, directory) as server:
        yield server, own_urls


async def test_a_status_that_the_register_writes_reaches_the_citizen(live: tuple[Server, Urls]) -> None:
    server, urls = live
    number, bsn = await reported(urls)
    async with connected(server, server.citizen(bsn)) as socket:
        await socket.subscribe("a", LIVE_STATUS, number=number)
        assert await socket.silent(0.5)
        for status, label, expected in [
            ("OPSP", "In onderzoek", "IN_INVESTIGATION"),
            ("WACH", "Wacht op aanvullende informatie", "AWAITING_INFORMATION"),
            ("AFGE", "Afgesloten", "CLOSED"),
        ]:
            started = time.monotonic()
            await write(urls["incidents"], *change_of(number, status))
            event = (await socket.event("a"))["data"]["reportStatusChanged"]
            assert (event["change"]["label"], event["change"]["status"]) == (label, expected)
            # Fresh data in each event: never what an earlier one has read.
            assert event["report"]["status"] == expected
            assert time.monotonic() - started < 10
        await socket.send({"id": "a", "type": "complete"})
        await write(urls["incidents"], *change_of(number, "BEOO"))
        assert await socket.silent()


async def test_after_a_cursor_everything_since_comes_first(live: tuple[Server, Urls]) -> None:
    server, urls = live
    number, bsn = await reported(urls)
    async with connected(server, server.citizen(bsn)) as socket:
        await socket.subscribe("a", LIVE_STATUS, number=number)
        assert await socket.silent(0.5)
        await write(urls["incidents"], *change_of(number, "OPSP"))
        cursor = (await socket.event("a"))["data"]["reportStatusChanged"]["cursor"]
    for status in ("WACH", "AFGE"):
        await write(urls["incidents"], *change_of(number, status))
    async with connected(server, server.citizen(bsn)) as socket:
        await socket.subscribe("b", LIVE_STATUS, number=number, after=cursor)
        events = [(await socket.event("b"))["data"]["reportStatusChanged"] for _ in range(2)]
        assert [event["change"]["status"] for event in events] == ["AWAITING_INFORMATION", "CLOSED"]
        await write(urls["incidents"], *change_of(number, "BEOO"))
        assert (await socket.event("b"))["data"]["reportStatusChanged"]["change"]["status"] == "UNDER_ASSESSMENT"


async def test_the_live_cursor_of_a_query_leaves_no_gap(live: tuple[Server, Urls]) -> None:
    server, urls = live
    number, _ = await reported(urls)
    headers = {"authorization": f"Bearer {server.agent}", "omniloket-purpose": "intake"}
    async with httpx.AsyncClient() as client:
        query = {
            "query": "query Q($n: String!) { liveCursor report(by: {number: $n}) { status } }",
            "variables": {"n": number},
        }
        answer = (await client.post(server.url, json=query, headers=headers)).json()["data"]
    await write(urls["incidents"], *change_of(number, "INGE"))
    async with connected(server, server.agent) as socket:
        await socket.subscribe("a", CHANGES, after=answer["liveCursor"])
        event = (await socket.event("a"))["data"]["reportStatusChanges"]
        assert event["report"] == {"number": number, "status": "WITHDRAWN"}


async def test_what_a_query_has_shown_does_not_come_again(postgres: str, tmp_path: Path) -> None:
    """Also where it comes after the place that the cursor names: an older transaction is open still."""
    urls = loaded(PostgresDatabases(postgres, "omniloket_own"))
    number, _ = await reported(urls)
    slow = await asyncpg.connect(plain(urls["incidents"]))
    with serving(urls, tmp_path) as server:
        async with slow.transaction():
            for statement in change_of(number, "WACH"):
                await slow.execute(statement)
            columns = "incident_nummer, status_cd, tijdstip"
            values = f"'{number}', 'OPSP', '2026-11-02 11:00:00'"
            await write(urls["incidents"], f"INSERT INTO incident_status ({columns}) VALUES ({values})")
            headers = {"authorization": f"Bearer {server.agent}", "omniloket-purpose": "intake"}
            query = f'{{ liveCursor report(by: {{number: "{number}"}}) {{ statusHistory {{ label }} }} }}'
            async with httpx.AsyncClient() as client:
                answer = (await client.post(server.url, json={"query": query}, headers=headers)).json()["data"]
        await slow.close()
        assert "In onderzoek" in [each["label"] for each in answer["report"]["statusHistory"]]
        async with connected(server, server.agent) as socket:
            await socket.subscribe("a", LIVE_STATUS, number=number, after=answer["liveCursor"])
            event = (await socket.event("a"))["data"]["reportStatusChanged"]
            assert event["change"]["label"] == "Wacht op aanvullende informatie"
            assert await socket.silent()
            await socket.subscribe("b", LIVE_STATUS, number=number, after=event["cursor"])
            assert await socket.silent()


async def test_a_cursor_is_for_its_own_field_and_subject(live: tuple[Server, Urls]) -> None:
    server, urls = live
    number, _ = await reported(urls)
    other = next(row["nummer"] for row in await rows_of(urls["incidents"], INCIDENT) if row["nummer"] != number)
    async with connected(server, server.agent) as socket:
        await socket.subscribe("a", LIVE_STATUS, number=number)
        assert await socket.silent(0.5)
        await write(urls["incidents"], *change_of(number, "OPSP"))
        cursor = (await socket.event("a"))["data"]["reportStatusChanged"]["cursor"]
        await socket.send({"id": "a", "type": "complete"})
        await socket.subscribe("b", LIVE_STATUS, number=other, after=cursor)
        assert await socket.errors("b") == ["BAD_USER_INPUT"]
        await socket.subscribe("c", CHANGES, after=cursor)
        assert await socket.errors("c") == ["BAD_USER_INPUT"]
        # Not the last character: some of its bits may stand for nothing.
        changed = cursor[:9] + ("A" if cursor[9] != "A" else "B") + cursor[10:]
        await socket.subscribe("d", LIVE_STATUS, number=number, after=changed)
        assert await socket.errors("d") == ["BAD_USER_INPUT"]
        await socket.subscribe("e", LIVE_STATUS, number=number, after=cursor)
        assert await socket.silent()


async def test_a_cursor_after_which_rows_may_be_missing_has_expired(live: tuple[Server, Urls]) -> None:
    server, urls = live
    number, _ = await reported(urls)
    async with connected(server, server.agent) as socket:
        await socket.subscribe("a", LIVE_STATUS, number=number)
        assert await socket.silent(0.5)
        await write(urls["incidents"], *change_of(number, "OPSP"))
        cursor = (await socket.event("a"))["data"]["reportStatusChanged"]["cursor"]
        await write(urls["incidents"], *change_of(number, "WACH"))
        assert await socket.event("a")
        await socket.send({"id": "a", "type": "complete"})
        newest = "SELECT max(volgnummer) FROM incident_status"
        await write(urls["incidents"], f"DELETE FROM incident_status WHERE volgnummer < ({newest})")
        await socket.subscribe("b", LIVE_STATUS, number=number, after=cursor)
        assert await socket.errors("b") == ["CURSOR_EXPIRED"]


async def test_watching_some_statuses(live: tuple[Server, Urls]) -> None:
    server, urls = live
    number, _ = await reported(urls)
    async with connected(server, server.agent) as socket:
        await socket.subscribe("a", CHANGES, filter={"status": ["CLOSED"]})
        assert await socket.silent(0.5)
        await write(urls["incidents"], *change_of(number, "OPSP"))
        await write(urls["incidents"], *change_of(number, "AFGE"))
        assert (await socket.event("a"))["data"]["reportStatusChanges"]["change"]["label"] == "Afgesloten"


async def test_a_new_contact_reaches_the_agents_screen(live: tuple[Server, Urls]) -> None:
    server, urls = live
    _, bsn = await reported(urls)
    async with connected(server, server.agent) as socket:
        await socket.subscribe("a", CONTACTS, filter={"channel": ["WHATSAPP"]})
        assert await socket.silent(0.5)
        for channel, subject in (("X", "nee"), ("WHATSAPP", "ja")):
            values = f"('{channel}', 'I', '{subject}', '{bsn}', '2026-11-02 10:00:00.000000')"
            columns = "kanaal_cd, richting, onderwerp, bsn, tijdstip"
            await write(urls["servicemodule"], f"INSERT INTO klantcontact ({columns}) VALUES {values}")
        contact = (await socket.event("a"))["data"]["contactRegistered"]["contact"]
        assert (contact["subject"], contact["channel"]["code"]) == ("ja", "WHATSAPP")
        assert contact["citizen"]["id"]


async def test_a_journey_tells_of_its_reports(own_urls: Urls, tmp_path: Path) -> None:
    urls = own_urls
    number, bsn = await reported(urls)
    entry = next(row for row in await rows_of(urls["journeys"], ENTRY) if row["key"] == number)
    journey = encode("Journey", entry["journey_id"])
    with serving(urls, tmp_path, OMNILOKET_LINKING__RUN="true") as server:
        async with connected(server, server.citizen(bsn)) as socket:
            await socket.subscribe("a", JOURNEY, id=journey)
            assert await socket.silent(0.5)
            await write(urls["incidents"], *change_of(number, "OVER"))
            event = (await socket.event("a"))["data"]["journeyUpdated"]
            assert event["entry"] == {"__typename": "StatusChange", "label": "Overgedragen aan een andere eenheid"}
            assert event["journey"] == {"id": journey}


async def test_many_clients_get_every_change_in_one_order(live: tuple[Server, Urls]) -> None:
    server, urls = live
    number, bsn = await reported(urls)

    async def follow(token: str) -> list[str]:
        async with connected(server, token) as socket:
            await socket.subscribe("a", LIVE_STATUS, number=number)
            ready.release()
            return [(await socket.event("a", 20))["data"]["reportStatusChanged"]["change"]["at"] for _ in range(20)]

    ready = asyncio.Semaphore(0)
    following = [asyncio.create_task(follow(token)) for token in [server.agent, server.citizen(bsn)] * 10]
    for _ in following:
        await ready.acquire()
    await asyncio.sleep(1)
    times = [datetime(2026, 11, 2, 10, minute).isoformat(" ") + ".000000" for minute in range(20)]  # noqa: DTZ001
    for at in times:
        await write(urls["incidents"], *change_of(number, "OPSP", at))
    got = await asyncio.gather(*following)
    assert got == [[f"2026-11-02T09:{minute:02}:00Z" for minute in range(20)]] * len(following)


async def test_a_row_that_cannot_be_read_is_passed_over_and_logged(live: tuple[Server, Urls]) -> None:
    server, urls = live
    values: Any = "('X', 'Z', '2026-11-02 10:00:00.000000'), ('X', 'I', '2026-11-02 10:00:01.000000')"
    async with connected(server, server.agent) as socket:
        await socket.subscribe("a", CONTACTS)
        assert await socket.silent(0.5)
        await write(urls["servicemodule"], f"INSERT INTO klantcontact (kanaal_cd, richting, tijdstip) VALUES {values}")
        assert (await socket.event("a"))["data"]["contactRegistered"]["contact"]["channel"]["code"] == "X"
    assert "a log could not be read" in server.log.read_text()


async def test_a_change_that_waits_for_a_failing_source_is_logged_and_comes_when_it_answers(
    live: tuple[Server, Urls],
) -> None:
    server, urls = live
    number, bsn = await reported(urls)
    entry = next(row for row in await rows_of(urls["journeys"], ENTRY) if row["key"] == number)
    await write(urls["incidents"], *change_of(number, "OVER"))
    change = max(row["volgnummer"] for row in await rows_of(urls["incidents"], INCIDENT_STATUS))
    async with connected(server, server.citizen(bsn)) as socket:
        await socket.subscribe("a", JOURNEY, id=encode("Journey", entry["journey_id"]))
        assert await socket.silent(0.5)
        await write(urls["incidents"], "ALTER TABLE incident RENAME TO elders")
        news = {"journey_id": entry["journey_id"], "kind": "S", "key": change}
        await write(urls["journeys"], NEWS.insert().values(news))
        assert await socket.silent(3)
        assert server.log.read_text().count("changes wait for a source") == 1
        await write(urls["incidents"], "ALTER TABLE elders RENAME TO incident")
        event = (await socket.event("a"))["data"]["journeyUpdated"]
        assert event["entry"]["__typename"] == "StatusChange"

"""Journeys that come about under a running server: a back-end writes, and its citizen's journey goes on."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from resolvers.ids import encode
from sources.demo.loading import PostgresDatabases
from sources.sql.incidents import INCIDENT
from sources.sql.journeys import ENTRY, HANDOVER, JOURNEY, LINKER
from sources.sql.servicemodule import KLANTCONTACT
from support.back_ends import Urls, loaded, rows_of, write
from support.postgres import postgres_server
from support.servers import Server, serving, stop
from support.sockets import Socket, connected

JOURNEY_UPDATED = """
    subscription J($id: ID!, $after: String) {
      journeyUpdated(id: $id, after: $after) {
        cursor
        entry {
          __typename
          ... on Contact { subject }
          ... on StatusChange { label }
          ... on Handover { from { code } to { code } by { name } }
        }
        journey { lastActiveAt state channels { code } }
      }
    }
"""


async def newest(urls: Urls) -> tuple[str, str, int]:
    """The citizen of the journey that was active last, its last channel, and its key."""
    last = max(await rows_of(urls["journeys"], JOURNEY), key=lambda row: (row["last_active_at"], row["id"]))
    keys = {row["key"] for row in await rows_of(urls["journeys"], ENTRY) if row["journey_id"] == last["id"]}
    contacts = [row for row in await rows_of(urls["servicemodule"], KLANTCONTACT) if str(row["nummer"]) in keys]
    return contacts[-1]["bsn"], max(contacts, key=lambda row: row["tijdstip"])["kanaal_cd"], last["id"]


def contact(bsn: str | None, channel: str, subject: str, at: str = "2026-11-02 12:00:00.000000") -> str:
    columns = "kanaal_cd, richting, onderwerp, bsn, tijdstip"
    who = "NULL" if bsn is None else f"'{bsn}'"
    return f"INSERT INTO klantcontact ({columns}) VALUES ('{channel}', 'I', '{subject}', {who}, '{at}')"


async def entries(socket: Socket, count: int) -> list[Any]:
    return [(await socket.event("a"))["data"]["journeyUpdated"]["entry"] for _ in range(count)]


async def journey_of_subject(urls: Urls, subject: str, seconds: float = 20) -> int | None:
    """The key of the journey of a contact; None when it is on none after a while."""
    (row,) = [row for row in await rows_of(urls["servicemodule"], KLANTCONTACT) if row["onderwerp"] == subject]
    for _ in range(int(seconds * 10)):
        for entry in await rows_of(urls["journeys"], ENTRY):
            if (entry["kind"], entry["key"]) == ("C", str(row["nummer"])):
                return entry["journey_id"]
        await asyncio.sleep(0.1)
    return None


async def test_a_contact_that_the_servicemodule_registers_reaches_the_journey_and_its_followers(
    own_urls: Urls, tmp_path: Path
) -> None:
    bsn, channel, key = await newest(own_urls)
    other = "BALIE" if channel != "BALIE" else "APP"
    with serving(own_urls, tmp_path, OMNILOKET_LINKING__RUN="true") as server:
        async with connected(server, server.agent) as socket:
            await socket.subscribe("a", JOURNEY_UPDATED, id=encode("Journey", key))
            assert await socket.silent(1)
            await write(own_urls["servicemodule"], contact(bsn, other, "nieuw"))
            event = (await socket.event("a"))["data"]["journeyUpdated"]
            assert event["entry"] == {"__typename": "Contact", "subject": "nieuw"}
            assert event["journey"]["lastActiveAt"] == "2026-11-02T11:00:00Z"
            assert other in [each["code"] for each in event["journey"]["channels"]]
            assert await entries(socket, 1) == [
                {"__typename": "Handover", "from": {"code": channel}, "to": {"code": other}, "by": None}
            ]


async def test_a_new_reports_status_is_not_lost_while_it_is_being_linked(own_urls: Urls, tmp_path: Path) -> None:
    bsn, _, key = await newest(own_urls)
    number, at = "PL1700-2026999999", "2026-11-02 12:00:00.000000"
    columns = "nummer, soort_cd, status_cd, titel, vertrouwelijk, aangemaakt_op, gewijzigd_op"
    status = "INSERT INTO incident_status (incident_nummer, status_cd, tijdstip) VALUES"
    filed = [
        f"INSERT INTO incident ({columns}) VALUES ('{number}', 'MELD', 'ONTV', 'nieuw', false, '{at}', '{at}')",
        f"INSERT INTO betrokkene (incident_nummer, bsn, rol_cd) VALUES ('{number}', '{bsn}', 'AAN')",
        f"{status} ('{number}', 'ONTV', '{at}')",
    ]
    with serving(own_urls, tmp_path, OMNILOKET_LINKING__RUN="true") as server:
        async with connected(server, server.citizen(bsn)) as socket:
            await socket.subscribe("a", JOURNEY_UPDATED, id=encode("Journey", key))
            assert await socket.silent(1)
            await write(own_urls["incidents"], *filed)
            assert await entries(socket, 1) == [{"__typename": "StatusChange", "label": "Ontvangen"}]
            line = (
                "INSERT INTO incident_status (incident_nummer, status_cd, tijdstip) VALUES ('PL1700-2026999999', 'BEOO'"
            )
            await write(own_urls["incidents"], f"{line}, '{at}')")
            assert await entries(socket, 1) == [{"__typename": "StatusChange", "label": "In beoordeling"}]
            assert await socket.silent()


async def test_a_journeys_followers_hear_of_all_sources_in_one_order_from_any_process(
    own_urls: Urls, tmp_path: Path
) -> None:
    bsn, channel, key = await newest(own_urls)
    number, at = "PL1700-2026999999", "2026-11-02 12:00:00.000000"
    columns = "nummer, soort_cd, status_cd, titel, vertrouwelijk, aangemaakt_op, gewijzigd_op"
    status = "INSERT INTO incident_status (incident_nummer, status_cd, tijdstip) VALUES"
    await write(
        own_urls["incidents"],
        f"INSERT INTO incident ({columns}) VALUES ('{number}', 'MELD', 'ONTV', 'nieuw', false, '{at}', '{at}')",
        f"INSERT INTO betrokkene (incident_nummer, bsn, rol_cd) VALUES ('{number}', '{bsn}', 'AAN')",
    )
    directories = [tmp_path / name for name in ("one", "two")]
    for directory in directories:
        directory.mkdir()
    on = {"OMNILOKET_LINKING__RUN": "true"}

    async def follow(server: Server, count: int, after: str | None = None) -> list[Any]:
        async with connected(server, server.agent) as socket:
            await socket.subscribe("a", JOURNEY_UPDATED, id=encode("Journey", key), after=after)
            ready.release()
            return [(await socket.event("a", 30))["data"]["journeyUpdated"] for _ in range(count)]

    ready = asyncio.Semaphore(0)
    with serving(own_urls, directories[0], **on) as one, serving(own_urls, directories[1], **on) as two:
        following = [asyncio.create_task(follow(server, 10)) for server in (one, two)]
        for _ in following:
            await ready.acquire()
        await asyncio.sleep(1)
        for place in range(5):
            await write(own_urls["servicemodule"], contact(bsn, channel, f"contact {place}"))
            await write(own_urls["incidents"], f"{status} ('{number}', 'OPSP', '{at}')")
        first, second = await asyncio.gather(*following)
        told = [event["entry"] for event in first]
        assert [event["entry"] for event in second] == told
        assert [each["subject"] for each in told if "subject" in each] == [f"contact {place}" for place in range(5)]
        assert [each["label"] for each in told if "label" in each] == ["In onderzoek"] * 5
        for server in (one, two):
            rest = await follow(server, 6, after=first[3]["cursor"])
            assert [event["entry"] for event in rest] == told[4:]


async def test_an_unknown_caller_who_becomes_known_joins_the_own_journey(own_urls: Urls, tmp_path: Path) -> None:
    bsn, _, key = await newest(own_urls)
    await write(own_urls["servicemodule"], contact(None, "0900-8844", "wie ben ik"))
    with serving(own_urls, tmp_path, OMNILOKET_LINKING__RUN="true") as server:
        alone = await journey_of_subject(own_urls, "wie ben ik")
        assert alone not in (None, key)
        assert "linking failed" not in server.log.read_text()
    await write(own_urls["servicemodule"], f"UPDATE klantcontact SET bsn = '{bsn}' WHERE onderwerp = 'wie ben ik'")
    with serving(own_urls, tmp_path, OMNILOKET_LINKING__RUN="true"):
        for _ in range(200):
            if await journey_of_subject(own_urls, "wie ben ik") == key:
                break
            await asyncio.sleep(0.1)
        assert await journey_of_subject(own_urls, "wie ben ik") == key
    assert alone not in [row["id"] for row in await rows_of(own_urls["journeys"], JOURNEY)]


async def test_another_process_takes_over_from_a_linker_that_is_killed(own_urls: Urls, tmp_path: Path) -> None:
    bsn, _, key = await newest(own_urls)
    directories = [tmp_path / name for name in ("one", "two")]
    for directory in directories:
        directory.mkdir()
    switched_on = {"OMNILOKET_LINKING__RUN": "true", "OMNILOKET_LINKING__LEASE_SECONDS": "1"}
    with serving(own_urls, directories[0], **switched_on) as first:
        await write(own_urls["servicemodule"], contact(bsn, "APP", "eerste"))
        assert await journey_of_subject(own_urls, "eerste") == key
        (holder,) = {row["holder"] for row in await rows_of(own_urls["journeys"], LINKER)}
        with serving(own_urls, directories[1], **switched_on) as second:
            await asyncio.sleep(1)
            assert {row["holder"] for row in await rows_of(own_urls["journeys"], LINKER)} == {holder}
            os.kill(first.process.pid, signal.SIGKILL)
            await write(own_urls["servicemodule"], contact(bsn, "APP", "tweede"))
            assert await journey_of_subject(own_urls, "tweede") == key
            assert {row["holder"] for row in await rows_of(own_urls["journeys"], LINKER)} != {holder}
            assert second.process.poll() is None


async def test_no_journey_database_holds_a_bsn(urls: Urls) -> None:
    bsns = {row["bsn"] for row in await rows_of(urls["servicemodule"], KLANTCONTACT) if row["bsn"]}
    reports = {row["nummer"] for row in await rows_of(urls["incidents"], INCIDENT)}
    stored = [str(row) for table in (JOURNEY, ENTRY, HANDOVER) for row in await rows_of(urls["journeys"], table)]
    assert any(number in row for row in stored for number in reports)
    assert [row for row in stored if any(bsn in row for bsn in bsns)] == []


async def test_a_linker_stops_also_while_the_journeys_stand_still(tmp_path: Path) -> None:
    with postgres_server() as postgres:
        urls = loaded(PostgresDatabases(postgres.url))
        bsn, _, key = await newest(urls)
        patient = {"OMNILOKET_SOURCES__JOURNEYS__TIMEOUT_SECONDS": "60"}
        with serving(urls, tmp_path, OMNILOKET_LINKING__RUN="true", **patient) as server:
            await write(urls["servicemodule"], contact(bsn, "APP", "nog net"))
            assert await journey_of_subject(urls, "nog net") == key
            with postgres.paused():
                assert stop(server.process) == -signal.SIGTERM

"""What SQL back-ends do to us: rows that can't be read, deadlines, and not being there."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from sources.errors import RecordMalformed, SourceTimedOut, SourceUnavailable
from sources.filters import ContactFilter
from sources.paging import ALL, PageRequest
from sources.ports import Change, MalformedChange
from sources.scope import EVERYTHING, Scope
from sources.sql import incidents, persons, servicemodule
from sources.sql.database import Database
from support.back_ends import Urls, rows_of, write
from support.houses import DEVELOPER, opened
from support.postgres import plain

NEWEST = "(SELECT max(nummer) FROM klantcontact)"


async def test_a_row_that_cannot_be_read_costs_that_row(own_urls: Urls) -> None:
    await write(own_urls["servicemodule"], f"UPDATE klantcontact SET richting = 'Z' WHERE nummer = {NEWEST}")
    number = max(row["nummer"] for row in await rows_of(own_urls["servicemodule"], servicemodule.KLANTCONTACT))
    async with Database("servicemodule", own_urls["servicemodule"]) as database:
        contacts, log = servicemodule.contacts(database), servicemodule.contact_log(database)
        total = await contacts.count(EVERYTHING)
        page = await contacts.page(PageRequest(limit=total), EVERYTHING)
        assert [(error.source, error.field) for error in page.malformed] == [("servicemodule", "richting")]
        assert len(page.rows) == total - 1
        (found,) = await contacts.by_ids([number], EVERYTHING)
        assert isinstance(found, RecordMalformed)
        (change,) = await log.history(await log.end(), number - 1, 10)
        assert isinstance(change, MalformedChange)


async def test_a_page_gets_past_a_row_that_cannot_be_read(own_urls: Urls) -> None:
    await write(own_urls["servicemodule"], "UPDATE klantcontact SET richting = 'Z' WHERE nummer % 3 = 0")
    async with Database("servicemodule", own_urls["servicemodule"]) as database:
        contacts = servicemodule.contacts(database)
        rows, malformed, after = 0, 0, None
        while True:
            page = await contacts.page(PageRequest(1, after=after), EVERYTHING)
            rows, malformed, after = rows + len(page.rows), malformed + len(page.malformed), page.places[-1]
            if not page.more:
                break
        assert rows + malformed == await contacts.count(EVERYTHING)
        assert malformed > 100


async def test_the_answer_names_the_source_and_the_field_and_never_the_value(own_urls: Urls) -> None:
    await write(own_urls["incidents"], "UPDATE incident_status SET status_cd = 'ONTV'")
    await write(own_urls["persons"], "UPDATE persoon SET geboortedatum = '19991399'")
    async with opened(own_urls) as ask:
        bsn = (await rows_of(own_urls["persons"], persons.PERSOON))[0]["bsn"]
        query = "query Q($bsn: BSN!) { citizen(by: {bsn: $bsn}) { fullName %s } channels { code } }"
        response = await ask(query % "birthDate", bsn=bsn)
        assert (await ask.data(query % "", bsn=bsn))["citizen"]["fullName"]  # of whom no date is read
    (error,) = response["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["citizen"], "INTERNAL")
    assert (error["extensions"]["source"], error["extensions"]["field"]) == ("persons", "geboortedatum")
    assert "19991399" not in str(response)
    assert bsn not in str(response)
    assert len(response["data"]["channels"]) == 13


@pytest.mark.parametrize(
    "written",
    ["onzin", "2026-13-01 10:00:00", "", "2026-05-01T10:00:00+02:00", "infinity"],
)
async def test_a_timestamp_that_is_none_costs_its_row_on_sqlite(tmp_path: Path, written: str) -> None:
    url = await tables(tmp_path / "servicemodule.db", servicemodule.Servicemodule.metadata)
    values = "(1, 'I', '2026-05-01 10:00:00.000000'), (2, 'I', '" + written + "')"
    await write(url, f"INSERT INTO klantcontact (nummer, richting, tijdstip) VALUES {values}")
    async with Database("servicemodule", url) as database:
        page = await servicemodule.contacts(database).page(PageRequest(10), EVERYTHING)
    assert [contact.key for contact in page.rows] == [1]
    assert [error.field for error in page.malformed] == ["tijdstip"]


async def test_a_text_that_is_not_utf_8_costs_its_row_on_sqlite(tmp_path: Path) -> None:
    url = await tables(tmp_path / "servicemodule.db", servicemodule.Servicemodule.metadata)
    texts = ["'a'", "CAST(x'41e9' AS TEXT)", "'é'"]
    values = ", ".join(f"({number}, 'I', {text}, '2026-05-01 10:00:00')" for number, text in enumerate(texts))
    await write(url, f"INSERT INTO klantcontact (nummer, richting, onderwerp, tijdstip) VALUES {values}")
    async with Database("servicemodule", url, pool_size=1) as database:
        contacts, log = servicemodule.contacts(database), servicemodule.contact_log(database)
        for _ in range(2):
            page = await contacts.page(PageRequest(10), EVERYTHING)
            assert [contact.subject for contact in page.rows] == ["é", "a"]
            assert [error.field for error in page.malformed] == ["onderwerp"]
        history = await log.history(await log.end(), -1, 10)
        assert [type(change) for change in history] == [Change, MalformedChange, Change]


async def test_a_timestamp_is_written_with_or_without_a_fraction_on_sqlite(tmp_path: Path) -> None:
    written = ["09:59:59.999999", "10:00:00", "10:00:00.000000", "10:00:00.5", "10:00:00.500000", "10:00:01"]
    url = await tables(tmp_path / "servicemodule.db", servicemodule.Servicemodule.metadata)
    values = ", ".join(f"({number}, 'I', '2026-05-01 {at}')" for number, at in enumerate(written))
    await write(url, f"INSERT INTO klantcontact (nummer, richting, tijdstip) VALUES {values}")
    whole = datetime(2026, 5, 1, 8, tzinfo=UTC)
    half = whole.replace(microsecond=500_000)

    async with Database("servicemodule", url) as database:
        contacts = servicemodule.contacts(database)

        async def kept(page: PageRequest | None = None, **filter: datetime) -> list[int]:
            found = await contacts.page(page or PageRequest(10), EVERYTHING, ContactFilter(**filter))
            return sorted(contact.key for contact in found.rows)

        assert await kept(since=whole) == [1, 2, 3, 4, 5]
        assert await kept(until=whole) == [0]
        assert await kept(since=half) == [3, 4, 5]
        assert await kept(until=half) == [0, 1, 2]
        # Where the instant is one's own, the key decides; the newest come first.
        assert await kept(PageRequest(10, after=(whole, 2))) == [0, 1]
        assert await kept(PageRequest(10, after=(whole, 1))) == [0]
        assert await kept(PageRequest(10, before=(half, 3))) == [4, 5]
        assert await kept(PageRequest(10, before=(half, -1))) == [3, 4, 5]
        assert await kept(PageRequest(10, after=(half, 2**63 - 1))) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("written", ["20226-05-12 10:00:00", "0044-03-15 10:00:00 BC", "infinity", "-infinity"])
@pytest.mark.parametrize("own_urls", ["postgresql"], indirect=True)
async def test_a_timestamp_that_is_none_in_python_costs_its_row_on_postgresql(own_urls: Urls, written: str) -> None:
    url = own_urls["servicemodule"]
    await write(url, "DELETE FROM klantcontact_onderwerp", "DELETE FROM bijlage", "DELETE FROM klantcontact")
    values = ", ".join(f"({n}, 'I', '{at}')" for n, at in enumerate(["2026-05-01 10:00:00", written, "2026-06-01"]))
    await write(url, f"INSERT INTO klantcontact (nummer, richting, tijdstip) VALUES {values}")
    async with Database("servicemodule", url) as database:
        contacts, log = servicemodule.contacts(database), servicemodule.contact_log(database)
        for backwards in (False, True):
            keys: list[int] = []
            malformed, after, before = 0, None, None
            for _ in range(3):
                page = await contacts.page(PageRequest(1, after, before, backwards=backwards), EVERYTHING)
                keys += [contact.key for contact in page.rows]
                malformed += len(page.malformed)
                after, before = (None, page.places[0]) if backwards else (page.places[0], None)
            assert (sorted(keys), malformed) == ([0, 2], 1)
            assert not page.more
        found = await contacts.by_ids([0, 1, 2], EVERYTHING)
        assert [isinstance(each, RecordMalformed) for each in found] == [False, True, False]
        kept = await contacts.page(PageRequest(10), EVERYTHING, ContactFilter(since=datetime(2026, 5, 15, tzinfo=UTC)))
        assert [contact.key for contact in kept.rows] == [2]
        history = await log.history(await log.end(), -1, 10)
        assert [type(change) for change in history] == [Change, MalformedChange, Change]


async def test_what_is_linked_twice_counts_once(own_urls: Urls) -> None:
    reporters = "SELECT incident_nummer, bsn, rol_cd FROM betrokkene WHERE rol_cd = 'AAN'"
    await write(
        own_urls["incidents"],
        f"INSERT INTO betrokkene (incident_nummer, bsn, rol_cd) {reporters}",
    )
    subjects = "SELECT klantcontact_nummer, incident_nummer FROM klantcontact_onderwerp"
    await write(
        own_urls["servicemodule"],
        f"INSERT INTO klantcontact_onderwerp (klantcontact_nummer, incident_nummer) {subjects}",
    )
    involved = await rows_of(own_urls["incidents"], incidents.BETROKKENE)
    bsn = involved[0]["bsn"]
    own = {row["incident_nummer"] for row in involved if (row["bsn"], row["rol_cd"]) == (bsn, "AAN")}
    links = await rows_of(own_urls["servicemodule"], servicemodule.ONDERWERP)
    contact, number = links[0]["klantcontact_nummer"], links[0]["incident_nummer"]
    of_contact = {row["incident_nummer"] for row in links if row["klantcontact_nummer"] == contact}
    of_report = {row["klantcontact_nummer"] for row in links if row["incident_nummer"] == number}
    async with (
        Database("incidents", own_urls["incidents"]) as registered,
        Database("servicemodule", own_urls["servicemodule"]) as service,
    ):
        reports, contacts = incidents.reports(registered), servicemodule.contacts(service)
        subjects_of = servicemodule.contact_subjects(service)
        for collection, link, parent, found in [
            (reports, "citizen", bsn, own),
            (contacts, "report", number, of_report),
            (subjects_of, "contact", contact, of_contact),
        ]:
            kept: Any = collection
            (page,) = await kept.of_parents(link, [parent], ALL, EVERYTHING)
            assert len(page.rows) == len(found)
            assert await kept.count_of_parents(link, [parent], EVERYTHING) == [len(found)]
        assert own


async def test_a_file_that_is_larger_than_an_answer_can_say_costs_its_row(tmp_path: Path) -> None:
    url = await tables(tmp_path / "servicemodule.db", servicemodule.Servicemodule.metadata)
    await write(url, "INSERT INTO klantcontact (nummer, richting, tijdstip) VALUES (1, 'I', '2026-05-01 10:00:00')")
    for number, size in enumerate((2**31 - 1, 2**31, -1)):
        columns = "nummer, klantcontact_nummer, naam, mediatype, omvang"
        await write(url, f"INSERT INTO bijlage ({columns}) VALUES ({number}, 1, 'film', 'video/mp4', {size})")
    async with Database("servicemodule", url) as database:
        (page,) = await servicemodule.attachments(database).of_parents("contact", [1], ALL, EVERYTHING)
    assert [attachment.size_bytes for attachment in page.rows] == [2**31 - 1]
    assert [error.field for error in page.malformed] == ["omvang"] * 2


async def test_local_times_become_utc(own_urls: Urls) -> None:
    times = {
        "2026-01-15 12:00:00.000000": "2026-01-15T11:00:00+00:00",
        "2026-07-15 12:00:00.000000": "2026-07-15T10:00:00+00:00",
        # The clock went back at 03:00: the hour that is written twice is read as its first occurrence.
        "2026-10-25 02:30:00.000000": "2026-10-25T00:30:00+00:00",
        # The clock went forward at 02:00: an hour that was never there moves forward.
        "2026-03-29 02:30:00.000000": "2026-03-29T01:30:00+00:00",
    }
    await write(own_urls["servicemodule"], "DELETE FROM klantcontact_onderwerp", "DELETE FROM bijlage")
    await write(own_urls["servicemodule"], "DELETE FROM klantcontact")
    values = ", ".join(f"({number}, 'I', '{written}')" for number, written in enumerate(times))
    await write(own_urls["servicemodule"], f"INSERT INTO klantcontact (nummer, richting, tijdstip) VALUES {values}")
    async with Database("servicemodule", own_urls["servicemodule"]) as database:
        found = await servicemodule.contacts(database).by_ids(list(range(len(times))), EVERYTHING)
    assert [contact.occurred_at.isoformat() for contact in found] == list(times.values())


async def test_codes_that_are_not_known_here_read_as_other_with_the_registers_words(own_urls: Urls) -> None:
    await write(own_urls["incidents"], "UPDATE incident SET status_cd = 'BUUR', soort_cd = 'NIEUW'")
    async with Database("incidents", own_urls["incidents"]) as database:
        page = await incidents.reports(database).page(PageRequest(1), EVERYTHING)
    assert (page.rows[0].status.value, page.rows[0].kind.value) == ("OTHER", "OTHER")
    assert page.rows[0].status_label == "Bij buurtbemiddeling"


async def test_a_statement_that_takes_too_long_is_given_up_also_on_the_server(postgres_urls: Urls) -> None:
    async with Database("persons", postgres_urls["persons"], timeout_seconds=0.3, pool_size=1) as database:
        with pytest.raises(SourceTimedOut) as caught:
            await database.fetch(sa.select(sa.func.pg_sleep(30)))
        assert str(caught.value) == "The source 'persons' did not answer within 0.3 seconds."
        assert (await database.health()).available
        activity = sa.table("pg_stat_activity", sa.column("query"), sa.column("state"))
        is_sleeping = sa.and_(activity.c.query.like("SELECT pg_sleep%"), activity.c.state == "active")
        for _ in range(50):
            if not await database.fetch(sa.select(activity.c.state).where(is_sleeping)):
                return
            await asyncio.sleep(0.1)
        pytest.fail("the statement still runs on the server")


async def test_waiting_for_a_connection_counts_towards_the_deadline(postgres_urls: Urls) -> None:
    async with Database("persons", postgres_urls["persons"], timeout_seconds=0.5, pool_size=1) as database:
        outcomes = await asyncio.gather(
            *(database.fetch(sa.select(sa.func.pg_sleep(30))) for _ in range(3)), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [SourceTimedOut] * 3


async def test_the_sources_tell_what_holds_live_updates_back(postgres_urls: Urls) -> None:
    query = "{ sources { name heldBackMs heldBackBy } }"
    slow = await asyncpg.connect(plain(postgres_urls["incidents"]))
    async with opened(postgres_urls) as ask:
        await slow.execute("BEGIN; SELECT pg_current_xact_id()")
        told = {each["name"]: each for each in (await ask.data(query, DEVELOPER))["sources"]}
        assert told["incidents"]["heldBackBy"] == slow.get_server_pid()
        assert told["incidents"]["heldBackMs"] >= 0
        assert told["persons"] == {"name": "persons", "heldBackMs": None, "heldBackBy": None}
        await slow.close()


@pytest.mark.parametrize(
    "url",
    ["sqlite+aiosqlite:////nowhere/at/all.db", "postgresql+asyncpg://nobody:secret@127.0.0.1:1/nothing"],
    ids=["sqlite", "postgresql"],
)
async def test_a_back_end_that_is_not_there_is_unavailable_and_its_address_stays_inside(url: str) -> None:
    async with Database("persons", url) as database:
        with pytest.raises(SourceUnavailable) as caught:
            await persons.citizens(database).count(EVERYTHING)
        health = await database.health()
    assert (health.available, health.latency_ms) == (False, None)
    assert str(caught.value) == "The source 'persons' does not answer."
    assert "secret" not in str(health)


async def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    async with Database("persons", f"sqlite+aiosqlite:///{tmp_path}/missing.db") as database:
        assert not (await database.health()).available
    assert list(tmp_path.iterdir()) == []


async def test_a_source_that_does_not_answer_costs_its_own_fields(urls: Urls) -> None:
    broken = {**urls, "journeys": "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"}
    async with opened(broken) as ask:
        response = await ask("{ contacts(first: 2) { edges { node { id journey { id } citizen { id } } } } }")
    nodes = [edge["node"] for edge in response["data"]["contacts"]["edges"]]
    assert [node["journey"] for node in nodes] == [None, None]
    assert [error["extensions"]["code"] for error in response["errors"]] == ["SOURCE_UNAVAILABLE"] * 2
    assert {error["extensions"]["source"] for error in response["errors"]} == {"journeys"}


@pytest.mark.parametrize("broken", ["servicemodule", "incidents"])
async def test_a_timeline_names_the_source_that_is_missing_from_it(urls: Urls, broken: str) -> None:
    query = """
        { journeys(first: 50) { edges { node { timeline(first: 50) {
          incompleteSources edges { node { __typename } } } } } } }
    """
    async with opened({**urls, broken: "sqlite+aiosqlite:////nowhere/at/all.db"}) as ask:
        response = await ask(query)
    timelines = [edge["node"]["timeline"] for edge in response["data"]["journeys"]["edges"]]
    named = [each for each in timelines if each["incompleteSources"] == [broken]]
    missing = {"servicemodule": "Contact", "incidents": "StatusChange"}[broken]
    kinds = {edge["node"]["__typename"] for each in timelines for edge in each["edges"]}
    assert named
    assert kinds == {"Contact", "StatusChange", "Handover"} - {missing}
    assert {error["extensions"]["source"] for error in response["errors"]} == {broken}


async def tables(path: Path, metadata: sa.MetaData) -> str:
    """An empty back-end."""
    url = f"sqlite+aiosqlite:///{path}"
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    return url


async def test_statements_by_keys_are_planned_a_few_times_and_then_never_again(postgres_urls: Urls) -> None:
    """PostgreSQL plans the first five executions of a prepared statement in any case (PREPARE, notes)."""
    (report, *_) = await rows_of(postgres_urls["incidents"], incidents.INCIDENT)
    (involved, *_) = await rows_of(postgres_urls["incidents"], incidents.BETROKKENE)
    async with Database("incidents", postgres_urls["incidents"], pool_size=1) as database:
        reports, history = incidents.reports(database), incidents.status_changes(database)
        for _ in range(20):
            await reports.by_ids([report["nummer"]], EVERYTHING)
            await reports.of_parents("citizen", [involved["bsn"]], PageRequest(10), Scope(bsn=involved["bsn"]))
            await reports.count_of_parents("citizen", [involved["bsn"]], EVERYTHING)
            await history.of_parents("report", [report["nummer"]], ALL, EVERYTHING)
        plans = sa.table("pg_prepared_statements", *map(sa.column, ("statement", "generic_plans", "custom_plans")))
        found = await database.fetch(sa.select(plans).where(plans.c.statement.contains("unnest")))
        assert [(row["generic_plans"], row["custom_plans"]) for row in found] == [(15, 5)] * 4

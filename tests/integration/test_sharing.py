"""Streams that are alike are served together; whoever joins, leaves, lags or loses rights does it alone."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from engine.responses import RequestRefused, StreamFailed
from resolvers.context import Context, Viewer
from resolvers.errors import Unauthenticated
from resolvers.live import STATUSES as STATUSES_LOG
from resolvers.live_streams import CHANGE_POINTS
from sources.deadlines import asker
from sources.demo.loading import SqliteFiles
from sources.errors import RecordMalformed
from sources.records import Role
from sources.sql.incidents import INCIDENT
from subscriptions.streams import Streams
from subscriptions.terms import Payload
from support.back_ends import Urls, change_of, loaded, reported, rows_of, write
from support.houses import AGENT, AGENT_WITHOUT_CLEARANCE, Asking, citizen, document, opened

LIVE_STATUS = document("live-status")
WATCHED = """
    subscription W($filter: ReportWatch, $after: String, $wanted: Boolean!) {
      reportStatusChanges(filter: $filter, after: $after) { cursor change { status @include(if: $wanted) } }
    }
"""
NOTES = """
    subscription N($number: String!) { reportStatusChanged(report: {number: $number}) { change { label note } } }
"""
STATUSES = ("OPSP", "WACH", "BEOO", "AFGE")
QUEUE = 20


class Client:
    """A client of one stream. It reads at once, unless a test says otherwise; its rights end when a test says so."""

    def __init__(
        self, served: "Served", viewer: Viewer, query: str, variables: dict[str, Any], *, reads: bool = True
    ) -> None:
        self.viewer = viewer
        self.payloads: list[Payload] = []
        self.has_rights = True
        self.is_sure = True
        self.reads = reads
        self._taken: list[asyncio.Future[None]] = []
        prepared = served.ask.house.executor.prepare(query)
        self._services = served.ask.house.services
        serving = served.streams.serve(prepared, variables, self.make_context, self.deliver, self.is_certain)
        self.task = asyncio.create_task(serving)

    @property
    def statuses(self) -> list[str]:
        answers = [json.loads(each.json)["data"] for each in self.payloads]
        return [next(iter(answer.values()))["change"]["status"] for answer in answers]

    def is_certain(self) -> bool:
        return self.is_sure and self.has_rights

    async def make_context(self) -> Context:
        await asyncio.sleep(0)
        if not self.has_rights:
            raise Unauthenticated
        return Context(services=self._services, viewer=self.viewer)

    def deliver(self, payload: Payload) -> Awaitable[None] | None:
        self.payloads.append(payload)
        if self.reads:
            return None
        self._taken.append(asyncio.get_running_loop().create_future())
        return self._taken[-1]

    def read(self) -> None:
        """Takes everything that waits, and all that comes."""
        self.reads = True
        for each in self._taken:
            if not each.done():
                each.set_result(None)

    def take(self) -> None:
        """Takes what it was given last."""
        self._taken[-1].set_result(None)

    @property
    def subjects(self) -> list[str]:
        return [json.loads(each.json)["data"]["contactRegistered"]["contact"]["subject"] for each in self.payloads]

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def error(self) -> Any:
        """What the stream ended with."""
        with pytest.raises(StreamFailed) as failed:
            await asyncio.wait_for(self.task, 10)
        return failed.value.errors[0]

    async def code(self) -> str:
        return (await self.error())["extensions"]["code"]


class Served:
    """A house with its streams, and a report that changes."""

    def __init__(self, ask: Asking, urls: Urls, number: str, bsn: str) -> None:
        self.ask = ask
        self.urls = urls
        self.number = number
        self.reporter = citizen(bsn)
        self.streams: Streams = ask.house.streams
        self.clients: list[Client] = []

    async def join(
        self, viewer: Viewer = AGENT, query: str = LIVE_STATUS, *, reads: bool = True, **variables: Any
    ) -> Client:
        """A client that takes part in a group."""
        given = variables if "$number" not in query else {"number": self.number, **variables}
        members = sum(self.streams.sharing.members)
        client = Client(self, viewer, query, given, reads=reads)
        self.clients.append(client)
        await eventually(lambda: sum(self.streams.sharing.members) > members or client.task.done())
        return client

    async def change(self, *statuses: str) -> None:
        for status in statuses:
            await write(self.urls["incidents"], *change_of(self.number, status))

    def rows(self, source: str) -> int:
        """How many rows were read of a source so far."""
        back_ends: Any = self.ask.house.services.sources.back_ends
        return next(database.figures().rows_read for database in back_ends if database.name == source)

    def statements(self) -> int:
        back_ends: Any = self.ask.house.services.sources.back_ends
        return sum(database.statements_sent for database in back_ends)


async def eventually(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not happened():
            await asyncio.sleep(0.005)


@pytest.fixture(scope="module")
def module_urls(tmp_path_factory: pytest.TempPathFactory) -> Urls:
    directory: Path = tmp_path_factory.mktemp("sharing")
    return loaded(SqliteFiles(directory))


@pytest_asyncio.fixture
async def served(module_urls: Urls) -> AsyncIterator[Served]:
    number, bsn = await reported(module_urls)
    async with opened(module_urls, live={"poll_seconds": 0.05, "queue_size": QUEUE}) as ask:
        made = Served(ask, module_urls, number, bsn)
        yield made
        for client in made.clients:
            await client.leave()
        assert made.streams.sharing.members == []


async def test_clients_with_equal_rights_get_the_same_bytes_of_one_execution(served: Served) -> None:
    viewers = [
        replace(AGENT, principal=str(number), unit=unit) for number, unit in enumerate(["PL1700", "PL1800", None])
    ]
    clients = [await served.join(viewer) for viewer in viewers]
    assert served.streams.sharing.members == [3]
    await served.change("OPSP")
    await eventually(lambda: all(client.payloads for client in clients))
    assert len({id(client.payloads[0]) for client in clients}) == 1
    assert clients[0].statuses == ["IN_INVESTIGATION"]


async def test_one_report_asked_in_two_ways_is_one_group(served: Served) -> None:
    query = "subscription S($by: ReportBy!) { reportStatusChanged(report: $by) { change { status } } }"
    found = await served.ask.data("query Q($n: String!) { report(by: {number: $n}) { id } }", n=served.number)
    one = await served.join(query=query, by={"number": served.number})
    other = await served.join(query=query, by={"id": found["report"]["id"]})
    assert served.streams.sharing.members == [2]
    await served.change("WACH")
    await eventually(lambda: one.payloads and other.payloads)
    assert one.payloads[0] is other.payloads[0]


@pytest.mark.parametrize("own_urls", ["postgresql"], indirect=True)
async def test_what_changes_again_while_a_client_catches_up_is_told_again(own_urls: Urls) -> None:
    """A contact that is written anew comes again, at its new place in the log."""
    registered = "INSERT INTO klantcontact (kanaal_cd, richting, onderwerp, tijdstip) VALUES ('APP', 'I', '{}', now())"
    query = "subscription S($after: String) { contactRegistered(after: $after) { contact { subject } } }"
    register = own_urls["servicemodule"]
    async with opened(own_urls, live={"poll_seconds": 0.05, "queue_size": QUEUE}) as ask:
        served = Served(ask, own_urls, "", "")
        cursor = (await ask.data("{ liveCursor }"))["liveCursor"]
        for subject in ("a", "b", "c"):
            await write(register, registered.format(subject))
        client = Client(served, AGENT, query, {"after": cursor}, reads=False)
        await eventually(lambda: len(client.payloads) == 1)
        for subject in ("d", "e"):
            await write(register, registered.format(subject))
        for taken in (2, 3, 4):
            client.take()
            await eventually(lambda taken=taken: len(client.payloads) == taken)
        await write(register, "UPDATE klantcontact SET onderwerp = 'd anew' WHERE onderwerp = 'd'")
        await asyncio.sleep(0.5)
        client.read()
        await write(register, registered.format("last"))
        await eventually(lambda: client.subjects[-1] == "last")
        assert client.subjects == ["a", "b", "c", "d", "e", "d anew", "last"]
        await client.leave()


async def test_clients_whose_rights_differ_share_nothing(served: Served) -> None:
    supervisor = Viewer(Role.SUPERVISOR, "supervisor", purpose="intake")
    viewers = [AGENT, AGENT_WITHOUT_CLEARANCE, replace(AGENT, purpose=None), supervisor, served.reporter]
    for viewer in viewers:
        await served.join(viewer)
    # The agent without a purpose may not see that there is such a report.
    assert served.streams.sharing.members == [1] * 4
    await served.change("OPSP")
    clients = [client for client in served.clients if not client.task.done()]
    await eventually(lambda: all(client.payloads for client in clients))
    assert len({id(client.payloads[0]) for client in clients}) == 4


async def test_what_a_field_is_decided_by_parts_groups_only_where_it_is_asked(served: Served) -> None:
    other = replace(AGENT, unit="PL1800")
    for query in (LIVE_STATUS, NOTES):
        for viewer in (AGENT, other):
            await served.join(viewer, query)
    assert sorted(served.streams.sharing.members) == [1, 1, 2]


async def test_variables_of_the_answer_part_groups(served: Served) -> None:
    with_status = await served.join(query=WATCHED, wanted=True)
    without = await served.join(query=WATCHED, wanted=False)
    assert served.streams.sharing.members == [1, 1]
    await served.change("OPSP")
    await eventually(lambda: with_status.payloads and without.payloads)
    assert b"status" in with_status.payloads[0].json
    assert b"status" not in without.payloads[0].json


async def test_filters_are_groups_of_one_family(served: Served) -> None:
    closed = await served.join(query=WATCHED, wanted=True, filter={"status": ["CLOSED"]})
    waiting = await served.join(query=WATCHED, wanted=True, filter={"status": ["AWAITING_INFORMATION"]})
    everything = await served.join(query=WATCHED, wanted=True)
    await served.change("AFGE", "WACH")
    await eventually(lambda: len(everything.payloads) == 2 and closed.payloads and waiting.payloads)
    assert (closed.statuses, waiting.statuses) == (["CLOSED"], ["AWAITING_INFORMATION"])
    assert everything.statuses == ["CLOSED", "AWAITING_INFORMATION"]


async def test_the_first_to_leave_changes_nothing_for_the_others(served: Served) -> None:
    first, second = await served.join(), await served.join()
    await first.leave()
    await served.change("OPSP", "WACH")
    await eventually(lambda: len(second.payloads) == 2)
    assert second.statuses == ["IN_INVESTIGATION", "AWAITING_INFORMATION"]


async def test_when_the_last_one_leaves_nothing_is_asked_of_any_source(served: Served) -> None:
    for client in (await served.join(), await served.join()):
        await client.leave()
    assert served.streams.sharing.members == []
    before = served.statements()
    await served.change("OPSP")
    await asyncio.sleep(0.3)
    assert served.statements() == before


async def test_a_group_is_made_anew_after_its_last_member_left(served: Served) -> None:
    await (await served.join()).leave()
    again = await served.join()
    await served.change("BEOO")
    await eventually(lambda: again.payloads)
    assert again.statuses == ["UNDER_ASSESSMENT"]


async def test_a_slow_client_ends_with_its_last_cursor_and_the_others_wait_for_nothing(served: Served) -> None:
    quick, slow = await served.join(), await served.join()
    await served.change("OPSP")
    await eventually(lambda: quick.payloads and slow.payloads)
    slow.reads = False
    for number in range(QUEUE + 2):
        await served.change(STATUSES[number % len(STATUSES)])
        await eventually(lambda number=number: len(quick.payloads) == number + 2)
    error = await slow.error()
    assert error["extensions"]["code"] == "SLOW_CONSUMER"
    assert error["extensions"]["cursor"] == slow.payloads[0].cursor
    resumed = await served.join(after=error["extensions"]["cursor"])
    await eventually(lambda: len(resumed.payloads) == len(quick.payloads) - 1)
    assert resumed.statuses == quick.statuses[1:]


@pytest.mark.parametrize("resumes", [False, True])
async def test_a_client_that_never_read_anything_resumes_where_it_began(served: Served, resumes: bool) -> None:
    given = {"after": (await served.ask.data("{ liveCursor }"))["liveCursor"]} if resumes else {}
    quick, slow = await served.join(), await served.join(reads=False, **given)
    for number in range(QUEUE + 2):
        await served.change(STATUSES[number % len(STATUSES)])
        await eventually(lambda number=number: len(quick.payloads) == number + 1)
    error = await slow.error()
    assert error["extensions"]["code"] == "SLOW_CONSUMER"
    resumed = await served.join(after=error["extensions"]["cursor"])
    await eventually(lambda: len(resumed.payloads) == len(quick.payloads))
    assert resumed.statuses == quick.statuses


async def test_a_report_that_cannot_be_read_costs_its_own_changes_and_no_stream(tmp_path: Path) -> None:
    urls = loaded(SqliteFiles(tmp_path))
    number, bsn = await reported(urls)
    register = urls["incidents"]
    spoilt = next(row["nummer"] for row in await rows_of(register, INCIDENT) if row["nummer"] != number)
    async with opened(urls, live={"poll_seconds": 0.05, "queue_size": QUEUE}) as ask:
        told: list[tuple[str, Exception]] = []
        ask.house.services.hub.report = lambda log, error: told.append((log, error))
        served = Served(ask, urls, number, bsn)
        steady = await served.join(query=WATCHED, wanted=True)
        await served.change("OPSP")
        await eventually(lambda: steady.payloads)
        spoil = f"UPDATE incident SET aangemaakt_op = 'no date' WHERE nummer = '{spoilt}'"
        await write(register, *change_of(spoilt, "BEOO"), spoil)
        await served.change("WACH")
        await eventually(lambda: len(steady.payloads) == 2)
        resumed = await served.join(query=WATCHED, wanted=True, after=steady.payloads[0].cursor)
        await eventually(lambda: resumed.payloads)
        assert (steady.statuses[-1], resumed.statuses) == ("AWAITING_INFORMATION", ["AWAITING_INFORMATION"])
        assert {(log, type(error)) for log, error in told} == {(STATUSES_LOG, RecordMalformed)}
        for client in (steady, resumed):
            await client.leave()


async def test_a_client_that_reads_again_in_time_has_missed_nothing(served: Served) -> None:
    quick, slow = await served.join(), await served.join()
    slow.reads = False
    await served.change(*STATUSES[:3])
    await eventually(lambda: len(quick.payloads) == 3)
    assert len(slow.payloads) == 1
    slow.read()
    await eventually(lambda: len(slow.payloads) == 3)
    await served.change("AFGE")
    await eventually(lambda: len(slow.payloads) == 4)
    assert slow.payloads == quick.payloads


async def test_who_resumes_catches_up_alone_and_goes_on_with_the_group(served: Served) -> None:
    steady = await served.join()
    await served.change("OPSP")
    await eventually(lambda: steady.payloads)
    await served.change("WACH", "BEOO")
    await eventually(lambda: len(steady.payloads) == 3)
    resumed = await served.join(after=steady.payloads[0].cursor)
    await served.change("AFGE", "OPSP")
    await eventually(lambda: len(steady.payloads) == 5 and len(resumed.payloads) == 4)
    assert resumed.statuses == steady.statuses[1:]
    assert resumed.payloads[-1] is steady.payloads[-1]
    assert served.streams.sharing.members == [2]


async def test_what_is_more_than_may_wait_is_caught_up_with_too(served: Served) -> None:
    steady = await served.join()
    await served.change("OPSP")
    await eventually(lambda: steady.payloads)
    await served.change("WACH", "BEOO")
    await eventually(lambda: len(steady.payloads) == 3)
    # It takes its time over what it missed, and meanwhile comes more than may wait for it.
    resumed = await served.join(after=steady.payloads[0].cursor, reads=False)
    for number in range(2 * QUEUE):
        await served.change(STATUSES[number % len(STATUSES)])
        await eventually(lambda number=number: len(steady.payloads) >= number + 4)
    resumed.read()
    await eventually(lambda: len(resumed.payloads) == len(steady.payloads) - 1)
    assert resumed.statuses == steady.statuses[1:]
    await served.change("AFGE")
    await eventually(lambda: len(steady.payloads) == len(resumed.payloads) + 1 == 2 * QUEUE + 4)
    assert resumed.payloads[-1] is steady.payloads[-1]


async def test_who_comes_while_changes_come_gets_each_once(served: Served) -> None:
    steady = await served.join()
    await served.change("OPSP")
    await eventually(lambda: steady.payloads)
    changes = asyncio.create_task(served.change(*STATUSES * 5))
    others = []
    while not changes.done():
        others.append(await served.join(after=steady.payloads[0].cursor))
    await changes
    await eventually(lambda: len(steady.payloads) == 21)
    await eventually(lambda: all(len(each.payloads) == 20 for each in others))
    assert all(each.statuses == steady.statuses[1:] for each in others)


async def test_rights_that_end_end_one_stream_and_no_other(served: Served) -> None:
    first, second = await served.join(), await served.join()
    first.has_rights = False
    await served.change("OPSP")
    assert await first.code() == "UNAUTHENTICATED"
    assert first.payloads == []
    await served.change("WACH")
    await eventually(lambda: len(second.payloads) == 2)


async def test_other_rights_than_it_began_with_end_a_stream(served: Served) -> None:
    client = await served.join()
    client.is_sure, client.viewer = False, AGENT_WITHOUT_CLEARANCE
    await served.change("OPSP")
    assert await client.code() == "UNAUTHENTICATED"


async def test_rights_that_are_doubted_but_hold_cost_no_event(served: Served) -> None:
    sure, doubted = await served.join(), await served.join()
    doubted.is_sure = False
    for number, status in enumerate(STATUSES):
        await served.change(status)
        await eventually(lambda number=number: len(doubted.payloads) == len(sure.payloads) == number + 1)
    assert doubted.payloads == sure.payloads


async def test_a_report_that_becomes_confidential_is_shown_no_longer(served: Served) -> None:
    number = served.number
    cleared, other = await served.join(AGENT), await served.join(AGENT_WITHOUT_CLEARANCE)
    statements = [
        f"UPDATE incident SET vertrouwelijk = {value} WHERE nummer = '{number}'" for value in ("TRUE", "FALSE")
    ]
    await served.change("OPSP")
    await eventually(lambda: cleared.payloads and other.payloads)
    await write(served.urls["incidents"], statements[0], *change_of(number, "WACH"))
    await eventually(lambda: len(cleared.payloads) == 2)
    refused = await served.join(AGENT_WITHOUT_CLEARANCE)
    assert await refused.code() == "NOT_FOUND"
    await write(served.urls["incidents"], statements[1], *change_of(number, "AFGE"))
    await eventually(lambda: len(cleared.payloads) == 3 and len(other.payloads) == 2)
    assert other.statuses == ["IN_INVESTIGATION", "CLOSED"]


async def test_a_stream_as_a_generator_shares_as_well(served: Served) -> None:
    steady = await served.join()
    prepared = served.ask.house.executor.prepare(LIVE_STATUS)
    stream = served.streams.open(prepared, {"number": served.number}, steady.make_context, lambda: True)
    first = asyncio.ensure_future(anext(stream))
    await eventually(lambda: served.streams.sharing.members == [2])
    await served.change("OPSP", "WACH")
    assert [await first, await anext(stream)] == steady.payloads
    await stream.aclose()
    assert served.streams.sharing.members == [1]


async def test_a_generator_that_is_not_read_ends_with_the_cursor_of_what_was_taken(served: Served) -> None:
    steady = await served.join()
    prepared = served.ask.house.executor.prepare(LIVE_STATUS)
    stream = served.streams.open(prepared, {"number": served.number}, steady.make_context, lambda: True)
    first = asyncio.ensure_future(anext(stream))
    await eventually(lambda: served.streams.sharing.members == [2])
    await served.change("OPSP")
    taken = await first
    second = asyncio.ensure_future(anext(stream))
    for number in range(QUEUE + 3):
        await served.change(STATUSES[number % len(STATUSES)])
        await eventually(lambda number=number: len(steady.payloads) == number + 2)
        await second
    await eventually(lambda: served.streams.sharing.members == [1])
    with pytest.raises(StreamFailed) as failed:
        await anext(stream)
    assert failed.value.errors[0]["extensions"] == {"code": "SLOW_CONSUMER", "cursor": taken.cursor}


async def test_a_thousand_clients_that_never_read_leave_memory_bounded(served: Served) -> None:
    gc.collect()  # what other tests have left: it would be counted
    quick = await served.join()
    crowd = [Client(served, AGENT, LIVE_STATUS, {"number": served.number}, reads=False) for _ in range(1000)]
    served.clients += crowd
    await eventually(lambda: served.streams.sharing.members == [1001])
    most = 0
    for number in range(QUEUE + 2):
        await served.change(STATUSES[number % len(STATUSES)])
        await eventually(lambda number=number: len(quick.payloads) == number + 1)
        most = max(most, sum(isinstance(each, Payload) for each in gc.get_objects()))
    # Each is there once, however many wait for it; the test's own clients keep all that they were handed.
    assert most <= QUEUE + 2
    assert {await client.code() for client in crowd} == {"SLOW_CONSUMER"}
    assert served.streams.sharing.members == [1]


async def test_what_was_missed_is_looked_at_together(served: Served) -> None:
    cursor = (await served.ask.data("{ liveCursor }"))["liveCursor"]
    rows = await rows_of(served.urls["incidents"], INCIDENT)
    others = next(row["nummer"] for row in rows if row["nummer"] != served.number and row["vertrouwelijk"])
    for _ in range(3):
        changes = [text for status in STATUSES for text in change_of(others, status)]
        await write(served.urls["incidents"], *(changes * 25))
        await served.change("OPSP")
    before = served.statements()
    watching = Client(served, served.reporter, WATCHED, {"after": cursor, "wanted": True})
    served.clients.append(watching)
    await eventually(lambda: len(watching.payloads) == 3)
    # 303 changes: a statement a hundred, and those of the log itself, of the events and of whoever else follows.
    assert served.statements() - before < 40
    assert watching.statuses == ["IN_INVESTIGATION"] * 3


async def test_who_resumes_reads_nothing_of_other_reports(served: Served) -> None:
    steady = await served.join()
    await served.change("OPSP")
    await eventually(lambda: steady.payloads)
    numbers = {row["nummer"] for row in await rows_of(served.urls["incidents"], INCIDENT)}
    other = min(numbers - {served.number})
    for _ in range(QUEUE):
        await write(served.urls["incidents"], *change_of(other, "WACH"))
    await served.change("BEOO")
    await eventually(lambda: len(steady.payloads) == 2)
    await steady.leave()
    rows = served.rows("incidents")
    resumed = await served.join(after=steady.payloads[0].cursor)
    await eventually(lambda: resumed.payloads)
    assert resumed.statuses == steady.statuses[1:]
    assert served.rows("incidents") - rows < QUEUE
    await served.change("AFGE")
    await eventually(lambda: len(resumed.payloads) == 2)


@asynccontextmanager
async def charging(served: Served, **cost: int) -> AsyncIterator[Served]:
    """Another house over the same sources, in which points are other ones."""
    async with opened(served.urls, live={"poll_seconds": 0.05, "queue_size": QUEUE}, cost=cost) as ask:
        other = Served(ask, served.urls, served.number, served.reporter.bsn or "")
        yield other
        for each in other.clients:
            await each.leave()


async def test_what_a_stream_gets_alone_is_paid_for_as_often_as_it_is_answered(served: Served) -> None:
    async with charging(served, per_second=10) as frugal:
        house = frugal.ask.house
        price = house.executor.prepare(LIVE_STATUS).price({"number": served.number})
        steady = await frugal.join()
        for count, status in enumerate(STATUSES, start=1):
            await frugal.change(status)
            await eventually(lambda count=count: len(steady.payloads) == count)
        before = house.rates.principals.left(AGENT.counted_as)
        assert before == house.rates.principals.rate.burst  # the group's answers are nobody's
        resumed = await frugal.join(after=steady.payloads[0].cursor)
        missed = len(STATUSES) - 1
        await eventually(lambda: len(resumed.payloads) == missed)
        taken = before - house.rates.principals.left(AGENT.counted_as)
        assert missed * CHANGE_POINTS < taken <= missed * (price + CHANGE_POINTS)


async def test_all_streams_of_one_principal_have_a_price_together(served: Served) -> None:
    async with charging(served, standing=100) as frugal:
        most = 100 // frugal.ask.house.executor.prepare(LIVE_STATUS).price({"number": served.number})
        clients = [await frugal.join() for _ in range(most)]
        refused = await frugal.join()
        with pytest.raises(RequestRefused) as told:
            await refused.task
        assert told.value.errors[0]["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": "standing"}
        clients.append(await frugal.join(frugal.reporter))
        await clients[0].leave()
        clients.append(await frugal.join())
        assert not any(each.task.done() for each in clients[1:])


async def test_a_stream_asks_on_its_principals_behalf(served: Served) -> None:
    house = served.ask.house
    prepared = house.executor.prepare(LIVE_STATUS)
    context = Context(services=house.services, viewer=AGENT)

    async def begun() -> object:
        await house.before(prepared, {"number": served.number}, context)
        return asker()

    assert await asyncio.create_task(begun()) == AGENT.counted_as
    assert asker() is None

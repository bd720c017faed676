"""Each source in turn on a PostgreSQL of its own: stopped, paused, locked and spoilt under a running server."""

import asyncio
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from resolvers.ids import encode
from sources.demo.loading import PostgresDatabases
from sources.sql.incidents import BETROKKENE, INCIDENT
from sources.sql.journeys import ENTRY
from sources.sql.servicemodule import KLANTCONTACT
from support.back_ends import Urls, loaded, rows_of, write
from support.houses import document
from support.postgres import PostgresServer, connections, locked, postgres_server, renamed
from support.servers import Server, serving, stop
from support.sockets import Socket, connected

TABLES = {"persons": "persoon", "servicemodule": "klantcontact", "incidents": "incident", "journeys": "journey"}
POOL = 4
LIVE_STATUS = document("live-status")
JOURNEY_UPDATED = "subscription J($id: ID!) { journeyUpdated(id: $id) { entry { ... on StatusChange { at } } } }"
HEALTH = "{ sources { name available latencyMs checkedAt tailLagMs } }"


@pytest.fixture(scope="module")
def postgres_of_its_own() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture(scope="module")
def failing_urls(postgres_of_its_own: PostgresServer) -> Urls:
    return loaded(PostgresDatabases(postgres_of_its_own.url, "omniloket_failing"))


@dataclass(frozen=True)
class Question:
    """A document with its variables, and on whose behalf it is asked."""

    name: str
    token: str
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Client:
    """Asks everything, over and over, and keeps what it was answered since the last `settled`."""

    server: Server
    questions: list[Question]
    seen: dict[str, list[Any]] = field(default_factory=dict)
    rounds: int = 0

    async def flow(self, http: httpx.AsyncClient) -> None:
        while True:
            # Rounds that began before this phase are not its own.
            seen = self.seen
            answers = await asyncio.gather(*(self._ask(http, each) for each in self.questions))
            for question, answer in zip(self.questions, answers, strict=True):
                seen.setdefault(question.name, []).append(answer)
            self.rounds += 1

    async def _ask(self, http: httpx.AsyncClient, question: Question) -> Any:
        body = {"query": document(question.name), "variables": question.variables}
        headers = {
            "authorization": f"Bearer {question.token}",
            "omniloket-purpose": "intake",
            "accept": "application/graphql-response+json",
        }
        response = await http.post(self.server.url, json=body, headers=headers)
        # 294: a well-formed answer, of which a part is missing.
        assert response.status_code in (200, 294), response.text
        return response.json()

    async def answers(self, rounds: int = 3) -> dict[str, list[Any]]:
        """What some whole rounds from now on are answered."""
        self.seen = seen = {}
        before = self.rounds
        async with asyncio.timeout(60):
            while self.rounds < before + rounds + 1:
                await asyncio.sleep(0.05)
        return seen

    async def healthy(self) -> dict[str, Any]:
        """The answers, as soon as there is no error in them."""
        async with asyncio.timeout(60):
            while True:
                answers = await self.answers(1)
                if not any("errors" in each[-1] for each in answers.values()):
                    return {name: each[-1]["data"] for name, each in answers.items()}


@asynccontextmanager
async def flowing(server: Server, questions: list[Question]) -> AsyncIterator[Client]:
    client = Client(server, questions)
    async with httpx.AsyncClient(timeout=30) as http:
        task = asyncio.create_task(client.flow(http))
        try:
            yield client
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled(), task.exception()


@contextmanager
def serving_with(failing: str, failing_urls: Urls, sqlite_urls: Urls, directory: Path) -> Iterator[tuple[Server, Urls]]:
    """A server that links, over files of its own and one source on PostgreSQL."""
    urls = {name: _copied(url, directory) for name, url in sqlite_urls.items()} | {failing: failing_urls[failing]}
    environment = {
        f"OMNILOKET_SOURCES__{failing.upper()}__TIMEOUT_SECONDS": "2",
        f"OMNILOKET_SOURCES__{failing.upper()}__POOL_SIZE": str(POOL),
        "OMNILOKET_LINKING__RUN": "true",
    }
    with serving(urls, directory, **environment) as server:
        yield server, urls


def _copied(url: str, directory: Path) -> str:
    file = Path(url.removeprefix("sqlite+aiosqlite:///"))
    return f"sqlite+aiosqlite:///{shutil.copy(file, directory / file.name)}"


@dataclass(frozen=True)
class Cast:
    """The report whose changes are followed, its citizen and journey; another citizen, who only asks."""

    number: str
    bsn: str
    journey: int
    asking: str
    asked_number: str
    asked_journey: int
    channel: str


async def cast_of(urls: Urls) -> Cast:
    open_numbers = {row["nummer"] for row in await rows_of(urls["incidents"], INCIDENT) if not row["vertrouwelijk"]}
    journeys = {row["key"]: row["journey_id"] for row in await rows_of(urls["journeys"], ENTRY) if row["kind"] == "R"}
    met = {}
    for row in await rows_of(urls["incidents"], BETROKKENE.select().order_by(BETROKKENE.c.volgnummer)):
        number = row["incident_nummer"]
        if row["rol_cd"] == "AAN" and row["bsn"] and number in open_numbers and number in journeys:
            met.setdefault(row["bsn"], number)
    contacts = await rows_of(urls["servicemodule"], KLANTCONTACT)
    (followed, number), *others = met.items()
    here = {row["kanaal_cd"] for row in contacts if row["bsn"] == followed}
    channel = next(row["kanaal_cd"] for row in contacts if row["kanaal_cd"] not in here and row["kanaal_cd"])
    asking, asked = others[0]
    return Cast(number, followed, journeys[number], asking, asked, journeys[asked], channel)


class Story:
    """The status changes that the register writes, each at another minute, and those that a client has heard of."""

    def __init__(self, url: str, number: str) -> None:
        self._url = url
        self._number = number
        self.written: list[str] = []

    async def goes_on(self) -> None:
        minute = len(self.written)
        at = f"2026-11-20 10:{minute:02}:00.000000"
        columns = "incident_nummer, status_cd, vorige_status_cd, tijdstip"
        await write(
            self._url,
            f"INSERT INTO incident_status ({columns}) VALUES ('{self._number}', 'OPSP', 'ONTV', '{at}')",
        )
        self.written.append(f"2026-11-20T09:{minute:02}:00Z")


async def heard(socket: Socket, heard_of: dict[str, list[str]]) -> None:
    while True:
        message = await socket.receive(600)
        assert message["type"] == "next", message
        data = message["payload"]["data"]
        if "reportStatusChanged" in data:
            heard_of["status"].append(data["reportStatusChanged"]["change"]["at"])
        elif "at" in data["journeyUpdated"]["entry"]:
            heard_of["journey"].append(data["journeyUpdated"]["entry"]["at"])


FAULTS = {
    "stopped": "connection refused",
    "paused": "stands still",
    "locked": "a table is locked",
    "renamed": "rubbish",
}


@asynccontextmanager
async def failing_by(fault: str, server: PostgresServer, url: str, table: str) -> AsyncIterator[None]:
    if fault in ("stopped", "paused"):
        with getattr(server, fault)():
            yield
    else:
        async with (locked if fault == "locked" else renamed)(url, table):
            yield


@pytest.mark.parametrize("failing", list(TABLES))
async def test_a_source_that_fails_costs_its_own_fields_and_comes_back(
    failing: str,
    failing_urls: Urls,
    sqlite_urls: Urls,
    postgres_of_its_own: PostgresServer,
    tmp_path: Path,
) -> None:
    with serving_with(failing, failing_urls, sqlite_urls, tmp_path) as (server, urls):
        cast = await cast_of(urls)
        story = Story(urls["incidents"], cast.number)
        heard_of: dict[str, list[str]] = {"status": [], "journey": []}
        citizen = server.citizen(cast.asking)
        questions = [
            Question("q1-citizen-portal", citizen),
            Question("q2-agents-screen", server.agent, {"channel": cast.channel}),
            Question("q3-thin-channel", citizen, {"number": cast.asked_number}),
            Question("journey-timeline", citizen, {"id": encode("Journey", cast.asked_journey)}),
        ]
        async with connected(server, server.citizen(cast.bsn)) as socket, flowing(server, questions) as client:
            listening = asyncio.create_task(heard(socket, heard_of), name="listening")
            await client.healthy()
            await socket.subscribe("status", LIVE_STATUS, number=cast.number)
            await socket.subscribe("journey", JOURNEY_UPDATED, id=encode("Journey", cast.journey))
            await client.answers(3)
            whole = await client.healthy()
            for fault in FAULTS:
                # Committed just before: whether it was read in time or not, it is not lost.
                await story.goes_on()
                async with failing_by(fault, postgres_of_its_own, urls[failing], TABLES[failing]):
                    await client.answers(1)
                    answers = await client.answers(3)
                    if failing != "incidents":
                        await story.goes_on()
                    if fault in ("stopped", "paused"):
                        assert await _unavailable(server) == [failing]
                    _costs_its_own_fields(answers, whole, failing, fault)
                    _note(failing, fault, answers)
                assert await client.healthy() == whole
                await story.goes_on()
                async with asyncio.timeout(30):
                    while min(len(each) for each in heard_of.values()) < len(story.written):
                        await asyncio.sleep(0.05)
                assert heard_of == {"status": story.written, "journey": story.written}
                # With the listening connection, and that of the linker to its own database.
                assert await connections(urls[failing]) <= POOL + 2
            await _a_new_contact_is_linked(urls, cast)
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            assert listening.cancelled()
        with postgres_of_its_own.paused():
            # By the signal itself, which uvicorn raises again once everything is closed; not killed.
            assert stop(server.process) == -signal.SIGTERM
        log = server.log.read_text()
        assert "Traceback" not in log


def _costs_its_own_fields(answers: Mapping[str, list[Any]], whole: Mapping[str, Any], failing: str, fault: str) -> None:
    """Null at the path of each error, and all the rest as it was."""
    failed = 0
    for name, each in answers.items():
        for answer in each:
            expected = _Copy(whole[name])
            for error in answer.get("errors", []):
                failed += 1
                code, source = error["extensions"]["code"], error["extensions"]["source"]
                assert (source, code in ("SOURCE_UNAVAILABLE", "SOURCE_TIMEOUT")) == (failing, True), error
                if error["path"] == ["journey", "timeline"] and answer["data"]["journey"]["timeline"] is not None:
                    _is_the_rest(answer["data"]["journey"]["timeline"], whole[name]["journey"]["timeline"], failing)
                    expected.data["journey"]["timeline"] = answer["data"]["journey"]["timeline"]
                else:
                    expected.lose(error["path"])
            assert expected.data == answer["data"], (name, fault)
    assert failed


KINDS = {"servicemodule": "Contact", "incidents": "StatusChange"}


def _is_the_rest(timeline: Any, whole: Any, failing: str) -> None:
    """A timeline names the source that it could not ask, and has all entries of the others."""
    assert timeline["incompleteSources"] == [failing]
    kept = [_entry(each) for each in whole["edges"] if each["node"]["__typename"] != KINDS[failing]]
    assert [_entry(each) for each in timeline["edges"]] == kept


def _entry(edge: Any) -> Any:
    return edge["node"]["__typename"], edge["node"].get("at", edge["node"].get("occurredAt"))


class _Copy:
    """A whole answer, to take away from what errors tell of."""

    def __init__(self, data: Any) -> None:
        self.data = deepcopy(data)

    def lose(self, path: list[str | int]) -> None:
        place = self.data
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = None


async def _unavailable(server: Server) -> list[str]:
    async with httpx.AsyncClient(timeout=30) as http:
        ready = await http.get(server.url.replace("/graphql", "/readyz"))
        headers = {"authorization": f"Bearer {server.agent}", "omniloket-purpose": "intake"}
        answer = (await http.post(server.url, json={"query": HEALTH}, headers=headers)).json()
    unavailable = [each["name"] for each in answer["data"]["sources"] if not each["available"]]
    assert ready.status_code == 503
    assert [name for name, state in ready.json()["sources"].items() if state != "good"] == unavailable
    return unavailable


async def _a_new_contact_is_linked(urls: Urls, cast: Cast) -> None:
    """The linker goes on: a contact that plain SQL inserts comes into a journey."""
    values = f"('X', 'I', '{cast.bsn}', '2026-11-20 12:00:00.000000')"
    await write(urls["servicemodule"], f"INSERT INTO klantcontact (kanaal_cd, richting, bsn, tijdstip) VALUES {values}")
    newest = sa.select(sa.func.max(KLANTCONTACT.c.nummer).label("nummer"))
    number = str((await rows_of(urls["servicemodule"], newest))[0]["nummer"])
    async with asyncio.timeout(30):
        while not any(
            (row["kind"], row["key"]) == ("C", number) for row in await rows_of(urls["journeys"], sa.select(ENTRY))
        ):
            await asyncio.sleep(0.1)


def _note(failing: str, fault: str, answers: Mapping[str, list[Any]]) -> None:
    """A row for the page for operators (`docs/operating.md`), when one is asked for."""
    file = os.environ.get("OMNILOKET_WHAT_CLIENTS_SAW")
    if file is None:
        return
    cells = []
    for each in answers.values():
        lost = {_shape(error["path"]) for answer in each for error in answer.get("errors", [])}
        codes = {error["extensions"]["code"] for answer in each for error in answer.get("errors", [])}
        cells.append(f"{', '.join(sorted(lost))}: {', '.join(sorted(codes))}" if lost else "whole")
    with Path(file).open("a") as out:
        out.write(f"| {failing} | {fault} | {' | '.join(cells)} |\n")


def _shape(path: list[str | int]) -> str:
    return re.sub(r"\.\[\]", "[]", ".".join("[]" if isinstance(step, int) else step for step in path))

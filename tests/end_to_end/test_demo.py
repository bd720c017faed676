"""A whole demo: it answers with the tokens that it prints, it shows live changes, and its log tells of nobody."""

import asyncio
import base64
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from sources.phone_numbers import e164
from support.houses import document
from support.servers import OMNILOKET, running
from support.sockets import SUBPROTOCOL, Socket

README = Path(__file__).resolve().parents[2] / "README.md"
CITIZENS = 200


@dataclass(frozen=True)
class Demo:
    """A running demo, and what it printed: `citizen` and `agent` are tokens, `number` a report's."""

    port: int
    log: Path
    citizen: str
    agent: str
    number: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def people(self) -> list[dict[str, Any]]:
        """The rows of the persons register."""
        connection = sqlite3.connect(self.log.parent / ".omniloket" / "persons.db")
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute("SELECT * FROM persoon ORDER BY bsn")]
        finally:
            connection.close()

    def data(self, query: str, token: str, **variables: Any) -> Any:
        response = self.post({"query": query, "variables": variables}, token)
        answer = response.json()
        assert response.status_code == 200, response.text
        assert "errors" not in answer, answer
        return answer["data"]

    def post(self, body: Any, token: str | None) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}", "omniloket-purpose": "intake"} if token else {}
        return httpx.post(self.url, json=body, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    directory = tmp_path_factory.mktemp("demo")
    command = [str(OMNILOKET), "demo", "--citizens", str(CITIZENS), "--port", "0"]
    with running(command, directory / "demo.log", {"OMNILOKET_LOG_LEVEL": "debug"}) as (_, port):
        printed = (directory / "demo.log").read_text()
        citizen, agent = re.findall(r"token:\n(\S+)\n", printed)
        number = re.findall(r"report (\S+) gets another status", printed)[0]
        yield Demo(port, directory / "demo.log", citizen, agent, number)


def test_the_main_questions_are_answered_with_the_printed_tokens(demo: Demo) -> None:
    portal = demo.data(document("q1-citizen-portal"), demo.citizen)["viewer"]["citizen"]
    assert portal["fullName"]
    reports = [edge["node"] for edge in portal["reports"]["edges"]]
    assert demo.number in [report["number"] for report in reports]
    assert all(report["statusHistory"] for report in reports)
    screen = demo.data(document("q2-agents-screen"), demo.agent, channel="0900-8844")["contacts"]["edges"]
    assert len(screen) == 50
    assert {edge["node"]["channel"]["code"] for edge in screen} == {"0900-8844"}
    assert any(edge["node"]["citizen"] for edge in screen)
    for token in (demo.citizen, demo.agent):
        assert demo.data(document("q3-thin-channel"), token, number=demo.number)["report"]["status"]


async def test_a_live_change_reaches_a_socket(demo: Demo) -> None:
    async with websockets.connect(f"ws://127.0.0.1:{demo.port}/graphql", subprotocols=[SUBPROTOCOL]) as raw:
        socket = Socket(raw)
        await socket.send({"type": "connection_init", "payload": {"Authorization": f"Bearer {demo.citizen}"}})
        await socket.receive()
        await socket.subscribe("1", document("live-status"), number=demo.number)
        events = [(await socket.event("1", timeout=30))["data"]["reportStatusChanged"] for _ in range(2)]
    assert [event["report"]["status"] for event in events] == [event["change"]["status"] for event in events]
    assert events[0]["change"] != events[1]["change"]


def test_the_readme_s_curl_command_works_as_it_stands(demo: Demo) -> None:
    (command,) = re.findall(r"```sh\n(curl .+?)```", README.read_text(), re.DOTALL)
    here = command.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{demo.port}")
    done = subprocess.run(
        ["sh", "-c", here], env={**os.environ, "TOKEN": demo.citizen}, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    viewer = json.loads(done.stdout)["data"]["viewer"]
    assert viewer["role"] == "CITIZEN"
    assert 1 <= len(viewer["citizen"]["reports"]["edges"]) <= 3


def test_the_readme_s_python_program_follows_a_report(demo: Demo, tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.+?)```", README.read_text(), re.DOTALL)
    (tmp_path / "follow.py").write_text(program)
    given = {"URL": f"ws://127.0.0.1:{demo.port}/graphql", "TOKEN": demo.citizen, "NUMBER": demo.number}
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "follow.py")],
        cwd=README.parent,
        env={**os.environ, **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        process.communicate()
    event = json.loads(line)["payload"]["data"]["reportStatusChanged"]
    assert event["report"]["status"] == event["change"]["status"]


def test_the_log_tells_of_nobody(demo: Demo) -> None:
    people = demo.people
    assert len(people) == CITIZENS
    for person in people[:20]:
        _ask_in_every_way(demo, person)
    asyncio.run(_misuse_sockets(demo, people[0]["bsn"]))
    _break_the_register(demo, people[1]["bsn"])
    printed = demo.log.read_text()
    assert '"causes"' in printed, "the failures were logged"
    tokens = [line for line in printed.splitlines() if line.startswith("eyJ")]
    assert sorted(tokens) == sorted([demo.citizen, demo.agent])
    told = printed.replace(demo.citizen, "").replace(demo.agent, "")
    assert [secret for person in people for secret in _secrets(person) if secret in told] == []
    assert [claims for claims in map(_claims, re.findall(r"eyJ[\w-]+\.(eyJ[\w-]+)", told)) if "bsn" in claims] == []
    assert _claims(demo.citizen.split(".")[1])["bsn"] == people[0]["bsn"]
    assert "bsn" not in _claims(demo.agent.split(".")[1])


def _ask_in_every_way(demo: Demo, person: dict[str, Any]) -> None:
    """Good and bad questions, each with a citizen's number, name, phone or e-mail in it."""
    bsn, name = person["bsn"], person["geslachtsnaam"] or person["voornamen"]
    everything = "{ citizen(by: {bsn: %s}) { fullName bsn email phone contacts { edges { node { subject } } } } }"
    search = "query Q($m: CitizenMatch!) { citizens(match: $m) { totalCount edges { node { fullName } } } }"
    assert demo.post({"query": everything % f'"{bsn}"'}, demo.agent).status_code == 200
    for match in ({"bsn": bsn}, {"name": {"familyName": name}}, {"email": person["emailadres"] or "x@example.nl"}):
        assert demo.post({"query": search, "variables": {"m": match}}, demo.agent).status_code == 200
    phone = person["telefoonnummer"] or "0612345678"
    demo.post({"query": search, "variables": {"m": {"phone": phone, "bsn": bsn}}}, demo.agent)
    for broken in (f'{{ citizen(by: {{bsn: "{bsn}" }}', f'{{ citizen(by: {{bsn: "{bsn}1" }}) {{ id }} }}', bsn, name):
        demo.post({"query": broken}, demo.agent)
    demo.post({"query": everything % f'"{bsn}"'}, None)
    demo.post([bsn, name], demo.agent)
    with httpx.Client(timeout=30) as client:
        client.post(demo.url, content=f'{{"query": {bsn}', headers={"content-type": "application/json"})
        client.get(demo.url, params={"query": everything % f'"{bsn}"'})
        client.get(demo.url, params={"query": "{ __typename }", "bsn": bsn, "variables": f'{{"name": "{name}"'})
        client.get(f"http://127.0.0.1:{demo.port}/{bsn}?name={name}")
        client.get(demo.url, headers={"authorization": f"Bearer {bsn}", "user-agent": bsn})
        client.request("PURGE", demo.url, params={"bsn": bsn})


async def _misuse_sockets(demo: Demo, bsn: str) -> None:
    """Sockets that say a citizen's number where it belongs, and where it does not."""
    url = f"ws://127.0.0.1:{demo.port}/graphql?bsn={bsn}&token={demo.citizen}"
    subscription = {"query": f'subscription {{ reportStatusChanged(report: {{number: "{bsn}"}}) {{ cursor }} }}'}
    query = {"query": f'{{ citizen(by: {{bsn: "{bsn}"}}) {{ fullName birthDate }} }}'}
    hello = json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {demo.citizen}"}})
    for messages in (
        [hello, *(json.dumps({"id": bsn, "type": "subscribe", "payload": each}) for each in (subscription, query))],
        [hello, json.dumps({"id": bsn, "type": bsn})],
        [hello, bsn],
        [json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {bsn}"}})],
    ):
        async with websockets.connect(url, subprotocols=[SUBPROTOCOL]) as raw:
            for message in messages:
                await raw.send(message)
            with suppress(websockets.ConnectionClosed):
                for _ in messages:
                    await raw.recv()
    async with websockets.connect(url, subprotocols=[SUBPROTOCOL]) as raw:
        await raw.send([hello.encode(), f"{bsn}\xff".encode("latin-1")], text=True)
        await raw.wait_closed()
    async with websockets.connect(f"{url}&again", subprotocols=["graphql-ws"]) as raw:
        await raw.wait_closed()


def _break_the_register(demo: Demo, bsn: str) -> None:
    """A row that cannot be read, and then no table: the driver's exceptions quote statement and parameters."""
    connection = sqlite3.connect(demo.log.parent / ".omniloket" / "persons.db")
    query = {"query": f'{{ citizen(by: {{bsn: "{bsn}"}}) {{ fullName birthDate }} }}'}
    for statement in (
        "UPDATE persoon SET geboortedatum = bsn || 'x' WHERE bsn = ?",
        "UPDATE persoon SET geboortedatum = NULL, voornamen = CAST(x'ff' AS TEXT) WHERE bsn = ?",
    ):
        connection.execute(statement, [bsn])
        connection.commit()
        assert demo.post(query, demo.agent).json()["errors"]
    connection.execute("ALTER TABLE persoon RENAME TO weg")
    connection.commit()
    connection.close()
    assert demo.post(query, demo.agent).json()["errors"][0]["extensions"]["code"] == "SOURCE_UNAVAILABLE"
    assert httpx.get(f"http://127.0.0.1:{demo.port}/readyz", timeout=30).status_code == 503


def _secrets(person: dict[str, Any]) -> list[str]:
    """What must not be found: short names could be part of any word, so those are looked for whole."""
    phone = person["telefoonnummer"]
    name = " ".join(part for part in (person["voornamen"], person["voorvoegsel"], person["geslachtsnaam"]) if part)
    family = person["geslachtsnaam"]
    found = [
        person["bsn"],
        name,
        person["emailadres"],
        phone,
        phone and e164(phone),
        family if _is_long(family) else "",
    ]
    return [each for each in found if each]


def _is_long(name: str | None) -> bool:
    return name is not None and len(name) > 5


def _claims(part: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))

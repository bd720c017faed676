"""Trusted documents: asked for by id over every transport, tied to roles, read again under an open socket."""

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from resolvers.context import Viewer
from sources.records import Role
from support.back_ends import Urls
from support.servers import OMNILOKET, Server, serving
from support.sockets import connected

ROLE = "query MyRole { viewer { role } }"
CHANNELS = "query Channels { channels { code } }"
LIVE = "subscription Live { contactRegistered { cursor } }"
MINE = "query Mine { viewer { citizen { fullName } } }"


def digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def apollo(**documents: str) -> str:
    operations = [{"id": f"id-{name}", "name": name, "type": "query", "body": text} for name, text in documents.items()]
    return json.dumps({"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations})


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "screen.json").write_text(apollo(MyRole=ROLE, Live=LIVE))
    (tmp_path / "portal.json").write_text(json.dumps({"relay-1": CHANNELS, "relay-2": MINE}))
    return tmp_path


def environment(directory: Path, *, only: bool = True) -> dict[str, str]:
    manifests = [
        {"client": "screen", "file": str(directory / "screen.json")},
        {"client": "portal", "file": str(directory / "portal.json"), "roles": ["CITIZEN"]},
    ]
    return {"OMNILOKET_TRUSTED__MANIFESTS": json.dumps(manifests), "OMNILOKET_TRUSTED__ONLY": str(only).lower()}


@pytest.fixture
def trusting(sqlite_urls: Urls, directory: Path) -> Iterator[Server]:
    with serving(sqlite_urls, directory, **environment(directory)) as running:
        yield running


def post(server: Server, token: str | None = None, **body: Any) -> Any:
    headers = {"authorization": f"Bearer {token or server.agent}", "omniloket-purpose": "intake"}
    return httpx.post(server.url, json=body, headers=headers, timeout=30).json()


def code(answer: Any) -> str:
    (error,) = answer["errors"]
    return error["extensions"]["code"]


AGENT = {"data": {"viewer": {"role": "AGENT"}}}


async def test_a_document_is_found_by_its_id_and_its_hash_over_every_transport(trusting: Server) -> None:
    persisted = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digits(ROLE)}}}
    for asked in ({"documentId": "id-MyRole"}, {"documentId": f"sha256:{digits(ROLE)}"}, persisted, {"query": ROLE}):
        assert post(trusting, **asked) == AGENT
    headers = {"authorization": f"Bearer {trusting.agent}"}
    assert httpx.get(trusting.url, params={"documentId": "id-MyRole"}, headers=headers).json() == AGENT
    async with connected(trusting, trusting.agent) as socket:
        for number, asked in enumerate(({"documentId": "id-MyRole"}, persisted)):
            await socket.send({"id": f"{number}", "type": "subscribe", "payload": asked})
            assert await socket.event(f"{number}") == AGENT
            assert (await socket.receive())["type"] == "complete"
        await socket.send({"id": "x", "type": "subscribe", "payload": {"documentId": "nothing"}})
        assert await socket.errors("x") == ["PERSISTED_QUERY_NOT_FOUND"]
    streaming = {**headers, "omniloket-purpose": "intake", "accept": "text/event-stream"}
    with httpx.stream("POST", trusting.url, json={"documentId": "id-Live"}, headers=streaming, timeout=30) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")


def test_what_is_not_known_is_told_in_the_words_that_clients_know(trusting: Server) -> None:
    assert code(post(trusting, documentId="nothing")) == "PERSISTED_QUERY_NOT_FOUND"
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": "ab" * 32}}
    assert code(post(trusting, extensions=persisted)) == "PERSISTED_QUERY_NOT_SUPPORTED"


def test_other_documents_are_for_developers_alone(trusting: Server) -> None:
    other = "{ channels { code name } }"
    assert code(post(trusting, query=other)) == "FORBIDDEN"
    assert "errors" not in post(trusting, trusting.token(Viewer(Role.DEVELOPER, "developer")), query=other)


def test_a_client_s_documents_are_for_its_roles(trusting: Server) -> None:
    citizen = trusting.citizen("999990019")
    assert code(post(trusting, documentId="relay-1")) == "FORBIDDEN"
    assert code(post(trusting, query=CHANNELS)) == "FORBIDDEN"
    assert len(post(trusting, citizen, documentId="relay-1")["data"]["channels"]) > 5
    assert post(trusting, citizen, documentId="id-MyRole") == {"data": {"viewer": {"role": "CITIZEN"}}}


def test_without_only_any_document_is_executed(sqlite_urls: Urls, directory: Path) -> None:
    with serving(sqlite_urls, directory, **environment(directory, only=False)) as server:
        assert "errors" not in post(server, query="{ channels { name } }")
        assert code(post(server, query=CHANNELS)) == "FORBIDDEN"
        figures = httpx.get(server.url.replace("graphql", "metrics")).text
        assert 'document="other"' in figures
        post(server, documentId="id-MyRole")
        figures = httpx.get(server.url.replace("graphql", "metrics")).text
        assert 'document="screen/MyRole",kind="query",outcome="answered"' in figures


async def test_a_manifest_is_read_again_under_an_open_socket(trusting: Server, directory: Path) -> None:
    async with connected(trusting, trusting.agent) as socket:
        await socket.send({"id": "live", "type": "subscribe", "payload": {"documentId": "id-Live"}})
        assert await socket.silent()
        _replace(directory / "screen.json", apollo(Channels="query C { channels { code } viewer { role } }"))
        _until(lambda: code_of(post(trusting, documentId="id-MyRole")) == "PERSISTED_QUERY_NOT_FOUND")
        assert post(trusting, documentId="id-Channels")["data"]["viewer"] == {"role": "AGENT"}
        for wrong in ("{", apollo(Wrong="{ nothing }"), '{"format": "other"}'):
            before = trusting.log.read_text().count("manifests are wrong")
            _replace(directory / "screen.json", wrong)
            _until(lambda before=before: trusting.log.read_text().count("manifests are wrong") > before)
            assert post(trusting, documentId="id-Channels")["data"]["viewer"] == {"role": "AGENT"}
        await socket.send({"id": "live", "type": "complete"})
        await socket.subscribe("after", "query C { channels { code } viewer { role } }")
        assert (await socket.event("after"))["data"]["viewer"] == {"role": "AGENT"}


def code_of(answer: Any) -> str | None:
    return code(answer) if "errors" in answer else None


def _replace(file: Path, text: str) -> None:
    file.with_suffix(".new").write_text(text)
    file.with_suffix(".new").replace(file)


def _until(holds: Any) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def _run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, **environment(directory)}
    config = ["--config", str(directory / "omniloket.toml")]
    return subprocess.run([str(OMNILOKET), *arguments, *config], capture_output=True, text=True, env=given, check=False)


def test_check_and_usage_tell_of_each_client_that_has_a_document(sqlite_urls: Urls, directory: Path) -> None:
    (directory / "screen.json").write_text(apollo(Mine=MINE))
    recording = {**environment(directory), "OMNILOKET_USAGE_DIRECTORY": str(directory / "usage")}
    with serving(sqlite_urls, directory, **recording) as server:
        citizen = server.citizen("999990019")
        for asked in ({"documentId": "id-Mine"}, {"documentId": "relay-2"}, {"query": MINE}):
            assert "errors" not in post(server, citizen, **asked)
    told = _used(directory)
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in told.splitlines() if "│" in line]
    assert sorted(row[1:3] for row in rows if row[0] == "Query.viewer") == [
        ["portal", "1"],
        ["screen", "1"],
        ["screen+portal", "1"],
    ]
    candidate = directory / "candidate.graphql"
    candidate.write_text("type Query { channels: [Channel!] } type Channel { code: String }")
    told = _run(directory, "documents", "check", "--schema", str(candidate)).stdout
    assert "screen/Mine" in told
    assert "portal/relay-2" in told
    assert "2 documents, 1 findings that break" in told


def test_check_tells_which_client_breaks_on_what(trusting: Server, directory: Path) -> None:
    good = _run(directory, "documents", "check")
    assert (good.returncode, good.stdout) == (0, "4 documents, 0 findings that break\n")
    candidate = directory / "candidate.graphql"
    candidate.write_text(
        """
        type Query { viewer: Viewer channels: [Channel!] @deprecated(reason: "Use counters. Until 1 June 2027.") }
        type Viewer { role: String }
        type Channel { code: String }
        type Subscription { contactRegistered: Event }
        type Event { cursor: String }
        """
    )
    told = _run(directory, "documents", "check", "--schema", str(candidate))
    assert told.returncode == 1
    assert "portal/relay-2" in told.stdout
    assert "Cannot query field 'citizen' on type 'Viewer'" in told.stdout
    assert "Until 1 June 2027" in told.stdout
    candidate.write_text("type {")
    assert _run(directory, "documents", "check", "--schema", str(candidate)).returncode == 1
    candidate.write_bytes(b"type Query { \xff: Int }")
    told = _run(directory, "documents", "check", "--schema", str(candidate))
    assert told.returncode != 0
    assert "Traceback" not in told.stdout + told.stderr
    assert "no schema" in told.stdout + told.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "neither an Apollo manifest nor an object"),
        (apollo(Wrong="{ nothing }"), "'screen/Wrong' is wrong"),
        (apollo(Wrong="{"), "'screen/Wrong' is wrong"),
        ('{"id": 5}', "neither an Apollo manifest nor an object"),
        (json.dumps({"relay-1": ROLE}), "another document's already"),
    ],
)
def test_a_manifest_at_fault_stops_the_start(trusting: Server, directory: Path, text: str, words: str) -> None:
    (directory / "screen.json").write_text(text)
    for command in ("check", "serve"):
        done = _run(directory, command)
        assert done.returncode == 1
        assert words in done.stderr
    (directory / "screen.json").unlink()
    assert "screen.json" in _run(directory, "check").stderr


async def test_a_client_registers_a_document_by_its_hash(sqlite_urls: Urls, directory: Path) -> None:
    by_hash = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digits(CHANNELS)}}}
    with serving(sqlite_urls, directory, OMNILOKET_TRUSTED__AUTOMATIC="2") as server:
        assert code(post(server, **by_hash)) == "PERSISTED_QUERY_NOT_FOUND"
        assert code(post(server, query=ROLE, **by_hash)) == "BAD_USER_INPUT"
        assert code(post(server, **by_hash)) == "PERSISTED_QUERY_NOT_FOUND"
        for _ in range(2):
            assert len(post(server, query=CHANNELS, **by_hash)["data"]["channels"]) > 5
        assert len(post(server, **by_hash)["data"]["channels"]) > 5
        headers = {"authorization": f"Bearer {server.agent}"}
        by_get = httpx.get(server.url, params={"extensions": json.dumps(by_hash["extensions"])}, headers=headers)
        assert len(by_get.json()["data"]["channels"]) > 5
        async with connected(server, server.agent) as socket:
            await socket.send({"id": "1", "type": "subscribe", "payload": by_hash})
            assert len((await socket.event("1"))["data"]["channels"]) > 5
        for name in ("a", "b"):
            other = f"{{ {name}: viewer {{ role }} }}"
            extensions = {"persistedQuery": {"version": 1, "sha256Hash": digits(other)}}
            assert "errors" not in post(server, query=other, extensions=extensions)
        assert code(post(server, **by_hash)) == "PERSISTED_QUERY_NOT_FOUND"


def test_nothing_that_cannot_be_executed_is_registered(sqlite_urls: Urls, directory: Path) -> None:
    with serving(sqlite_urls, directory, OMNILOKET_TRUSTED__AUTOMATIC="2") as server:
        for wrong in ("{ nothing }", "{"):
            by_hash = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digits(wrong)}}}
            assert code(post(server, query=wrong, **by_hash)).startswith("GRAPHQL_")
            assert code(post(server, **by_hash)) == "PERSISTED_QUERY_NOT_FOUND"


def test_who_uses_what_is_recorded_and_told(sqlite_urls: Urls, directory: Path) -> None:
    recording = {**environment(directory, only=False), "OMNILOKET_USAGE_DIRECTORY": str(directory / "usage")}
    with serving(sqlite_urls, directory, **recording) as server:
        for _ in range(3):
            post(server, documentId="id-MyRole")
        post(server, query='{ report(by: { number: "999990019" }) { status } }')
        by = "query R($by: ReportBy!) { report(by: $by) { number } channels { code } }"
        post(server, query=by, variables={"by": {"number": "PL1700-2026000001"}})
        assert _used(directory) == "Nothing has been recorded yet.\n"
    told = _used(directory)
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in told.splitlines() if "│" in line]
    assert ["Viewer.role", "screen", "3", ""] in rows
    assert ["Query.report(by:)", "other", "2", ""] in rows
    assert ["ReportBy.number", "other", "2", ""] in rows
    assert "Recorded from 2" in told
    assert "999990019" not in told + "".join(each.read_text() for each in (directory / "usage").iterdir())
    unused = _used(directory, "--unused").splitlines()
    assert "Report.title" in unused
    assert "Report.status" not in unused
    (directory / "usage" / "other.json").write_text("{}")
    assert "not what a server has recorded" in _used(directory)


def _used(directory: Path, *arguments: str) -> str:
    given = {**os.environ, "OMNILOKET_USAGE_DIRECTORY": str(directory / "usage"), "COLUMNS": "160"}
    command = [str(OMNILOKET), "documents", "usage", "--config", str(directory / "omniloket.toml"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=given, check=False)
    return done.stdout + done.stderr

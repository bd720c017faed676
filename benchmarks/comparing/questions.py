"""The three main queries over many arguments, as Omniloket takes them and as the hand-written peers do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from omniloket.identity import make_token
from resolvers.context import Viewer
from sources.records import Role

QUERIES = Path(__file__).resolve().parents[2] / "docs" / "queries"
_OF_POSTGRAPHILE = Path(__file__).resolve().parents[1] / "peers" / "node" / "documents"
ARGUMENTS = 1000
"""Of each query at most; Q2 has no more than there are channels."""

_REPORTERS = """
    SELECT bsn FROM (SELECT DISTINCT bsn FROM betrokkene WHERE rol_cd = 'AAN') AS reporters ORDER BY md5(bsn) LIMIT $1
"""
_CHANNELS = "SELECT kanaal_cd FROM klantcontact GROUP BY kanaal_cd HAVING count(*) >= 51 ORDER BY kanaal_cd LIMIT $1"
_NUMBERS = "SELECT nummer FROM incident ORDER BY md5(nummer) LIMIT $1"


@dataclass(frozen=True)
class Question:
    """One request, in each form. The hand-written peers take `path` and `facts`: no token, no document."""

    path: str
    facts: dict[str, str] = field(repr=False)
    document: str
    variables: dict[str, str] = field(repr=False)
    token: str = field(repr=False)

    def to_omniloket(self) -> bytes:
        body = orjson.dumps({"query": self.document, "variables": self.variables})
        return _post("/graphql", body, f"authorization: Bearer {self.token}", "omniloket-purpose: intake")

    def to_mercurius(self) -> bytes:
        """The same document, without anything about who asks but whose portal it is."""
        body = orjson.dumps({"query": self.document, "variables": self.variables})
        return _post("/graphql", body, f"bsn: {self.facts.get('bsn', '')}")

    def to_postgraphile(self) -> bytes:
        """A document for the schema that it generates, which asks for the same facts."""
        return _post("/graphql", orjson.dumps({"query": _of_postgraphile(self.path), "variables": self.facts}))

    def to_peer(self) -> bytes:
        return _post(self.path, orjson.dumps(self.facts))


async def questions(urls: dict[str, str], key: bytes) -> dict[str, list[Question]]:
    """Of each query, by name: many citizens, all channels in use, many reports."""
    agent = make_token(key, Viewer(Role.AGENT, "benchmark", clearance=True))
    portal, screen, thin = (
        (QUERIES / f"{name}.graphql").read_text()
        for name in ("q1-citizen-portal", "q2-agents-screen", "q3-thin-channel")
    )

    def of_citizen(bsn: str) -> Question:
        token = make_token(key, Viewer(Role.CITIZEN, "benchmark", bsn=bsn))
        return Question("/q1", {"bsn": bsn}, portal, {}, token)

    def of_agent(path: str, document: str, variables: dict[str, str]) -> Question:
        return Question(path, variables, document, variables, agent)

    bsns = await _column(urls["incidents"], _REPORTERS)
    numbers = await _column(urls["incidents"], _NUMBERS)
    channels = await _column(urls["servicemodule"], _CHANNELS)
    return {
        "Q1": [of_citizen(bsn) for bsn in bsns],
        "Q2": [of_agent("/q2", screen, {"channel": code}) for code in channels],
        "Q3": [of_agent("/q3", thin, {"number": number}) for number in numbers],
    }


async def _column(url: str, query: str) -> Sequence[str]:
    connection: Any = await asyncpg.connect(plain(url))
    try:
        return [row[0] for row in await connection.fetch(query, ARGUMENTS)]
    finally:
        await connection.close()


@cache
def _of_postgraphile(path: str) -> str:
    return (_OF_POSTGRAPHILE / f"{path.removeprefix('/')}.graphql").read_text()


def from_postgraphile(answer: Any) -> Any:
    """Its answer in the form of Omniloket's: a list has edges, a channel is more than its code, a portal has a viewer.

    The names are made the same by its documents already.
    """
    data = _like_ours("data", answer["data"])
    return {"data": {"viewer": data} if "citizen" in data else data}


def _like_ours(field_name: str, value: Any) -> Any:
    if isinstance(value, list):
        rows = [_like_ours("node", row) for row in value]
        return {"edges": [{"node": row} for row in rows]} if field_name in ("contacts", "reports") else rows
    if isinstance(value, dict):
        return {name: _like_ours(name, each) for name, each in value.items()}
    return {"code": value} if field_name == "channel" and value is not None else value


def plain(url: str) -> str:
    """The address of a database as asyncpg takes it."""
    return url.replace("postgresql+asyncpg://", "postgresql://")


def _post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", "content-type: application/json", *headers]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body

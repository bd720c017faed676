"""docs/errors.md: every code that this server can give is in its table, with the statuses that it comes with."""

import ast
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from engine import codes
from omniloket.app import application
from omniloket.media_types import EVENT_STREAM, GRAPHQL, JSON
from support.askers import ASKERS, KEY
from support.back_ends import Urls
from support.houses import settings
from support.in_process import URL

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text()
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if re.match(r"\| `[A-Z_]+` ", line)]
TABLE = {row[0].strip("`"): row for row in ROWS}
PACKAGES = ("engine", "sources", "subscriptions", "resolvers", "schema", "omniloket")
AGENT = {"authorization": f"Bearer {ASKERS['agent'].token(None)}"}
PURPOSE = {"omniloket-purpose": "intake"}
UNKNOWN = "0" * 64
CODES = {code for name, code in vars(codes).items() if name.isupper() and isinstance(code, str)}

REFUSED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "GRAPHQL_PARSE_FAILED": ({"query": "{"}, {}),
    "GRAPHQL_VALIDATION_FAILED": ({"query": "{ nothing }"}, {}),
    "BAD_USER_INPUT": ({"query": "query($id: ID!) { node(id: $id) { id } }"}, {}),
    "UNAUTHENTICATED": ({"query": "{ viewer { role } }"}, {"authorization": "Bearer bad"}),
    "FORBIDDEN": ({"query": "{ viewer { citizen { id } } }"}, {}),
    "PURPOSE_REQUIRED": ({"query": "{ contacts { totalCount } }"}, AGENT),
    "LIMIT_EXCEEDED": ({"query": "{ viewer { role } }" + " " * 32_768}, {}),
    "PERSISTED_QUERY_NOT_FOUND": ({"documentId": "nobody-s"}, {}),
    "PERSISTED_QUERY_NOT_SUPPORTED": ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": UNKNOWN}}}, {}),
}
STREAMED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    **{code: asked for code, asked in REFUSED.items() if code != "UNAUTHENTICATED"},
    "NOT_FOUND": (
        {"query": 'subscription { reportStatusChanged(report: {number: "PL0000-1"}) { cursor } }'},
        AGENT | PURPOSE,
    ),
}


@pytest_asyncio.fixture
async def client(sqlite_urls: Urls, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    key_file = tmp_path / "development.key"
    key_file.touch(mode=0o600)
    key_file.write_text(KEY.hex())
    app = application(settings(sqlite_urls, development_key_file=key_file))
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=httpx.ASGITransport(app)) as opened:
        yield opened


def given(node: ast.AST) -> Iterator[str]:
    """The texts that become the code of an error where a file says so: a key, an argument or a name `code`."""
    match node:
        case ast.Dict():
            keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
            named = [value for key, value in zip(keys, node.values, strict=True) if key == "code"]
        case ast.keyword(arg="code", value=value) | ast.Assign(targets=[ast.Name("code")], value=value):
            named = [value]
        case ast.Call(func=ast.Name("refusal")):
            named = node.args[1:2]
        case _:
            named = []
    for value in named:
        for each in ast.walk(value):
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield each.value


def test_every_code_is_in_the_table_and_no_other() -> None:
    assert set(TABLE) == CODES
    assert codes.OF_REQUESTS < CODES
    assert len(TABLE) == len(ROWS)
    assert {len(row) for row in ROWS} == {7}


def test_no_file_spells_a_code_of_its_own() -> None:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    assert [code for node in nodes for code in given(node) if re.fullmatch(r"[A-Z_]+", code)] == []


@pytest.mark.parametrize("code", REFUSED)
async def test_the_statuses_are_those_of_the_table(client: httpx.AsyncClient, code: str) -> None:
    asked, headers = REFUSED[code]
    for media_type, column in ((GRAPHQL, 2), (JSON, 3), ("*/*", 2)):
        answer = await client.post(URL, json=asked, headers={**headers, "accept": media_type})
        assert code in [error["extensions"]["code"] for error in answer.json()["errors"]]
        assert str(answer.status_code) in re.findall(r"\d{3}", TABLE[code][column])
        assert media_type == JSON or ("data" in answer.json()) == (answer.status_code == 294)


@pytest.mark.parametrize("code", STREAMED)
async def test_a_stream_ends_with_the_code(client: httpx.AsyncClient, code: str) -> None:
    asked, headers = STREAMED[code]
    answer = await client.post(URL, json=asked, headers={**headers, "accept": EVENT_STREAM})
    assert answer.status_code == 200
    events = re.findall(r"^event: (\w+)\ndata:(.*)$", answer.text, re.MULTILINE)
    assert [kind for kind, _ in events] == ["next", "complete"]
    assert code in [error["extensions"]["code"] for error in json.loads(events[0][1])["errors"]]
    assert "`next`" in TABLE[code][5] or "last `next`" in TABLE[code][5]


async def test_the_answer_that_is_shown_is_the_one_that_is_given(client: httpx.AsyncClient) -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    answer = await client.post(URL, json={"query": '{ citizen(by: {bsn: "999990019"}) { id } }'})
    assert (answer.status_code, answer.json()) == (294, json.loads(shown))

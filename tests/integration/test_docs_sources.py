"""docs/sources.md: the fifth back-end that it shows works, and is as short as it says."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from engine.executor import Executor
from resolvers import ids, nodes
from resolvers.context import Context
from schema.building import executable
from sources.sql.database import Database
from support.back_ends import SEALER, Opened, Urls, write
from support.houses import AGENT, ANONYMOUS, KEYS, citizen, opened
from support.memory_sources import Facts, memory_sources

ROOT = Path(__file__).resolve().parents[2]
DOC = ROOT / "docs" / "sources.md"
CODE, TRYING = re.findall(r"^```python\n(.*?)^```", DOC.read_text(), re.DOTALL | re.MULTILINE)
QUERY = """
    query F($after: String) {
      foundObjects(first: 2, after: $after) {
        totalCount pageInfo { hasNextPage endCursor } edges { node { id description foundAt } }
      }
    }
"""


def shown(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that the code of the page makes. What it registers is forgotten after the test."""
    monkeypatch.setattr(nodes, "COLLECTIONS", dict(nodes.COLLECTIONS))
    monkeypatch.setattr("schema.rules.COLLECTIONS", nodes.COLLECTIONS)
    monkeypatch.setattr(ids, "SERIAL_TYPES", set(ids.SERIAL_TYPES))
    monkeypatch.setattr("schema.rules.SERIAL_TYPES", ids.SERIAL_TYPES)
    module = ModuleType("found_objects")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(CODE, str(DOC), "exec"), module.__dict__)
    return module


async def test_a_fifth_back_end_in_some_sixty_lines_of_code(
    sqlite_urls: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fifth = shown(monkeypatch)
    assert len([line for line in CODE.splitlines() if line.strip()]) <= 64
    url = f"sqlite+aiosqlite:///{tmp_path}/found.db"
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(fifth.Found.metadata.create_all)
    await engine.dispose()
    rows = "(1, 'Paraplu', '2026-05-01 10:00:00.000000', '900000004'), (2, 'Fiets', '2026-06-01 10:00:00.000000', 'x')"
    await write(url, f"INSERT INTO gevonden_voorwerp VALUES {rows}, (3, 'Bril', '2026-06-01 10:00:00.000000', 'x')")

    async with opened(sqlite_urls) as asking, Database("found", url) as database:
        query = fifth.query_with(fifth.found_objects(database))
        executor = Executor(executable(query=query), encode_error=lambda error: (str(error), {}))

        async def ask(viewer: Any, query: str = QUERY, **variables: Any) -> Any:
            context = Context(services=asking.house.services, viewer=viewer)
            return await executor.execute(executor.prepare(query), variables, context)

        answer = (await ask(AGENT))["data"]["foundObjects"]
        assert [edge["node"]["description"] for edge in answer["edges"]] == ["Bril", "Fiets"]
        assert (answer["totalCount"], database.statements_sent) == (3, 2)
        rest = (await ask(AGENT, after=answer["pageInfo"]["endCursor"]))["data"]["foundObjects"]
        assert [edge["node"]["foundAt"] for edge in rest["edges"]] == ["2026-05-01T08:00:00Z"]
        own = (await ask(citizen("900000004")))["data"]["foundObjects"]
        assert [edge["node"]["description"] for edge in own["edges"]] == ["Paraplu"]
        assert (await ask(ANONYMOUS))["data"]["foundObjects"] is None
        by_id = "query N($id: ID!) { node(id: $id) { ... on FoundObject { description } } }"
        found_id = rest["edges"][0]["node"]["id"]
        assert (await ask(AGENT, by_id, id=found_id))["data"]["node"] == {"description": "Paraplu"}
        assert (await ask(citizen("900000005"), by_id, id=found_id))["data"]["node"] is None


def test_it_runs_beside_a_house_as_the_page_says(sqlite_urls: Urls, tmp_path: Path) -> None:
    (tmp_path / "found_objects.py").write_text(CODE)
    (tmp_path / "try_found_objects.py").write_text(TRYING)
    sealing = ["[sealing]", "current = 2", f"keys = {{ 1 = {json.dumps(KEYS[1])}, 2 = {json.dumps(KEYS[2])} }}"]
    tables = [f"[sources.{name}]\nurl = {json.dumps(url)}" for name, url in sqlite_urls.items()]
    (tmp_path / "omniloket.toml").write_text("\n".join([*sealing, *tables]))
    (command,) = re.findall(r"^(OMNILOKET_.*) \.venv/bin/python try_found_objects.py", DOC.read_text(), re.MULTILINE)
    name, _, value = command.partition("=")
    done = subprocess.run(
        [sys.executable, "try_found_objects.py", "omniloket.toml"],
        cwd=tmp_path,
        env={name: value},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert "errors" not in answer
    assert [edge["node"]["description"] for edge in answer["data"]["foundObjects"]["edges"]] == ["Fiets", "Paraplu"]


def for_each_back_end(file: Path) -> Iterator[str]:
    """The tables of a file that have a line for each of the four back-ends."""
    for node in ast.parse(file.read_text()).body:
        given = getattr(node, "value", None)
        keys = given.keys if isinstance(given, ast.Dict) else []
        if sum(isinstance(key, ast.Attribute) and key.attr == "SOURCE" for key in keys) == 4:
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            yield ast.unparse(node.target if isinstance(node, ast.AnnAssign) else node.targets[0])


def test_each_place_in_the_house_is_where_the_page_says() -> None:
    file = ""
    told = re.findall(r"^\| (?:`([\w/.]+\.py)`)? ?\| (?:`(\w+)`)? ?\| (.+) \|$", DOC.read_text(), re.MULTILINE)
    assert len(told) >= 12
    for named, there, what in told:
        file = named or file
        if not what.startswith("new: "):
            assert re.search(rf"^(class|def|) ?{there}\b", (ROOT / file).read_text(), re.MULTILINE), (file, there)
    places = {there for _, there, _ in told}
    assert places >= {"bound", "COLLECTIONS", "SERIAL_TYPES", "Sources", "SourcesSettings"}
    files = [
        file for room in ("sources", "omniloket") for file in (ROOT / room).rglob("*.py") if "demo" not in file.parts
    ]
    assert places >= {name for file in files for name in for_each_back_end(file)} >= {"SERVES"}


async def test_a_storage_of_one_s_own_joins_the_contract_as_the_page_says(sqlite_urls: Urls) -> None:
    (indented,) = re.findall(r"^  ```python\n(.*?)^  ```", DOC.read_text(), re.DOTALL | re.MULTILINE)
    facts = Facts()

    @asynccontextmanager
    async def over_http(_citizens: Any) -> Any:
        yield memory_sources(facts, SEALER).citizens

    given: dict[str, Any] = {"sqlite_urls": sqlite_urls, "facts": facts}
    names: dict[str, Any] = {
        "asynccontextmanager": asynccontextmanager,
        "Opened": Opened,
        "replace": replace,
        "PersonsOverHttp": over_http,
    }
    exec(re.sub(r"^  ", "", indented, flags=re.MULTILINE), names)
    async with names["with_persons_over_http"](SimpleNamespace(getfixturevalue=given.get)) as sources:
        assert type(sources.citizens) is not type(sources.contacts)

"""docs/sources.md: the fifth back-end that it shows works, and is as short as it says."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from engine.executor import Executor
from resolvers.context import Context
from schema.building import executable
from sources.sql.database import Database
from support.back_ends import Urls, write
from support.houses import AGENT, ANONYMOUS, citizen, opened

DOC = Path(__file__).resolve().parents[2] / "docs" / "sources.md"
QUERY = """
    query F($after: String) {
      foundObjects(first: 2, after: $after) {
        totalCount pageInfo { hasNextPage endCursor } edges { node { id description foundAt } }
      }
    }
"""


def shown(monkeypatch: pytest.MonkeyPatch) -> tuple[str, Any]:
    """The code of the page, and the module that it makes."""
    (code,) = re.findall(r"```python\n(.*?)```", DOC.read_text(), re.DOTALL)
    module = ModuleType("found_objects")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, str(DOC), "exec"), module.__dict__)
    return code, module


async def test_a_fifth_back_end_in_some_sixty_lines_of_code(
    sqlite_urls: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, fifth = shown(monkeypatch)
    assert len([line for line in code.splitlines() if line.strip()]) <= 61
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

        async def ask(viewer: Any, **variables: Any) -> Any:
            context = Context(services=asking.house.services, viewer=viewer)
            return await executor.execute(executor.prepare(QUERY), variables, context)

        answer = (await ask(AGENT))["data"]["foundObjects"]
        assert [edge["node"]["description"] for edge in answer["edges"]] == ["Bril", "Fiets"]
        assert (answer["totalCount"], database.statements_sent) == (3, 2)
        rest = (await ask(AGENT, after=answer["pageInfo"]["endCursor"]))["data"]["foundObjects"]
        assert [edge["node"]["foundAt"] for edge in rest["edges"]] == ["2026-05-01T08:00:00Z"]
        own = (await ask(citizen("900000004")))["data"]["foundObjects"]
        assert [edge["node"]["description"] for edge in own["edges"]] == ["Paraplu"]
        assert (await ask(ANONYMOUS))["data"]["foundObjects"] is None

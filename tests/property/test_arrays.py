"""Keys travel to PostgreSQL as the text of an array, and arrive as they were."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.sql.ids import array_text
from support.postgres import plain

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from(' \\",{}\n'))
unusual = st.sampled_from(["", " ", "NULL", "null", "{}", '"', "\\", '\\"', "a,b", "'", "%", "$1", "[1:2]={1,2}"])


@pytest.fixture(scope="module")
def fetched(postgres: str) -> Iterator[Any]:
    """What PostgreSQL makes of a text that is to be an array of a type."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(plain(postgres)))

        def fetch(text: str, type_: str) -> Any:
            return runner.run(connection.fetchval(f"SELECT CAST(CAST($1 AS VARCHAR) AS {type_}[])", text))

        yield fetch
        runner.run(connection.close())


@given(st.lists(texts | unusual))
@settings(deadline=None)
def test_texts_arrive_as_they_were(fetched: Any, values: Sequence[str]) -> None:
    assert fetched(array_text(values), "VARCHAR") == values


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
@settings(deadline=None)
def test_numbers_arrive_as_they_were(fetched: Any, values: Sequence[int]) -> None:
    assert fetched(array_text(values), "BIGINT") == values

"""Where something is in a text."""

from typing import Any

from graphql import Source
from hypothesis import given
from hypothesis import strategies as st

from engine.parsing import Text


@given(st.text("a\n\r", max_size=12), st.data())
def test_lines_and_columns_are_graphql_core_s(text: str, data: Any) -> None:
    position = data.draw(st.integers(0, len(text)))
    assert Text(text).get_location(position) == Source(text).get_location(position)

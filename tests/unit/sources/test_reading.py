"""Rows become records, and what does not fit costs its own row, whose column is named."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.errors import RecordMalformed
from sources.sql.reading import Reader, Row, meaning


class Box(Row):
    number: int
    colour: str
    weight: float | None
    sealed: bool | int | None


COLOURS = {"R": "red", "G": "green"}
READ = Reader(Box, lambda box: (box.number, meaning(box.colour, COLOURS, "colour"), box.weight, bool(box.sealed)))
NAMES = Box.__struct_fields__
GOOD = (1, "R", 2.5, True)


def told(*rows: tuple[Any, ...]) -> list[Any]:
    """What becomes of rows, the malformed ones by their columns."""
    records = READ.records("boxes", rows)
    return [each.field if isinstance(each, RecordMalformed) else each for each in records]


@pytest.mark.parametrize(
    ("row", "record"),
    [
        (GOOD, (1, "red", 2.5, True)),
        ((1, "G", None, None), (1, "green", None, False)),
        ((1, "G", 3, 0), (1, "green", 3.0, False)),
        ((1, "G", Decimal("0.5"), 1), (1, "green", 0.5, True)),
        ((*GOOD, "a parent"), (1, "red", 2.5, True)),
        (("1", "R", 2.5, True), "number"),
        ((True, "R", 2.5, True), "number"),
        ((None, "R", 2.5, True), "number"),
        ((1, None, 2.5, True), "colour"),
        ((1, "B", 2.5, True), "colour"),
        ((1, "R", "heavy", True), "weight"),
        ((1, "R", 2.5, "yes"), "sealed"),
    ],
)
def test_a_row_is_read_or_its_first_column_that_does_not_fit_is_named(row: tuple[Any, ...], record: Any) -> None:
    assert told(row) == [record]


anything = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["R", "G", "B", ""]) | st.floats(0, 9)
boxes = st.tuples(anything, anything, anything, anything) | st.just(GOOD)


@given(st.lists(boxes, max_size=5))
def test_each_row_is_read_as_if_it_were_alone(rows: list[tuple[Any, ...]]) -> None:
    assert told(*rows) == [each for row in rows for each in told(row)]


def test_nothing_of_a_value_is_told() -> None:
    (record,) = READ.records("boxes", [(1, "very private", 2.5, True)])
    assert str(record) == "The source 'boxes' holds a row whose 'colour' cannot be read."
    assert isinstance(record, RecordMalformed)
    assert (record.__cause__, record.__context__) == (None, None)


@pytest.mark.parametrize("names", [NAMES[:-1], ("colour", "number", "weight", "sealed"), ("number", *NAMES)])
def test_columns_that_are_not_those_of_the_rows_are_found_when_the_port_is_made(names: tuple[str, ...]) -> None:
    with pytest.raises(TypeError, match="Box has other columns than are selected"):
        READ.check(names)


def test_more_columns_may_follow() -> None:
    READ.check([*NAMES, "_parent"])

"""Columns that may be left out are columns, and none of those that rows are told apart and ordered by."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from sources.records import Record
from sources.sql.collection import SqlCollection
from sources.sql.database import Database
from sources.sql.reading import Reader, Row

BOXES = sa.table("box", sa.column("number", sa.Integer), sa.column("colour", sa.String), sa.column("size", sa.String))


class BoxRow(Row):
    number: int
    colour: str


class Box(Record, frozen=True):
    key: int


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (BOXES.c.size, "box.size is none of the columns that may be left out"),
        (BOXES.c.number, "told apart and ordered by is always read"),
    ],
)
async def test_what_cannot_be_left_out_is_no_part(part: sa.ColumnElement[str], message: str, tmp_path: Path) -> None:
    async with Database("boxes", f"sqlite+aiosqlite:///{tmp_path}/boxes.db") as database:
        with pytest.raises(TypeError, match=message):
            SqlCollection(
                database,
                rows=BOXES,
                columns=[BOXES.c.number, BOXES.c.colour],
                key=BOXES.c.number,
                order=[BOXES.c.number],
                read=Reader(BoxRow, lambda row: Box(row.number)),
                visible=lambda _scope, _own: sa.true(),
                parts={"Box.part": [part]},
            )

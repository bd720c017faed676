"""From a SQLModel mapping to the table that statements are built on."""

from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import SQLModel


def table_of(mapping: type[SQLModel]) -> "sa.Table[Any]":
    """The table of a mapping."""
    return cast("sa.Table[Any]", sa.inspect(mapping).local_table)


def is_first(
    table: "sa.Table[Any]", serial: sa.ColumnElement[int], *same: sa.ColumnElement[Any]
) -> sa.ColumnElement[bool]:
    """Whether no row before it says the same: what is said twice counts once."""
    earlier: Any = table.alias("earlier").c
    alike: list[sa.ColumnElement[bool]] = [earlier[cast("Any", column).name] == column for column in same]
    return ~sa.exists().where(*alike, earlier[cast("Any", serial).name] < serial).correlate(table)

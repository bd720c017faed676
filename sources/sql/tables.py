"""From a SQLModel mapping to the table that statements are built on."""

from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import SQLModel


def table_of(mapping: type[SQLModel]) -> "sa.Table[Any]":
    """The table of a mapping."""
    return cast("sa.Table[Any]", sa.inspect(mapping).local_table)

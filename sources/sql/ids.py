"""The ids that a statement asks for: one parameter for any number of them, so that a statement has one shape."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from sources.records import Key
from sources.sql.statements import IDS

NUL = "\x00"
"""The character that no database holds in a text, and PostgreSQL refuses to look for."""


def column_of_ids(column: sa.ColumnElement[Any], *, is_postgresql: bool) -> sa.ColumnElement[Any]:
    """The ids as a column of rows, to compare with this one: `unnest` on PostgreSQL, `json_each` on SQLite.

    PostgreSQL does not get to see how many they are: a plan for so many never looks dearer to it than one for any
    number, and it would plan each statement anew, which takes up to ten times as long as executing it.
    """
    if is_postgresql:
        bound = sa.cast(sa.bindparam(IDS, None, type_=sa.String()), ARRAY(_array_type(column)))
        unseen = sa.select(bound).scalar_subquery()
        return sa.func.unnest(unseen).table_valued("value", name="ids").render_derived().c.value
    return sa.func.json_each(sa.bindparam(IDS, None)).table_valued("value", name="ids").c.value


def value_of_ids(ids: Sequence[Key], *, is_postgresql: bool) -> str:
    """The ids as the parameter takes them. PostgreSQL's own text of an array costs a third of asyncpg's bytes."""
    return array_text(ids) if is_postgresql else orjson.dumps(ids).decode()


def storable(keys: Iterable[Key], column: sa.ColumnElement[Any]) -> list[Key]:
    """The keys, each once, that the column could hold: another one is nobody's, and no reason to fail."""
    if isinstance(column.type, sa.Integer):
        return [key for key in dict.fromkeys(keys) if isinstance(key, int) and -(2**63) <= key < 2**63]
    return [key for key in dict.fromkeys(keys) if isinstance(key, str) and NUL not in key]


def array_text(values: Sequence[Key]) -> str:
    """Numbers, or texts without U+0000, as PostgreSQL writes an array (PostgreSQL documentation, section 8.15.6)."""
    if not values or isinstance(values[0], int):
        return f"{{{','.join(map(str, values))}}}"
    quoted = [str(value).replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return '{"' + '","'.join(quoted) + '"}'


def _array_type(column: sa.ColumnElement[Any]) -> sa.types.TypeEngine[Any]:
    return sa.BigInteger() if isinstance(column.type, sa.Integer) else sa.String()

"""Timestamps as databases hold them, where that is not as Python does.

PostgreSQL has some that are none in Python: of the year 20226, say, or before Christ. SQLite has text, in which an
instant is written with or without a fraction of a second: it sorts as time does, but for an instant that is written in
two ways.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

FIRST, LAST = datetime.min, datetime.max  # noqa: DTZ901 - naive, as these columns are
"""What timestamps are read as that are none in Python; no source takes them for instants."""

_BEGIN = datetime(2000, 1, 1)  # noqa: DTZ001 - the same
_INFINITY = 2**63 - 1
_MICROSECOND = timedelta(microseconds=1)


def texts(timestamp: datetime) -> tuple[str, str]:
    """The first and the last, as text sorts, of the ways in which SQLite writes a timestamp."""
    last = timestamp.isoformat(sep=" ", timespec="microseconds")
    return last.rstrip("0").removesuffix("."), last


class _Text(sa.TypeDecorator[datetime]):
    """A timestamp to compare with: on SQLite the first of its texts, which is neither before nor after the others."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.String() if dialect.name == "sqlite" else sa.DateTime())

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        return value if value is None or dialect.name != "sqlite" else texts(value)[0]


def bound(timestamp: datetime) -> sa.ColumnElement[datetime]:
    """What columns are compared with by `>=` and `<`, from a naive timestamp."""
    return sa.literal(timestamp, _Text())


async def read_all_timestamps(driver: Any) -> None:
    """Makes a connection to PostgreSQL read every timestamp, in half the time that asyncpg takes for one.

    asyncpg fails at those that are none in Python, and with it all rows of the statement.
    """
    await driver.set_type_codec(
        schema="pg_catalog", typename="timestamp", encoder=_stored, decoder=_timestamp, format="tuple"
    )


def _stored(timestamp: datetime) -> tuple[int]:
    """Microseconds since 2000, as asyncpg and PostgreSQL have it."""
    if timestamp == LAST:
        return (_INFINITY,)
    return (-_INFINITY - 1,) if timestamp == FIRST else ((timestamp - _BEGIN) // _MICROSECOND,)


def _timestamp(stored: tuple[int]) -> datetime:
    try:
        return _BEGIN + _MICROSECOND * stored[0]
    except OverflowError:
        return LAST if stored[0] > 0 else FIRST

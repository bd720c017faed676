"""Timestamps of PostgreSQL that are none in Python: of the year 20226, say, or before Christ."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sources.sql.statements import Bound

FIRST, LAST = datetime.min, datetime.max  # noqa: DTZ901 - naive, as these columns are
"""What such timestamps are read as."""

_BEGIN = datetime(2000, 1, 1)  # noqa: DTZ001 - the same
_INFINITY = 2**63 - 1


async def within_range(driver: Any, bound: Bound) -> Sequence[Mapping[Any, Any]]:
    """All rows of a statement, after asyncpg could not read some: it costs that row alone, as infinity does.

    Such a timestamp is read as the last or the first that there is, which no source takes for an instant.
    """
    name = {"schema": "pg_catalog", "typename": "timestamp"}
    await driver.set_type_codec(**name, encoder=_stored, decoder=_timestamp, format="tuple")
    rows = await driver.fetch(bound.text, *bound.values)
    await driver.reset_type_codec(**name)
    return rows


def _stored(timestamp: datetime) -> tuple[int]:
    """Microseconds since 2000, as asyncpg and PostgreSQL have it."""
    return (_INFINITY if timestamp == LAST else (timestamp - _BEGIN) // timedelta(microseconds=1),)


def _timestamp(stored: tuple[int]) -> datetime:
    try:
        return _BEGIN + timedelta(microseconds=stored[0])
    except OverflowError:
        return LAST if stored[0] > 0 else FIRST

"""Reading one row: each column into the value that a record wants, or RecordMalformed naming the column."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

import sqlalchemy as sa

from sources.errors import RecordMalformed
from sources.local_time import utc_of_local, utc_of_naive

T = TypeVar("T")

_YES = {"J": True, "N": False}
_EIGHT_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)


class RowView:
    """One row of a statement; columns by label. Nothing it raises holds a value of the row."""

    __slots__ = ("_row", "_source")

    def __init__(self, source: str, row: Mapping[Any, Any]) -> None:
        self._source = source
        self._row = row

    def malformed(self, column: str) -> NoReturn:
        raise RecordMalformed(self._source, column)

    def value(self, column: str) -> Any:
        return self._row[column]

    def text(self, column: str) -> str:
        value = self._row[column]
        return value if isinstance(value, str) else self.malformed(column)

    def text_or_none(self, column: str) -> str | None:
        value = self._row[column]
        return value if value is None or isinstance(value, str) else self.malformed(column)

    def integer(self, column: str) -> int:
        value = self._row[column]
        return value if type(value) is int else self.malformed(column)

    def integer_or_none(self, column: str) -> int | None:
        value = self._row[column]
        return value if value is None or type(value) is int else self.malformed(column)

    def number_or_none(self, column: str) -> float | None:
        value = self._row[column]
        if value is None:
            return None
        return float(value) if isinstance(value, int | float | Decimal) else self.malformed(column)

    def code(self, column: str, codes: Mapping[str, T], other: T | None = None) -> T:
        """The meaning of a code; an unknown one means `other`, and is malformed where there is no such thing."""
        value = self._row[column]
        meaning = codes.get(value, other) if isinstance(value, str) else None
        return self.malformed(column) if meaning is None else meaning

    def yes(self, column: str) -> bool:
        """J or N, as old systems write a truth."""
        return self.code(column, _YES)

    def partial_date(self, column: str, unknown: str | None = None) -> str | None:
        """Eight digits with zeros for what is unknown, as ISO 8601 of reduced precision; all unknown is `unknown`."""
        written = self.text_or_none(column)
        if written is None:
            return None
        match = _EIGHT_DIGITS.fullmatch(written)
        if match is None:
            self.malformed(column)
        year, month, day = match.groups()
        if year == "0000":
            return unknown
        try:
            date(int(year), int(month) or 1, int(day) or 1)
        except ValueError:
            self.malformed(column)
        return "-".join(part for part in _known(year, month, day))

    def local_instant(self, column: str) -> datetime:
        return utc_of_local(self._timestamp(column))

    def local_instant_or_none(self, column: str) -> datetime | None:
        return None if self._row[column] is None else self.local_instant(column)

    def utc_instant(self, column: str) -> datetime:
        return utc_of_naive(self._timestamp(column))

    def utc_instant_or_none(self, column: str) -> datetime | None:
        return None if self._row[column] is None else self.utc_instant(column)

    def _timestamp(self, column: str) -> datetime:
        """A naive timestamp: a `datetime` from PostgreSQL, text from SQLite. `infinity` is no instant."""
        value = self._row[column]
        try:
            written = datetime.fromisoformat(value) if isinstance(value, str) else value
            if not isinstance(written, datetime) or written.tzinfo is not None or not 1 < written.year < 9999:
                raise ValueError
        except ValueError:
            self.malformed(column)
        return written


def _known(year: str, month: str, day: str) -> list[str]:
    if month == "00":
        return [year]
    return [year, month] if day == "00" else [year, month, day]


def digits_of(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """A phone number as typed, reduced to its digits. Portable SQL, so that a back-end can index the expression."""
    digits: sa.ColumnElement[str] = column
    for separator in " -()+./":
        digits = sa.func.replace(digits, sa.literal_column(f"'{separator}'"), sa.literal_column("''"))
    return digits

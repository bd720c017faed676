"""From rows to records: rows as they come, checked against the types that their columns are to have.

All rows of a statement are checked in one step, in C (msgspec). Only where one does not fit, each is looked at alone;
what cannot be read is RecordMalformed, which names the column and never the value.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar, get_type_hints

import sqlalchemy as sa
from msgspec import Meta, Struct, ValidationError, convert, defstruct

from sources.errors import RecordMalformed
from sources.local_time import utc_of_local, utc_of_naive
from sources.sql.statements import Values

T = TypeVar("T")
R = TypeVar("R")
W = TypeVar("W", bound="Row")

_FIRST, _LAST = datetime(2, 1, 1), datetime(9999, 1, 1)  # noqa: DTZ001 - naive, as these columns are
"""From one until the other, a time is an instant in every time zone."""

_EIGHT_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)


class Row(Struct, array_like=True, gc=False):
    """A row of a statement: a field for each column, in the order in which they are selected, of the column's name."""


Written = Annotated[datetime, Meta(tz=False)]
"""A timestamp without a time zone: a `datetime` from PostgreSQL, text from SQLite."""


class Malformed(Exception):
    """A value of the right type that means nothing; `column` holds it."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self.column = column


class Reader(Generic[R]):
    """Rows of one class, and what makes a record of one; `make` may raise Malformed."""

    def __init__(self, row: type[W], make: Callable[[W], R]) -> None:
        self._row: type[Row] = row
        # msgspec looks anew at a type like `list[row]` at each call, at a class of its own only once.
        self._all: Any = defstruct("Rows", [("rows", list[row])], bases=(Row,))
        self._make: Callable[[Any], R] = make

    def check(self, names: Sequence[str]) -> None:
        """Raises TypeError unless the columns of these names are those of the rows; more may follow."""
        wanted = self._row.__struct_fields__
        if tuple(names[: len(wanted)]) != wanted:
            raise TypeError(f"{self._row.__name__} has other columns than are selected: {', '.join(names)}")

    def records(self, source: str, rows: Sequence[Values]) -> Sequence[R | RecordMalformed]:
        """The record of each row, or what is wrong with the row."""
        try:
            return list(map(self._make, convert((rows,), self._all).rows))
        except (ValidationError, Malformed):
            return [self._record(source, each) for each in rows]

    def _record(self, source: str, values: Values) -> R | RecordMalformed:
        try:
            return self._make(convert(values, self._row))
        except ValidationError:
            return RecordMalformed(source, self._unfit(values))
        except Malformed as error:
            return RecordMalformed(source, error.column)

    def _unfit(self, values: Values) -> str:
        """The first column whose value has not the column's type."""
        types = get_type_hints(self._row, include_extras=True)
        return next(name for name, value in zip(types, values, strict=False) if not _fits(value, types[name]))


def _fits(value: object, type_: Any) -> bool:
    try:
        convert(value, type_)
    except ValidationError:
        return False
    return True


def known(value: T | None, column: str) -> T:
    """A value that has to be there."""
    if value is None:
        raise Malformed(column)
    return value


def meaning(code: str | None, codes: Mapping[str, T], column: str) -> T:
    """What a code stands for. An unknown one is malformed: it is never guessed."""
    found = None if code is None else codes.get(code)
    if found is None:
        raise Malformed(column)
    return found


def yes(written: str | None, column: str) -> bool:
    """J or N, as old systems write a truth."""
    return meaning(written, _YES, column)


_YES = {"J": True, "N": False}


def local_instant(written: datetime, column: str) -> datetime:
    """The instant of a naive local time. PostgreSQL's `infinity` is none."""
    if _FIRST <= written < _LAST:
        return utc_of_local(written)
    raise Malformed(column)


def utc_instant(written: datetime, column: str) -> datetime:
    """The instant of a naive time in UTC. PostgreSQL's `infinity` is none."""
    if _FIRST <= written < _LAST:
        return utc_of_naive(written)
    raise Malformed(column)


def partial_date(written: str | None, column: str, unknown: str | None = None) -> str | None:
    """Eight digits with zeros for what is unknown, as ISO 8601 of reduced precision; all unknown is `unknown`."""
    if written is None:
        return None
    if len(written) == 8 and written.isdecimal() and written.isascii():
        try:
            return date.fromisoformat(written).isoformat()
        except ValueError:
            pass  # some of it is unknown, or it is no date
    year, month, day = known(_EIGHT_DIGITS.fullmatch(written), column).groups()
    if year == "0000":
        return unknown
    try:
        date(int(year), int(month) or 1, int(day) or 1)
    except ValueError:
        raise Malformed(column) from None
    return "-".join(_certain(year, month, day))


def _certain(year: str, month: str, day: str) -> list[str]:
    if month == "00":
        return [year]
    return [year, month] if day == "00" else [year, month, day]


def digits_of(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """A phone number as typed, reduced to its digits. Portable SQL, so that a back-end can index the expression."""
    digits: sa.ColumnElement[str] = column
    for separator in " -()+./":
        digits = sa.func.replace(digits, sa.literal_column(f"'{separator}'"), sa.literal_column("''"))
    return digits

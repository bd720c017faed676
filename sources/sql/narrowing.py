"""From a filter to conditions of a statement, which are found once for filters that come back."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from sources.sql.ids import NUL
from sources.sql.statements import NO_CONDITIONS, Condition, Conditions

F = TypeVar("F")

_FILTERS = 100
"""Filters whose conditions are kept."""

_SHORT = 100
"""Characters that the texts of such a filter may have together."""


class Narrowing(Generic[F]):
    """What `narrow` makes of filters; without it, they are none."""

    def __init__(self, narrow: Callable[[F], Sequence[Condition]] | None) -> None:
        self._narrow = narrow
        self._kept = lru_cache(_FILTERS)(self._narrowed)

    def conditions(self, filter: F | None) -> Conditions:
        """The conditions of a filter: kept, of one that asks for few and short values, since it is asked for again."""
        if filter is None or self._narrow is None:
            return NO_CONDITIONS
        return self._kept(filter) if _is_short(filter) else self._narrowed(filter)

    def _narrowed(self, filter: F) -> Conditions:
        narrow = cast("Callable[[F], Sequence[Condition]]", self._narrow)
        return Conditions([sa.false()] if _holds_nul(filter) else narrow(_padded(filter)))


def _is_short(filter: Any) -> bool:
    return sum(map(_characters, [getattr(filter, name) for name in filter.__struct_fields__])) <= _SHORT


def _characters(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, tuple):
        return sum(map(_characters, cast("tuple[object, ...]", value)))
    return _SHORT + 1 if isinstance(value, Struct) else 0


def _padded(filter: F) -> F:
    """With each list as long as the next power of two, its last value again: statements of few lengths are made."""
    struct = cast("Any", filter)
    given: dict[str, Any] = {name: getattr(struct, name) for name in struct.__struct_fields__}
    lists = {name: _to_power(cast("Any", value)) for name, value in given.items() if isinstance(value, tuple) and value}
    return replace(struct, **lists) if lists else filter


def _to_power(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return values + values[-1:] * ((1 << (len(values) - 1).bit_length()) - len(values))


def _holds_nul(value: object) -> bool:
    """Whether a filter asks for a text with U+0000, which no database holds and PostgreSQL refuses to look for."""
    if value is None:
        return False
    if isinstance(value, str):
        return NUL in value
    if isinstance(value, tuple):
        return any(_holds_nul(each) for each in cast("tuple[object, ...]", value))
    return isinstance(value, Struct) and any(_holds_nul(getattr(value, name)) for name in value.__struct_fields__)

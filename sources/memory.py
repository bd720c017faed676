"""A port on records in memory: for tests, for small registers that fit there, and to show how short a source can be."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast

from sources.errors import MarkExpired, SourceError
from sources.paging import Page, PageRequest, Position
from sources.ports import Change, Changes, Health, HeldBack, Mark, Place, Reading, SourceFigures
from sources.records import Key
from sources.scope import Scope
from sources.waking import Bell

R = TypeVar("R")
F = TypeVar("F")


class MemoryCollection(Generic[R, F]):
    """Records in a list that may grow; `sources.ports.Collection` says what the methods promise.

    `order` gives the values by which records are ordered, of which no two records have the same; `links` the parents
    that a record hangs on; `visible` and `matches` decide about one record.
    """

    def __init__(
        self,
        source: str,
        records: Iterable[R],
        *,
        key: Callable[[R], Key],
        order: Callable[[R], Sequence[str | int | datetime]],
        visible: Callable[[R, Scope], bool],
        matches: Callable[[R, F], bool] = lambda _record, _filter: True,
        links: Mapping[str, Callable[[R], Iterable[Key]]] | None = None,
        descending: bool = False,
        public: bool = False,
    ) -> None:
        self._source = source
        self._records = records
        self._key = key
        self._order = order
        self._visible = visible
        self._matches = matches
        self._links = links or {}
        self._descending = descending
        self._public = public

    @property
    def source(self) -> str:
        return self._source

    async def by_ids(self, ids: Sequence[Key], scope: Scope) -> Sequence[R | SourceError | None]:
        found = {self._key(record): record for record in self._seen(scope, None)}
        return [found.get(key) for key in ids]

    async def of_parents(
        self, link: str, parent_ids: Sequence[Key], page: PageRequest, scope: Scope, filter: F | None = None
    ) -> Sequence[Page[R]]:
        hung = self._hung(link, scope, filter)
        return [self._page(hung.get(parent, []), page) for parent in parent_ids]

    async def page(self, page: PageRequest, scope: Scope, filter: F | None = None) -> Page[R]:
        return self._page(self._seen(scope, filter), page)

    async def count_of_parents(
        self, link: str, parent_ids: Sequence[Key], scope: Scope, filter: F | None = None
    ) -> Sequence[int]:
        hung = self._hung(link, scope, filter)
        return [len(hung.get(parent, [])) for parent in parent_ids]

    async def count(self, scope: Scope, filter: F | None = None) -> int:
        return len(self._seen(scope, filter))

    def _seen(self, scope: Scope, filter: F | None) -> list[R]:
        if scope.nobody and not self._public:
            return []
        return [
            record
            for record in self._records
            if self._visible(record, scope) and (filter is None or self._matches(record, filter))
        ]

    def _hung(self, link: str, scope: Scope, filter: F | None) -> dict[Key, list[R]]:
        hung: dict[Key, list[R]] = {}
        for record in self._seen(scope, filter):
            for parent in self._links[link](record):
                hung.setdefault(parent, []).append(record)
        return hung

    def _page(self, records: Sequence[R], page: PageRequest) -> Page[R]:
        placed = sorted(
            ((self._position(record), record) for record in records),
            key=lambda each: each[0],
            reverse=self._descending,
        )
        between = [(place, record) for place, record in placed if self._is_between(place, page)]
        kept = page.kept(between)
        positions = [place for place, _ in kept]
        return Page([record for _, record in kept], positions, more=len(kept) < len(between), places=positions)

    def _position(self, record: R) -> Position:
        return tuple(_comparable(value) for value in self._order(record))

    def _is_between(self, place: Position, page: PageRequest) -> bool:
        after, before = (_position(bound) for bound in (page.after, page.before))
        if self._descending:
            after, before = before, after
        here = cast("Any", place)
        return (after is None or here > after) and (before is None or here < before)


class MemoryLog(Generic[R]):
    """A log in memory: appended records, counted from 1. It wakes those who follow it."""

    def __init__(self, source: str) -> None:
        self.wake_ups = Bell()
        self._source = source
        self._records: list[R] = []

    @property
    def source(self) -> str:
        return self._source

    def append(self, record: R) -> None:
        self._records.append(record)
        self.wake_ups.ring()

    async def end(self) -> Mark:
        return str(len(self._records))

    async def changes(self, after: Mark, limit: int, *, whole: bool = False) -> Reading[R]:
        start = int(after)
        if start > len(self._records):
            raise MarkExpired(self._source)
        found = self._numbered(start, min(start + limit, len(self._records)))
        return Reading(found, found[-1].mark if found else after, more=len(found) == limit)

    async def covers(self, mark: Mark, other: Mark) -> bool:
        return int(mark) >= int(other)

    async def between(self, after: Mark, until: Mark, subject: Key | None = None) -> AsyncGenerator[Changes[R]]:
        if found := self._numbered(int(after), int(until)):
            yield found

    async def history(self, until: Mark, after: int, limit: int) -> Changes[R]:
        return [replace(each, mark=until) for each in self._numbered(after, min(after + limit, int(until)))]

    async def ahead(self, mark: Mark, limit: int) -> Sequence[Place]:
        return []

    async def serials(self, mark: Mark) -> int:
        return int(mark)

    async def held_back(self) -> HeldBack | None:
        return None

    def _numbered(self, start: int, end: int) -> Sequence[Change[R]]:
        return [
            Change(index, (index,), str(index), record)
            for index, record in enumerate(self._records[start:end], start + 1)
        ]


class MemoryBackEnd:
    """A back-end that always answers."""

    def __init__(self, name: str, serves: Sequence[str]) -> None:
        self.name = name
        self.serves = serves

    async def health(self) -> Health:
        return Health(self.name, available=True, latency_ms=0.0)

    def figures(self) -> SourceFigures:
        """None but zeros: nothing is sent anywhere."""
        return SourceFigures()


def _position(bound: Position | None) -> Position | None:
    return None if bound is None else tuple(_comparable(value) for value in bound)


def _comparable(value: str | int | datetime) -> str | int:
    """Instants as text of one length, which sorts as they do, and travels in a cursor."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value

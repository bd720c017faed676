"""A port on SQL tables: what to select, in which order, who may see it; the statements follow from that."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa

from sources.errors import RecordMalformed, SourceError
from sources.local_time import local_bound
from sources.paging import ALL, Page, PageRequest, Position
from sources.records import Key
from sources.scope import Scope
from sources.sql.database import Database, Statement
from sources.sql.ids import column_of_ids, storable, value_of_ids
from sources.sql.narrowing import Narrowing
from sources.sql.order import Order
from sources.sql.reading import Reader
from sources.sql.statements import IDS, LIMIT, NO_CONDITIONS, OWN, Bound, Condition, Conditions, Statements, Values

R = TypeVar("R")
F = TypeVar("F")

Columns = Sequence[sa.ColumnElement[Any]]
Own = Sequence[sa.BindParameter[str]]
Visible = Callable[[Scope, Own], Condition]
"""From a scope to the rows within it. Where these are the viewer's own, they are those of one of the parameters."""

Read = tuple[Position, R | RecordMalformed]
"""What became of a row, with its position."""

_NOTHING: Page[Any] = Page()

_QUESTIONS = 500
"""Sets of attributes of which a collection remembers which columns they leave out."""


@dataclass(frozen=True)
class Link:
    """How rows hang on a parent: the column that holds the parent's id, and the table to join for it.

    `forms`: every way in which a parent's id may stand in the column, where there is more than one.
    """

    column: sa.ColumnElement[Any]
    via: tuple[sa.FromClause, Condition] | None = None
    forms: Callable[[Key], Sequence[Key]] | None = None


class SqlCollection(Generic[R, F]):
    """Records in one database; `sources.ports.Collection` says what the methods promise.

    `written` gives the naive form in which the back-end writes an instant; `own` every form in which it may hold a
    citizen service number, always as many. `parts` names columns that may be NULL, by the attribute of the record that
    they are for ("Contact.body"): they are read only for who asks for it. A column may be for several.
    """

    def __init__(
        self,
        database: Database,
        *,
        rows: sa.FromClause,
        columns: Sequence[sa.ColumnElement[Any]],
        key: sa.ColumnElement[Any],
        order: Sequence[sa.ColumnElement[Any]],
        read: Reader[R],
        visible: Visible,
        descending: bool = False,
        public: bool = False,
        written: Callable[[datetime], datetime] = local_bound,
        own: Callable[[str], Sequence[str]] = lambda bsn: [bsn],
        narrow: Callable[[F], Sequence[Condition]] | None = None,
        links: Mapping[str, Link] | None = None,
        parts: Mapping[str, Sequence[sa.ColumnElement[Any]]] | None = None,
    ) -> None:
        self._database = database
        self._rows = rows
        self._key = key
        self._order = Order(
            [database.as_written(column) for column in order],
            written,
            descending=descending,
            is_postgresql=database.is_postgresql,
        )
        self._selected = list(columns)
        self._columns = [database.as_written(column) for column in columns]
        key_place = self._place(key, "_key")
        self._key_of = itemgetter(key_place)
        self._order_places = [self._place(column, f"_order{index}") for index, column in enumerate(order)]
        self._position_of = _position_at(self._order_places)
        self._parent_of = itemgetter(len(self._columns))
        self._read = read
        read.check([cast("Any", column).name for column in columns])
        self._own = own
        self._own_parameters = [sa.bindparam(f"{OWN}{index}", None, type_=sa.String()) for index in range(len(own("")))]
        self._visible = visible
        self._public = public
        self._narrowing = Narrowing(narrow)
        self._links = links or {}
        self._statements = Statements(database.dialect)
        self.parts = parts or {}
        self._parts = [(self._place(column), attribute) for attribute, each in self.parts.items() for column in each]
        if {place for place, _ in self._parts} & {key_place, *self._order_places}:
            raise TypeError("What rows are told apart and ordered by is always read.")
        self._left_out = lru_cache(_QUESTIONS)(self._not_read)

    @property
    def source(self) -> str:
        return self._database.name

    async def by_ids(self, ids: Sequence[Key], scope: Scope) -> Sequence[R | SourceError | None]:
        wanted = storable(ids, self._key)
        if not wanted or self._sees_nothing(scope):
            return [None] * len(ids)

        def make(visible: Condition, columns: Columns) -> Statement:
            wanted_keys = sa.select(self._ids(self._key))
            return sa.select(*columns).select_from(self._rows).where(self._key.in_(wanted_keys), visible)

        statement = self._bound("by ids", make, scope, ids=wanted)
        rows = await self._database.rows(statement)
        found = dict(zip(map(self._key_of, rows), self._records(rows), strict=True))
        return list(map(found.get, ids))

    async def of_parents(
        self, link: str, parent_ids: Sequence[Key], page: PageRequest, scope: Scope, filter: F | None = None
    ) -> Sequence[Page[R]]:
        forms = self._forms(link, parent_ids)
        wanted = storable((form for each in forms for form in each), self._links[link].column)
        if not wanted or self._sees_nothing(scope):
            return [Page() for _ in parent_ids]
        conditions = self._conditions(page, filter)

        def make(visible: Condition, columns: Columns) -> Statement:
            return self._of_parents_statement(self._links[link], page, [visible, *conditions.each], columns)

        shape = ("of parents", link, page.limit is None, page.backwards)
        statement = self._bound(shape, make, scope, conditions, wanted, page)
        rows = await self._database.rows(statement)
        read: defaultdict[Key, list[Read[R]]] = defaultdict(list)
        placed, is_whole = self._placed(rows)
        for parent, each in zip(map(self._parent_of, rows), placed, strict=True):
            read[parent].append(each)
        of_parents = [self._merged([read.get(form, ()) for form in each], page) for each in forms]
        return [_page(each, page, is_whole=is_whole) if each else _NOTHING for each in of_parents]

    async def page(self, page: PageRequest, scope: Scope, filter: F | None = None) -> Page[R]:
        if self._sees_nothing(scope):
            return Page()
        conditions = self._conditions(page, filter)

        def make(visible: Condition, columns: Columns) -> Statement:
            rows = sa.select(*columns).select_from(self._rows).where(visible, *conditions.each)
            return rows.order_by(*self._order.by(backwards=page.backwards)).limit(_most(page))

        statement = self._bound(("page", page.limit is None, page.backwards), make, scope, conditions, page=page)
        placed, is_whole = self._placed(await self._database.rows(statement))
        return _page(placed, page, is_whole=is_whole)

    async def count_of_parents(
        self, link: str, parent_ids: Sequence[Key], scope: Scope, filter: F | None = None
    ) -> Sequence[int]:
        hung = self._links[link]
        forms = self._forms(link, parent_ids)
        wanted = storable((form for each in forms for form in each), hung.column)
        if not wanted or self._sees_nothing(scope):
            return [0] * len(parent_ids)
        conditions = self._conditions(None, filter)

        def make(visible: Condition, _columns: Columns) -> Statement:
            parents = sa.select(self._ids(hung.column))
            counted = sa.select(hung.column, sa.func.count())
            rows = counted.select_from(_joined(self._rows, hung)).where(hung.column.in_(parents), visible)
            return rows.where(*conditions.each).group_by(hung.column)

        statement = self._bound(("count of parents", link), make, scope, conditions, wanted)
        counts = dict(await self._database.rows(statement))
        return [sum(counts.get(form, 0) for form in each) for each in forms]

    async def count(self, scope: Scope, filter: F | None = None) -> int:
        if self._sees_nothing(scope):
            return 0
        conditions = self._conditions(None, filter)

        def make(visible: Condition, _columns: Columns) -> Statement:
            return sa.select(sa.func.count()).select_from(self._rows).where(visible, *conditions.each)

        statement = self._bound("count", make, scope, conditions)
        ((count,),) = await self._database.rows(statement)
        return count

    def _bound(
        self,
        shape: Hashable,
        make: Callable[[Condition, Columns], Statement],
        scope: Scope,
        conditions: Conditions = NO_CONDITIONS,
        ids: Sequence[Key] = (),
        page: PageRequest = ALL,
    ) -> Bound:
        """What `make` makes of the rows that may be seen, and what of them is asked for, under these conditions."""
        named = {IDS: value_of_ids(ids, is_postgresql=self._database.is_postgresql), LIMIT: _one_more(page)}
        if not scope.everyone:
            named |= {f"{OWN}{index}": form for index, form in enumerate(self._own(scope.bsn or ""))}
        left_out = self._left_out(scope.reads)
        shape = (shape, scope.everyone, scope.confidential, left_out)

        def made() -> Statement:
            return make(self._visible(scope, self._own_parameters), self._without(left_out))

        return self._statements.bound(shape, made, conditions, named, len(ids))

    def _not_read(self, reads: frozenset[str] | None) -> frozenset[int]:
        """The places of the columns that are left out where only these attributes are asked for."""
        if reads is None:
            return frozenset()
        wanted = {place for place, attribute in self._parts if attribute in reads}
        return frozenset(place for place, _ in self._parts) - wanted

    def _without(self, left_out: frozenset[int]) -> Columns:
        return [
            sa.null().label(cast("Any", column).name) if place in left_out else column
            for place, column in enumerate(self._columns)
        ]

    def _of_parents_statement(
        self, link: Link, page: PageRequest, conditions: Sequence[Condition], columns: Columns
    ) -> Statement:
        """LATERAL on PostgreSQL, which stops at each parent's last wanted row; a window function on SQLite."""
        rows = _joined(self._rows, link)
        if not self._database.is_postgresql:
            return self._windowed(link, page, conditions, columns)
        parents = self._ids(link.column).table
        each = (
            sa.select(*columns)
            .select_from(rows)
            .where(link.column == parents.c.value, *conditions)
            .order_by(*self._order.by(backwards=page.backwards))
            .limit(_most(page))
            .lateral("each")
        )
        order = [list(each.c)[place] for place in self._order_places]
        return (
            sa.select(each, parents.c.value.label("_parent"))
            .select_from(parents.join(each, sa.true()))
            .order_by(*self._order.by(backwards=page.backwards, columns=order))
        )

    def _windowed(self, link: Link, page: PageRequest, conditions: Sequence[Condition], columns: Columns) -> Statement:
        order = self._order.by(backwards=page.backwards)
        place = sa.func.row_number().over(partition_by=link.column, order_by=order)
        numbered = (
            sa.select(*columns, link.column.label("_parent"), place.label("_place"))
            .select_from(_joined(self._rows, link))
            .where(link.column.in_(sa.select(self._ids(link.column))), *conditions)
            .subquery("numbered")
        )
        statement = sa.select(numbered).order_by(numbered.c["_place"])
        most = _most(page)
        return statement if most is None else statement.where(numbered.c["_place"] <= most)

    def _place(self, column: sa.ColumnElement[Any], name: str | None = None) -> int:
        """Which of the selected columns it is. One that is not among them yet is selected as well, by this name."""
        for place, each in enumerate(self._selected):
            if column is each:
                return place
        if name is None:
            raise TypeError(f"{column} is none of the columns that may be left out.")
        self._selected.append(column)
        self._columns.append(self._database.as_written(column).label(name))
        return len(self._columns) - 1

    def _conditions(self, page: PageRequest | None, filter: F | None) -> Conditions:
        narrowed = self._narrowing.conditions(filter)
        if page is None or (page.after is None and page.before is None):
            return narrowed
        return Conditions([*narrowed.each, *self._order.within(page)])

    def _ids(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return column_of_ids(column, is_postgresql=self._database.is_postgresql)

    def _forms(self, link: str, parent_ids: Sequence[Key]) -> list[Sequence[Key]]:
        forms = self._links[link].forms
        return [[parent_id] if forms is None else forms(parent_id) for parent_id in parent_ids]

    def _merged(self, read: Sequence[Sequence[Read[R]]], page: PageRequest) -> Sequence[Read[R]]:
        if len(read) == 1:
            return read[0]
        falls = self._order.falls(backwards=page.backwards)
        together = sorted((one for each in read for one in each), key=itemgetter(0), reverse=falls)
        limit = _one_more(page)
        return together if limit is None else together[:limit]

    def _placed(self, rows: Sequence[Values]) -> tuple[list[Read[R]], bool]:
        """Rows in order, each with its position; and whether all of them could be read."""
        records = self._records(rows)
        placed = list(zip(map(self._position_of, rows), records, strict=True))
        return placed, RecordMalformed not in set(map(type, records))

    def _records(self, rows: Sequence[Values]) -> Sequence[R | RecordMalformed]:
        return self._read.records(self._database.name, rows)

    def _sees_nothing(self, scope: Scope) -> bool:
        return scope.nobody and not self._public


def _page(read: Sequence[Read[R]], page: PageRequest, *, is_whole: bool) -> Page[R]:
    """What was read, one more than the page has room for where there are more; `is_whole`: without malformed rows."""
    more = page.limit is not None and len(read) > page.limit
    kept = read[: page.limit]
    if not kept:
        return Page(more=more)
    if page.backwards:
        kept = kept[::-1]
    positions, records = zip(*kept, strict=True)
    if is_whole:
        return Page(cast("Sequence[R]", records), positions, more, positions)
    malformed = [record for record in records if isinstance(record, RecordMalformed)]
    good = [each for each in kept if not isinstance(each[1], RecordMalformed)]
    return Page(
        rows=[cast("R", record) for _, record in good],
        positions=[position for position, _ in good],
        more=more,
        places=positions,
        malformed=malformed,
    )


def _position_at(places: Sequence[int]) -> Callable[[Values], Position]:
    """From a row to its position: the values at these places."""
    if len(places) == 1:
        (place,) = places
        return lambda row: (row[place],)
    return itemgetter(*places)


def _joined(rows: sa.FromClause, link: Link) -> sa.FromClause:
    return rows if link.via is None else rows.join(*link.via)


def _one_more(page: PageRequest) -> int | None:
    """One row beyond the page tells whether there are more."""
    return None if page.limit is None else page.limit + 1


def _most(page: PageRequest) -> sa.BindParameter[int] | None:
    """The same as a parameter: a statement serves pages of every length."""
    return None if page.limit is None else sa.bindparam(LIMIT, None, type_=sa.Integer())

"""A port on SQL tables: what to select, in which order, who may see it; the statements follow from that.

Ids travel as one array parameter (`unnest` on PostgreSQL, `json_each` on SQLite), so that a statement has one
shape for any number of them.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Generic, TypeVar, cast

import orjson
import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.dialects.postgresql import ARRAY

from sources.errors import RecordMalformed, SourceError
from sources.local_time import local_bound
from sources.paging import ALL, Page, PageRequest, Position
from sources.records import Key
from sources.scope import Scope
from sources.sql.database import Database, Statement
from sources.sql.reading import Reader
from sources.sql.statements import IDS, LIMIT, NO_CONDITIONS, OWN, Bound, Conditions, Statements, Values
from sources.sql.timestamps import FIRST, LAST, texts

R = TypeVar("R")
F = TypeVar("F")

Condition = sa.ColumnElement[bool]
Columns = Sequence[sa.ColumnElement[Any]]
Own = Sequence[sa.BindParameter[str]]
Visible = Callable[[Scope, Own], Condition]
"""From a scope to the rows within it. Where these are the viewer's own, they are those of one of the parameters."""

Read = tuple[Position, R | RecordMalformed]
"""What became of a row, with its position."""

_NOTHING: Page[Any] = Page()

_NUL = "\x00"

_FILTERS = 100
"""Filters whose conditions a collection keeps."""

_QUESTIONS = 500
"""Sets of attributes of which a collection remembers which columns they leave out."""

_SHORT = 100
"""Characters that the texts of such a filter may have together."""


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
        self._order = [database.as_written(column) for column in order]
        self._instants = [isinstance(column.type, sa.DateTime) and database.is_postgresql for column in order]
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
        self._descending = descending
        self._public = public
        self._written = written
        self._narrow = narrow
        self._links = links or {}
        self._statements = Statements(database.dialect)
        self._of_filter = lru_cache(_FILTERS)(self._narrowed)
        self.parts = parts or {}
        self._parts = [(self._place(column), attribute) for attribute, each in self.parts.items() for column in each]
        if {place for place, _ in self._parts} & {key_place, *self._order_places}:
            raise TypeError("What rows are told apart and ordered by is always read.")
        self._left_out = lru_cache(_QUESTIONS)(self._not_read)

    @property
    def source(self) -> str:
        return self._database.name

    async def by_ids(self, ids: Sequence[Key], scope: Scope) -> Sequence[R | SourceError | None]:
        wanted = _storable(ids, self._key)
        if not wanted or self._sees_nothing(scope):
            return [None] * len(ids)

        def make(visible: Condition, columns: Columns) -> Statement:
            wanted_keys = sa.select(self._array(self._key))
            return sa.select(*columns).select_from(self._rows).where(self._key.in_(wanted_keys), visible)

        statement = self._bound("by ids", make, scope, ids=wanted)
        rows = await self._database.rows(statement)
        found = dict(zip(map(self._key_of, rows), self._records(rows), strict=True))
        return list(map(found.get, ids))

    async def of_parents(
        self, link: str, parent_ids: Sequence[Key], page: PageRequest, scope: Scope, filter: F | None = None
    ) -> Sequence[Page[R]]:
        forms = self._forms(link, parent_ids)
        wanted = _storable((form for each in forms for form in each), self._links[link].column)
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
            return rows.order_by(*self._ordering(page.backwards)).limit(_most(page))

        statement = self._bound(("page", page.limit is None, page.backwards), make, scope, conditions, page=page)
        placed, is_whole = self._placed(await self._database.rows(statement))
        return _page(placed, page, is_whole=is_whole)

    async def count_of_parents(
        self, link: str, parent_ids: Sequence[Key], scope: Scope, filter: F | None = None
    ) -> Sequence[int]:
        hung = self._links[link]
        forms = self._forms(link, parent_ids)
        wanted = _storable((form for each in forms for form in each), hung.column)
        if not wanted or self._sees_nothing(scope):
            return [0] * len(parent_ids)
        conditions = self._conditions(None, filter)

        def make(visible: Condition, _columns: Columns) -> Statement:
            parents = sa.select(self._array(hung.column))
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
        named = {IDS: self._ids(ids), LIMIT: _one_more(page)}
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
        parents = self._array(link.column).table
        each = (
            sa.select(*columns)
            .select_from(rows)
            .where(link.column == parents.c.value, *conditions)
            .order_by(*self._ordering(page.backwards))
            .limit(_most(page))
            .lateral("each")
        )
        order = [list(each.c)[place] for place in self._order_places]
        return (
            sa.select(each, parents.c.value.label("_parent"))
            .select_from(parents.join(each, sa.true()))
            .order_by(*self._directed(order, page.backwards))
        )

    def _windowed(self, link: Link, page: PageRequest, conditions: Sequence[Condition], columns: Columns) -> Statement:
        place = sa.func.row_number().over(partition_by=link.column, order_by=self._ordering(page.backwards))
        numbered = (
            sa.select(*columns, link.column.label("_parent"), place.label("_place"))
            .select_from(_joined(self._rows, link))
            .where(link.column.in_(sa.select(self._array(link.column))), *conditions)
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
        narrowed = NO_CONDITIONS if filter is None else self._filtered(filter)
        if page is None or (page.after is None and page.before is None):
            return narrowed
        conditions = list(narrowed.each)
        if page.after is not None:
            conditions.append(self._beyond(page.after, later=True))
        if page.before is not None:
            conditions.append(self._beyond(page.before, later=False))
        return Conditions(conditions)

    def _filtered(self, filter: F) -> Conditions:
        """The conditions of a filter: kept, of one that asks for few and short values, since it is asked for again."""
        return self._of_filter(filter) if _is_short(filter) else self._narrowed(filter)

    def _narrowed(self, filter: F) -> Conditions:
        if self._narrow is None:
            return NO_CONDITIONS
        return Conditions([sa.false()] if _holds_nul(filter) else self._narrow(_padded(filter)))

    def _beyond(self, position: Position, *, later: bool) -> Condition:
        """Rows strictly later (or earlier) in the collection's order than a position: a row-value comparison."""
        below = later == self._descending
        if isinstance(position[0], datetime) and not self._database.is_postgresql:
            return self._beyond_text(self._naive(position[0]), position[1:], below=below)
        values = [self._stored(value, is_instant) for value, is_instant in zip(position, self._instants, strict=True)]
        here = sa.tuple_(*self._order)
        there = sa.tuple_(
            *[
                sa.literal(_beyond_range(value, below=below), column.type)
                for value, column in zip(values, self._order, strict=True)
            ]
        )
        return here < there if below else here > there

    def _stored(self, value: str | int | datetime, is_instant: bool) -> str | int | datetime:
        """A value of a position as the order column holds it: naive `datetime` on PostgreSQL, on SQLite its text."""
        if isinstance(value, datetime):
            return self._naive(value)
        return datetime.fromisoformat(cast("str", value)) if is_instant else value

    def _naive(self, instant: datetime) -> datetime:
        return instant if instant.tzinfo is None else self._written(instant)

    def _beyond_text(self, timestamp: datetime, position: Position, *, below: bool) -> Condition:
        """The same where the order begins with a timestamp as text, in whichever way it is written."""
        first, last = texts(timestamp)
        column, *others = self._order
        here = sa.tuple_(*others)
        there = sa.tuple_(*[sa.literal(value, each.type) for value, each in zip(position, others, strict=True)])
        if below:
            return sa.and_(column <= last, sa.or_(column < first, here < there))
        return sa.and_(column >= first, sa.or_(column > last, here > there))

    def _ordering(self, backwards: bool) -> list[sa.ColumnElement[Any]]:
        return self._directed(self._order, backwards)

    def _directed(self, columns: Sequence[sa.ColumnElement[Any]], backwards: bool) -> list[sa.ColumnElement[Any]]:
        falling = self._descending != backwards
        return [column.desc() if falling else column.asc() for column in columns]

    def _array(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The ids as a column of rows, bound as one parameter.

        PostgreSQL does not get to see how many they are: a plan for so many never looks dearer to it than one for any
        number, and it would plan each statement anew, which takes up to ten times as long as executing it.
        """
        if self._database.is_postgresql:
            bound = sa.cast(sa.bindparam(IDS, None, type_=sa.String()), ARRAY(_array_type(column)))
            unseen = sa.select(bound).scalar_subquery()
            return sa.func.unnest(unseen).table_valued("value", name="ids").render_derived().c.value
        return sa.func.json_each(sa.bindparam(IDS, None)).table_valued("value", name="ids").c.value

    def _ids(self, ids: Sequence[Key]) -> object:
        """The ids as the parameter takes them. PostgreSQL's own text of an array costs a third of asyncpg's bytes."""
        return array_text(ids) if self._database.is_postgresql else orjson.dumps(ids).decode()

    def _forms(self, link: str, parent_ids: Sequence[Key]) -> list[Sequence[Key]]:
        forms = self._links[link].forms
        return [[parent_id] if forms is None else forms(parent_id) for parent_id in parent_ids]

    def _merged(self, read: Sequence[Sequence[Read[R]]], page: PageRequest) -> Sequence[Read[R]]:
        if len(read) == 1:
            return read[0]
        falling = self._descending != page.backwards
        together = sorted((one for each in read for one in each), key=itemgetter(0), reverse=falling)
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


def array_text(values: Sequence[Key]) -> str:
    """Numbers, or texts without U+0000, as PostgreSQL writes an array (PostgreSQL documentation, section 8.15.6)."""
    if not values or isinstance(values[0], int):
        return f"{{{','.join(map(str, values))}}}"
    quoted = [str(value).replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return '{"' + '","'.join(quoted) + '"}'


def _beyond_range(value: str | int | datetime, *, below: bool) -> str | int | datetime:
    """The last and the first timestamp stand for all that are none in Python: whoever was among them is past them all.

    The two are written as infinity, which none of them is beyond.
    """
    if value == LAST and below:
        return LAST - datetime.resolution
    return FIRST + datetime.resolution if value == FIRST and not below else value


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


def _storable(keys: Iterable[Key], column: sa.ColumnElement[Any]) -> list[Key]:
    """The keys, each once, that the column could hold: another one is nobody's, and no reason to fail."""
    if isinstance(column.type, sa.Integer):
        return [key for key in dict.fromkeys(keys) if isinstance(key, int) and -(2**63) <= key < 2**63]
    return [key for key in dict.fromkeys(keys) if isinstance(key, str) and _NUL not in key]


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
        return _NUL in value
    if isinstance(value, tuple):
        return any(_holds_nul(each) for each in cast("tuple[object, ...]", value))
    return isinstance(value, Struct) and any(_holds_nul(getattr(value, name)) for name in value.__struct_fields__)


def _array_type(column: sa.ColumnElement[Any]) -> sa.types.TypeEngine[Any]:
    return sa.BigInteger() if isinstance(column.type, sa.Integer) else sa.String()


def _joined(rows: sa.FromClause, link: Link) -> sa.FromClause:
    return rows if link.via is None else rows.join(*link.via)


def _one_more(page: PageRequest) -> int | None:
    """One row beyond the page tells whether there are more."""
    return None if page.limit is None else page.limit + 1


def _most(page: PageRequest) -> sa.BindParameter[int] | None:
    """The same as a parameter: a statement serves pages of every length."""
    return None if page.limit is None else sa.bindparam(LIMIT, None, type_=sa.Integer())

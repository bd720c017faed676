"""Omniloket's own database: which contacts and reports, kept elsewhere, are one citizen's journey.

Instants are UTC. It holds source keys and the sealed citizen key, never a BSN. Its schema is made by the
migrations in `sources/sql/migrations`.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from sources.filters import EntryFilter, JourneyFilter
from sources.records import EntryKind, Handover, Journey, JourneyEntry, JourneyNews, JourneyState, NewsKind
from sources.scope import Scope
from sources.sealing import Sealer, citizen_keys
from sources.sql.collection import Link, Own, SqlCollection
from sources.sql.database import Database
from sources.sql.log import SqlLog
from sources.sql.reading import Reader, Row, Written, meaning, utc_instant
from sources.sql.statements import Condition
from sources.sql.tables import table_of
from sources.sql.timestamps import bound

SOURCE = "journeys"

STATES = {state.value: state for state in JourneyState}
KINDS = {kind.value: kind for kind in EntryKind}
NEWS_KINDS = {kind.value: kind for kind in NewsKind}

_Serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_Code = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_NEVER_AGAIN = {"sqlite_autoincrement": True}
"""No number is given out twice, also on SQLite: followers of the log and clients' ids rely on it."""


class Journeys(SQLModel, registry=registry()):
    """The tables of this database, and of no other."""


class JourneyRow(Journeys, table=True):
    """A journey. `citizen_key` is the sealed BSN, NULL while the citizen is unknown.

    `closes_at` is when it closes if nothing more happens; NULL while one of its reports has not ended.
    """

    __tablename__ = "journey"  # pyright: ignore[reportAssignmentType] - SQLModel types it as a directive
    __table_args__ = _NEVER_AGAIN

    id: int = Field(primary_key=True, sa_type=_Serial)
    citizen_key: str | None = Field(default=None, sa_type=_Code)
    state: str
    opened_at: datetime = Field(sa_type=sa.DateTime)
    last_active_at: datetime = Field(sa_type=sa.DateTime)
    closed_at: datetime | None = Field(default=None, sa_type=sa.DateTime)
    closes_at: datetime | None = Field(default=None, sa_type=sa.DateTime)


class JourneyEntryRow(Journeys, table=True):
    """That a contact (C), report (R) or handover (H) belongs to a journey; `position` is its serial.

    A contact or report belongs to one journey at most. One that moves to another journey is a new entry there.
    """

    __tablename__ = "journey_entry"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (sa.UniqueConstraint("kind", "key", name="journey_entry_once"), _NEVER_AGAIN)

    position: int = Field(primary_key=True, sa_type=_Serial)
    journey_id: int = Field(foreign_key="journey.id", sa_type=sa.BigInteger)
    kind: str = Field(max_length=1)
    key: str = Field(sa_type=_Code)
    at: datetime = Field(sa_type=sa.DateTime)


class JourneyChannelRow(Journeys, table=True):
    """The channels that a journey has passed, in order of first use."""

    __tablename__ = "journey_channel"  # pyright: ignore[reportAssignmentType]

    journey_id: int = Field(primary_key=True, foreign_key="journey.id", sa_type=sa.BigInteger)
    ordinal: int = Field(primary_key=True)
    code: str


class HandoverRow(Journeys, table=True):
    """A journey passing from one channel to another."""

    __tablename__ = "handover"  # pyright: ignore[reportAssignmentType]
    __table_args__ = _NEVER_AGAIN

    id: int = Field(primary_key=True, sa_type=_Serial)
    journey_id: int = Field(foreign_key="journey.id", sa_type=sa.BigInteger)
    from_channel: str | None = None
    to_channel: str | None = None
    agent_key: str | None = None
    at: datetime = Field(sa_type=sa.DateTime)
    note: str | None = None


class JourneyNewsRow(Journeys, table=True):
    """That a contact (C), status change (S) or handover (H) happened on a journey: told once, and never taken back.

    The linker alone writes it, so that its serials are one order over all sources.
    """

    __tablename__ = "journey_news"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (sa.UniqueConstraint("kind", "key", "journey_id", name="journey_news_once"), _NEVER_AGAIN)

    position: int = Field(primary_key=True, sa_type=_Serial)
    journey_id: int = Field(sa_type=sa.BigInteger)
    kind: str = Field(max_length=1)
    key: int = Field(sa_type=sa.BigInteger)


class LinkerRow(Journeys, table=True):
    """Which process is the linker, and until when unless it says so again. One row, `id` 1."""

    __tablename__ = "linker"  # pyright: ignore[reportAssignmentType]

    id: int = Field(primary_key=True)
    holder: str
    until: datetime = Field(sa_type=sa.DateTime)


class LinkerPositionRow(Journeys, table=True):
    """How far the linker has read a log: to `mark`, or the history before it up to the serial `history`.

    `anew`: that history is judged although it was before.
    """

    __tablename__ = "linker_position"  # pyright: ignore[reportAssignmentType]

    log: str = Field(primary_key=True)
    mark: str
    history: int | None = Field(default=None, sa_type=sa.BigInteger)
    anew: bool = False


JOURNEY = table_of(JourneyRow)
ENTRY = table_of(JourneyEntryRow)
CHANNEL = table_of(JourneyChannelRow)
HANDOVER = table_of(HandoverRow)
NEWS = table_of(JourneyNewsRow)
LINKER = table_of(LinkerRow)
LINKER_POSITION = table_of(LinkerPositionRow)

_journey, _entry, _channel, _handover = JOURNEY.c, ENTRY.c, CHANNEL.c, HANDOVER.c

sa.Index("journey_active", _journey.last_active_at, _journey.id)
sa.Index("journey_closing", _journey.state, _journey.closes_at)
sa.Index("journey_citizen", _journey.citizen_key, _journey.last_active_at, _journey.id)
sa.Index("journey_entry_journey", _entry.journey_id, _entry.kind, _entry.at, _entry.position)
sa.Index("journey_channel_code", _channel.code, _channel.journey_id)
sa.Index("handover_journey", _handover.journey_id, _handover.at, _handover.id)


def journeys(database: Database, sealer: Sealer) -> SqlCollection[Journey, JourneyFilter]:
    """Journeys by id, last active first; of a contact or report (its key there) and of a citizen (BSN)."""
    return SqlCollection(
        database,
        rows=JOURNEY,
        columns=list(_journey),
        key=_journey.id,
        order=[_journey.last_active_at, _journey.id],
        descending=True,
        read=_READ_JOURNEY,
        visible=_visible,
        own=_own_with(sealer),
        written=naive_utc,
        narrow=_narrow,
        links={
            "contact": Link(_entry.key, via=(ENTRY, _entry_of(EntryKind.CONTACT))),
            "report": Link(_entry.key, via=(ENTRY, _entry_of(EntryKind.REPORT))),
            "citizen": Link(_journey.citizen_key, forms=lambda bsn: citizen_keys(sealer, str(bsn))),
        },
        parts={
            "Journey.citizen_key": [_journey.citizen_key],
            "Journey.closed_at": [_journey.closed_at],
            "Journey.closes_at": [_journey.closes_at],
        },
    )


def journey_entries(database: Database, sealer: Sealer) -> SqlCollection[JourneyEntry, EntryFilter]:
    """Entries by position, newest first by (at, position); of a journey (id), of what they point at (its key)."""
    return SqlCollection(
        database,
        rows=ENTRY.join(JOURNEY, _entry.journey_id == _journey.id),
        columns=list(_entry),
        key=_entry.position,
        order=[_entry.at, _entry.position],
        descending=True,
        read=_READ_ENTRY,
        visible=_visible,
        own=_own_with(sealer),
        written=naive_utc,
        narrow=lambda wanted: [_entry.kind.in_(wanted.kinds)],
        links={"journey": Link(_entry.journey_id), "key": Link(_entry.key)},
    )


def journey_log(database: Database) -> SqlLog[JourneyNews]:
    """What happened on journeys, in the order in which it was told."""
    return SqlLog(
        database,
        rows=NEWS,
        columns=list(NEWS.c),
        serial=NEWS.c.position,
        read=_READ_NEWS,
        subject=NEWS.c.journey_id,
    )


def journey_channels(database: Database, sealer: Sealer) -> SqlCollection[str, None]:
    """The codes of the channels that a journey (id) has passed, in order of first use."""
    return SqlCollection(
        database,
        rows=CHANNEL.join(JOURNEY, _channel.journey_id == _journey.id),
        columns=[_channel.code],
        key=_channel.ordinal,
        order=[_channel.ordinal],
        read=_READ_CODE,
        visible=_visible,
        own=_own_with(sealer),
        written=naive_utc,
        links={"journey": Link(_channel.journey_id)},
    )


def handovers(database: Database, sealer: Sealer) -> SqlCollection[Handover, None]:
    """Handovers by id, oldest first; of a journey (id)."""
    return SqlCollection(
        database,
        rows=HANDOVER.join(JOURNEY, _handover.journey_id == _journey.id),
        columns=list(_handover),
        key=_handover.id,
        order=[_handover.at, _handover.id],
        read=_READ_HANDOVER,
        visible=_visible,
        own=_own_with(sealer),
        written=naive_utc,
        links={"journey": Link(_handover.journey_id)},
    )


def _entry_of(kind: EntryKind) -> Condition:
    return sa.and_(_entry.journey_id == _journey.id, _entry.kind == kind.value)


def _visible(scope: Scope, own: Own) -> Condition:
    return sa.true() if scope.everyone else _journey.citizen_key.in_(own)


def _own_with(sealer: Sealer) -> Callable[[str], Sequence[str]]:
    """A citizen service number as the journey database may hold it."""
    return lambda bsn: citizen_keys(sealer, bsn)


def _narrow(wanted: JourneyFilter) -> Sequence[Condition]:
    conditions: list[Condition] = []
    if wanted.state is not None:
        conditions.append(_journey.state.in_([state.value for state in wanted.state]))
    if wanted.channel is not None:
        passed = sa.select(_channel.journey_id).where(_channel.code.in_(wanted.channel))
        conditions.append(_journey.id.in_(passed))
    if wanted.since is not None:
        conditions.append(_journey.last_active_at >= bound(naive_utc(wanted.since)))
    if wanted.until is not None:
        conditions.append(_journey.last_active_at < bound(naive_utc(wanted.until)))
    return conditions


def naive_utc(instant: datetime) -> datetime:
    """How this database keeps an instant."""
    return instant.astimezone(UTC).replace(tzinfo=None)


class _Journey(Row):
    id: int
    citizen_key: str | None
    state: str
    opened_at: Written
    last_active_at: Written
    closed_at: Written | None
    closes_at: Written | None


def _journey_of(row: _Journey) -> Journey:
    return Journey(
        key=row.id,
        state=meaning(row.state, STATES, "state"),
        opened_at=utc_instant(row.opened_at, "opened_at"),
        last_active_at=utc_instant(row.last_active_at, "last_active_at"),
        closed_at=None if row.closed_at is None else utc_instant(row.closed_at, "closed_at"),
        citizen_key=row.citizen_key,
        # A `closes_at` in year 9999 is out of range, from a contact with a mistaken date; it is treated as unset.
        closes_at=None
        if row.closes_at is None or row.closes_at.year >= 9999
        else utc_instant(row.closes_at, "closes_at"),
    )


class _Entry(Row):
    position: int
    journey_id: int
    kind: str
    key: str
    at: Written


def _entry_of_row(row: _Entry) -> JourneyEntry:
    return JourneyEntry(
        key=row.position,
        journey_key=row.journey_id,
        kind=meaning(row.kind, KINDS, "kind"),
        entry_key=row.key,
        at=utc_instant(row.at, "at"),
    )


class _News(Row):
    position: int
    journey_id: int
    kind: str
    key: int


def _news_of(row: _News) -> JourneyNews:
    return JourneyNews(row.position, row.journey_id, meaning(row.kind, NEWS_KINDS, "kind"), row.key)


class _ChannelCode(Row):
    code: str


class _Handover(Row):
    id: int
    journey_id: int
    from_channel: str | None
    to_channel: str | None
    agent_key: str | None
    at: Written
    note: str | None


def _handover_of(row: _Handover) -> Handover:
    return Handover(
        key=row.id,
        journey_key=row.journey_id,
        at=utc_instant(row.at, "at"),
        from_channel=row.from_channel,
        to_channel=row.to_channel,
        agent_key=row.agent_key,
        note=row.note,
    )


_READ_JOURNEY = Reader(_Journey, _journey_of)
_READ_ENTRY = Reader(_Entry, _entry_of_row)
_READ_NEWS = Reader(_News, _news_of)
_READ_CODE = Reader(_ChannelCode, lambda row: row.code)
_READ_HANDOVER = Reader(_Handover, _handover_of)

"""The writing side of the journey database (`sources.linking.storing.JourneyStore`), on SQLite and PostgreSQL."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from types import TracebackType
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from sources.errors import SourceTimedOut, SourceUnavailable
from sources.linking.gathering import Fact
from sources.linking.matching import NEW, Changes, JourneyChange
from sources.linking.rules import StatusLine
from sources.linking.storing import LogPosition, NotTheLinker
from sources.records import EntryKind, Journey, JourneyState, NewsKind
from sources.sql.connections import FAILURES, Connections
from sources.sql.journeys import (
    CHANNEL,
    ENTRY,
    HANDOVER,
    JOURNEY,
    LINKER,
    LINKER_POSITION,
    NEWS,
    SOURCE,
    naive_utc,
)
from sources.sql.listening import WAKE_UP

Row = dict[str, Any]

WRITE_SECONDS = 60.0
"""How long the writing of one batch may take at least: of a long history, much more than any reading."""

_SLICE = 500
"""Rows that are inserted at once: what SQLAlchemy makes of thousands holds the event loop."""


class SqlJourneyStore:
    """Writes to one database. `timeout_seconds` bounds each transaction."""

    def __init__(self, url: str, *, timeout_seconds: float = 5.0) -> None:
        self._timeout_seconds = timeout_seconds
        self._connections = Connections(url, 1, busy_seconds=timeout_seconds)

    async def __aenter__(self) -> "SqlJourneyStore":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connections.close()

    async def hold(self, holder: str, now: datetime, until: datetime) -> bool:
        is_free = sa.or_(LINKER.c.holder == holder, LINKER.c.until <= naive_utc(now))
        async with self._transaction() as connection:
            taken = sa.update(LINKER).where(is_free).values(holder=holder, until=naive_utc(until))
            return (await connection.execute(taken)).rowcount == 1

    async def renew(self, holder: str, until: datetime) -> None:
        async with self._transaction() as connection:
            await connection.execute(sa.update(LINKER).where(LINKER.c.holder == holder).values(until=naive_utc(until)))

    async def release(self, holder: str, now: datetime) -> None:
        await self.renew(holder, now)

    async def positions(self) -> Mapping[str, LogPosition]:
        async with self._transaction() as connection:
            rows = (await connection.execute(sa.select(LINKER_POSITION))).mappings()
            return {row["log"]: LogPosition(row["mark"], row["history"], row["anew"]) for row in rows}

    async def placed(self, facts: Iterable[Fact]) -> set[Fact]:
        by_kind: dict[EntryKind, list[str]] = {}
        for kind, key in facts:
            by_kind.setdefault(kind, []).append(key)
        async with self._transaction() as connection:
            return {
                (kind, row[0])
                for kind, keys in by_kind.items()
                for row in await connection.execute(
                    sa.select(ENTRY.c.key).where(ENTRY.c.kind == kind.value, _among(connection, ENTRY.c.key, keys))
                )
            }

    async def write(
        self, holder: str, changes: Changes, positions: Mapping[str, LogPosition], lines: Sequence[StatusLine] = ()
    ) -> None:
        async with self._transaction(max(self._timeout_seconds, WRITE_SECONDS)) as connection:
            await _fence(connection, holder)
            await _lose(connection, changes)
            keys = await _put_journeys(connection, changes.journeys)
            gained = await _gain(connection, dict(zip(keys, changes.journeys, strict=True)))
            told = await _tell(connection, gained, [*changes.histories, *lines])
            await _remember(connection, positions)
            if told and connection.dialect.name == "postgresql":
                await connection.execute(sa.text(f"NOTIFY {WAKE_UP}"))

    async def close_quiet(self, holder: str, now: datetime) -> int:
        is_due = sa.and_(JOURNEY.c.state != JourneyState.CLOSED.value, JOURNEY.c.closes_at <= naive_utc(now))
        closed = {"state": JourneyState.CLOSED.value, "closed_at": JOURNEY.c.closes_at}
        async with self._transaction() as connection:
            await _fence(connection, holder)
            return (await connection.execute(sa.update(JOURNEY).where(is_due).values(closed))).rowcount

    async def contacts_of_nobody(self, since: datetime, after: int, limit: int) -> Sequence[tuple[int, Fact]]:
        statement = (
            sa.select(ENTRY.c.position, ENTRY.c.key)
            .join(JOURNEY, ENTRY.c.journey_id == JOURNEY.c.id)
            .where(JOURNEY.c.citizen_key.is_(None), JOURNEY.c.last_active_at >= naive_utc(since))
            .where(ENTRY.c.kind == EntryKind.CONTACT.value, ENTRY.c.position > after)
            .order_by(ENTRY.c.position)
            .limit(limit)
        )
        async with self._transaction() as connection:
            return [(position, (EntryKind.CONTACT, key)) for position, key in await connection.execute(statement)]

    @asynccontextmanager
    async def _transaction(self, seconds: float | None = None) -> AsyncGenerator[AsyncConnection]:
        seconds = self._timeout_seconds if seconds is None else seconds
        try:
            async with asyncio.timeout(seconds), self._connections.engine.begin() as connection:
                yield connection
        except TimeoutError as error:
            raise SourceTimedOut(SOURCE, seconds) from error
        except FAILURES as error:
            raise SourceUnavailable(SOURCE) from error


def _among(
    connection: AsyncConnection, column: sa.ColumnElement[Any], keys: Iterable[str | int]
) -> sa.ColumnElement[bool]:
    """Whether a column holds one of some keys, bound as one parameter: of many PostgreSQL's protocol takes 32,767."""
    if connection.dialect.name == "postgresql":
        return column == sa.any_(sa.literal(list(keys), ARRAY(column.type)))
    values = sa.func.json_each(orjson.dumps(list(keys)).decode()).table_valued("value")
    return column.in_(sa.select(values.c.value))


async def _fence(connection: AsyncConnection, holder: str) -> None:
    """Makes sure, for as long as the transaction lasts, that no other process is the linker."""
    still = sa.update(LINKER).where(LINKER.c.holder == holder).values(holder=holder)
    if (await connection.execute(still)).rowcount != 1:
        raise NotTheLinker


async def _lose(connection: AsyncConnection, changes: Changes) -> None:
    entries = [entry.key for each in changes.journeys for entry in each.lost]
    handovers = [handover.key for each in changes.journeys for handover in each.withdrawn]
    of_handovers = sa.and_(
        ENTRY.c.kind == EntryKind.HANDOVER.value, _among(connection, ENTRY.c.key, map(str, handovers))
    )
    recounted = [each.journey.key for each in changes.journeys if each.channels is not None]
    await _delete(connection, ENTRY, ENTRY.c.position, entries)
    if handovers:
        await connection.execute(sa.delete(ENTRY).where(of_handovers))
    await _delete(connection, HANDOVER, HANDOVER.c.id, handovers)
    await _delete(connection, CHANNEL, CHANNEL.c.journey_id, recounted)
    for table in (ENTRY, CHANNEL, HANDOVER):
        await _delete(connection, table, table.c.journey_id, changes.retired)
    await _delete(connection, JOURNEY, JOURNEY.c.id, changes.retired)


async def _delete(
    connection: AsyncConnection, table: "sa.Table[Any]", column: sa.ColumnElement[int], keys: Sequence[int]
) -> None:
    if keys:
        await connection.execute(sa.delete(table).where(_among(connection, column, keys)))


async def _put_journeys(connection: AsyncConnection, changes: Sequence[JourneyChange]) -> list[int]:
    """Writes the journeys' own rows; the key of each, in order."""
    new = [_row(each.journey) for each in changes if each.journey.key == NEW]
    known = [{"_id": each.journey.key, **_row(each.journey)} for each in changes if each.journey.key != NEW]
    if known:
        await connection.execute(sa.update(JOURNEY).where(JOURNEY.c.id == sa.bindparam("_id")), known)
    made = iter(await _inserted(connection, JOURNEY, JOURNEY.c.id, new))
    return [next(made) if each.journey.key == NEW else each.journey.key for each in changes]


async def _gain(connection: AsyncConnection, changes: Mapping[int, JourneyChange]) -> Sequence[Row]:
    """Adds what journeys gain; the new entries."""
    passed = [(key, passage) for key, each in changes.items() for passage in each.passed]
    rows: list[Row] = [
        {
            "journey_id": key,
            "from_channel": passage.from_channel,
            "to_channel": passage.to_channel,
            "agent_key": passage.agent,
            "at": naive_utc(passage.at),
        }
        for key, passage in passed
    ]
    handovers = await _inserted(connection, HANDOVER, HANDOVER.c.id, rows)
    handed = [
        _entry(journey, EntryKind.HANDOVER, str(handover), passage.at)
        for handover, (journey, passage) in zip(handovers, passed, strict=True)
    ]
    entries = await asyncio.to_thread(_entries, handed, changes)
    channels: list[Row] = [
        {"journey_id": journey, "ordinal": ordinal, "code": code}
        for journey, each in changes.items()
        for ordinal, code in enumerate(each.channels or ())
    ]
    await _insert(connection, ENTRY, entries)
    await _insert(connection, CHANNEL, channels)
    return entries


def _entries(handed: Sequence[Row], changes: Mapping[int, JourneyChange]) -> Sequence[Row]:
    """The handovers' entries and all that journeys gain, in the order of time."""
    gained = (_entry(journey, *fact, at) for journey, each in changes.items() for fact, at in each.gained)
    return sorted([*handed, *gained], key=_in_time)


async def _tell(connection: AsyncConnection, entries: Sequence[Row], lines: Sequence[StatusLine]) -> int:
    """Adds the news of new entries and of reports' lines, in the order of time; how much of it is new."""
    journeys = await _journeys_of_reports(connection, {line.report for line in lines})
    told = await asyncio.to_thread(_told, entries, lines, journeys)
    same_keys = _among(connection, NEWS.c.key, {row["key"] for row in told.values()})
    known = await connection.execute(sa.select(NEWS.c.journey_id, NEWS.c.kind, NEWS.c.key).where(same_keys))
    before = {tuple(row) for row in known}
    rows = [{name: row[name] for name in _NEWS_COLUMNS} for which, row in told.items() if which not in before]
    await _insert(connection, NEWS, rows)
    return len(rows)


def _told(
    entries: Sequence[Row], lines: Sequence[StatusLine], journeys: Mapping[str, int]
) -> Mapping[tuple[int, str, int], Row]:
    """The news of entries and of reports' lines in the order of time, by what makes each the same as one before."""
    told = [
        _news(entry["at"], entry["journey_id"], NewsKind(entry["kind"]), int(entry["key"]))
        for entry in entries
        if entry["kind"] != EntryKind.REPORT.value
    ]
    told += [
        _news(naive_utc(line.at), journeys[line.report], NewsKind.STATUS_CHANGE, line.serial)
        for line in lines
        if line.report in journeys
    ]
    return {(row["journey_id"], row["kind"], row["key"]): row for row in sorted(told, key=_in_time)}


async def _journeys_of_reports(connection: AsyncConnection, numbers: Iterable[str]) -> Mapping[str, int]:
    on = sa.select(ENTRY.c.key, ENTRY.c.journey_id)
    same_keys = _among(connection, ENTRY.c.key, numbers)
    found = await connection.execute(on.where(ENTRY.c.kind == EntryKind.REPORT.value, same_keys))
    return {row.key: row.journey_id for row in found}


async def _insert(connection: AsyncConnection, table: "sa.Table[Any]", rows: Sequence[Row]) -> None:
    for each in _slices(rows):
        await connection.execute(sa.insert(table), each)


async def _inserted(
    connection: AsyncConnection, table: "sa.Table[Any]", key: sa.ColumnElement[int], rows: Sequence[Row]
) -> Sequence[int]:
    """Inserts rows; the key that each was given, in order."""
    statement = sa.insert(table).returning(key, sort_by_parameter_order=True)
    return [made for each in _slices(rows) for made in (await connection.execute(statement, each)).scalars()]


def _slices(rows: Sequence[Row]) -> Iterable[Sequence[Row]]:
    return (rows[start : start + _SLICE] for start in range(0, len(rows), _SLICE))


async def _remember(connection: AsyncConnection, positions: Mapping[str, LogPosition]) -> None:
    if not positions:
        return
    await connection.execute(sa.delete(LINKER_POSITION).where(LINKER_POSITION.c.log.in_(list(positions))))
    rows = [{"log": name, **asdict(each)} for name, each in positions.items()]
    await connection.execute(sa.insert(LINKER_POSITION), rows)


def _row(journey: Journey) -> Row:
    return {
        "citizen_key": journey.citizen_key,
        "state": journey.state.value,
        "opened_at": naive_utc(journey.opened_at),
        "last_active_at": naive_utc(journey.last_active_at),
        "closed_at": None if journey.closed_at is None else naive_utc(journey.closed_at),
        "closes_at": None if journey.closes_at is None else naive_utc(journey.closes_at),
    }


def _entry(journey: int, kind: EntryKind, key: str, at: datetime) -> Row:
    return {"journey_id": journey, "kind": kind.value, "key": key, "at": naive_utc(at)}


def _news(at: datetime, journey: int, kind: NewsKind, key: int) -> Row:
    return {"at": at, "journey_id": journey, "kind": kind.value, "key": key}


_NEWS_COLUMNS = ("journey_id", "kind", "key")


def _in_time(row: Row) -> tuple[datetime, str]:
    """Contacts (C) before the handovers (H) that they brought, before reports (R) and their status changes (S)."""
    return row["at"], row["kind"]

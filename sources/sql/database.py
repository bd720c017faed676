"""One SQL back-end: its connections, its deadline, and the translation of its failures into ours."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from types import TracebackType
from typing import Any, cast

import sqlalchemy as sa

from sources.breaker import Breaker, Patience, Turn
from sources.deadlines import asker, seconds_left
from sources.errors import SourceTimedOut, SourceUnavailable
from sources.ports import Health, SourceFigures, WakeUps
from sources.sql.connections import (
    FAILURES,
    Connections,
    StatementFailed,
    TooManyWaiting,
    is_sign_of_life,
    is_without_answer,
)
from sources.sql.listening import Listener
from sources.sql.missing import missing, root_of
from sources.sql.statements import Bound, Statements, Values

Statement = sa.Select[*tuple[Any, ...]]
Rows = Sequence[Mapping[Any, Any]]

HEALTH_SECONDS = 2.0
"""How long a question after its health waits for a source, at most."""

_VERSION = sa.table("alembic_version", sa.column("version_num", sa.String()))
"""In which Alembic keeps the revision of our own tables."""

_LINK = "run omniloket link, or let a server link (linking.run)."
_NO_TABLES = f"It has no tables yet: {_LINK}"


@dataclass(frozen=True)
class _Sign:
    """What became of a small question. Whether an answer came is another matter than whether it was a good one."""

    health: Health
    is_answered: bool

    def ends(self, turn: Turn) -> None:
        (turn.answered if self.is_answered else turn.failed)()


class Database:
    """A database that is read, by URL (`sqlite+aiosqlite://` or `postgresql+asyncpg://`).

    `timeout_seconds` bounds each statement with the wait for a connection, for which `waiting` may wait; `serves` names
    the GraphQL types whose facts it owns; `table` is one that it must have to be in good health, `revisions` those of
    its tables, the newest first, where these are our own; `patience` tells when it is left alone for a while; `listen`,
    whether it may wake those who follow its logs.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        serves: Sequence[str] = (),
        table: sa.FromClause | None = None,
        revisions: Sequence[str] = (),
        timeout_seconds: float = 5.0,
        pool_size: int = 10,
        patience: Patience | None = None,
        listen: bool = True,
        waiting: int = 2_000,
    ) -> None:
        self.name = name
        self.serves = tuple(serves)
        self.statements_sent = 0
        self._statements_failed = 0
        self._keys_asked = 0
        self._rows_read = 0
        self._table = table
        self._revisions = revisions
        self._timeout_seconds = timeout_seconds
        self._breaker = Breaker(patience)
        self._connections = Connections(
            url, pool_size, autocommit=True, busy_seconds=timeout_seconds, most_waiting=waiting
        )
        self._checking: asyncio.Task[_Sign] | None = None
        self._judging: set[asyncio.Task[None]] = set()
        self.dialect = self._connections.engine.dialect
        self._statements = Statements(self.dialect)
        self.is_postgresql = self.dialect.name == "postgresql"
        self.wake_ups: WakeUps | None = Listener(url) if listen and self.is_postgresql else None

    async def __aenter__(self) -> "Database":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        behind: list[asyncio.Task[Any]] = [*self._judging, *([] if self._checking is None else [self._checking])]
        for task in behind:
            task.cancel()
        await asyncio.gather(*behind, return_exceptions=True)
        await self._connections.close()

    async def fetch(self, statement: Statement) -> Rows:
        """All rows of one statement, as mappings by label; as `rows` in everything else."""
        bound = self._statements.of(statement)
        return _as_mappings(bound, await self.rows(bound))

    async def rows(self, bound: Bound) -> Sequence[Values]:
        """All rows of one statement; within the source's own time, or the operation's if less.

        Raises SourceTimedOut or SourceUnavailable, with the driver's exception chained.
        """
        seconds = min(self._timeout_seconds, seconds_left())
        if seconds <= 0:
            raise SourceTimedOut(self.name, 0.0)
        turn = self._breaker.admit()
        if turn is None:
            raise SourceUnavailable(self.name)
        try:
            async with asyncio.timeout(seconds):
                rows = await self._rows(bound)
        except TimeoutError as error:
            self._too_slow(turn, is_full_time=seconds == self._timeout_seconds)
            self._statements_failed += 1
            raise SourceTimedOut(self.name, seconds) from error
        except TooManyWaiting as error:
            turn.abandoned()
            raise SourceUnavailable(self.name, f"Too many statements wait for the source '{self.name}'.") from error
        except FAILURES as error:
            (turn.failed if is_without_answer(error) else turn.answered)()
            self._statements_failed += 1
            raise SourceUnavailable(self.name) from error
        except BaseException:
            turn.abandoned()
            raise
        turn.answered()
        return rows

    def _too_slow(self, turn: Turn, *, is_full_time: bool) -> None:
        """That an operation had little time left tells nothing of the source.

        Nor that a statement asked for much, where a small one is answered: else whoever asks for much would have the
        source left alone by all.
        """
        if not is_full_time:
            turn.abandoned()
            return
        judging = asyncio.create_task(self._judge(turn), context=Context())
        self._judging.add(judging)
        judging.add_done_callback(self._judging.discard)

    async def _judge(self, turn: Turn) -> None:
        """By a small question in the same turn: that of the probe lets nobody else in until it ends."""
        (await self._shared_sign()).ends(turn)

    def as_written(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The column to select. SQLite keeps timestamps as text: read as such, a malformed one costs its row alone."""
        if isinstance(column.type, sa.DateTime) and not self.is_postgresql:
            return sa.type_coerce(column, sa.String).label(cast("Any", column).name)
        return column

    def figures(self) -> SourceFigures:
        """What it was asked since it was opened, and how its connections are used now."""
        load = self._connections.load
        return SourceFigures(
            statements_sent=self.statements_sent,
            statements_failed=self._statements_failed,
            keys_asked=self._keys_asked,
            rows_read=self._rows_read,
            busy=load.busy,
            idle=load.idle,
            waiting=load.waiting,
            is_resting=self._breaker.is_open,
        )

    async def health(self) -> Health:
        """Whether a small statement is answered, and how fast. Those who ask at the same time share the answer."""
        if self._is_checking:
            return (await self._shared_sign()).health
        turn = self._breaker.admit()
        if turn is None:
            return self._away(SourceUnavailable(self.name))
        try:
            sign = await self._shared_sign()
        except BaseException:
            turn.abandoned()
            raise
        sign.ends(turn)
        return sign.health

    @property
    def _is_checking(self) -> bool:
        return self._checking is not None and not self._checking.done()

    async def _shared_sign(self) -> _Sign:
        if self._checking is None or self._checking.done():
            # In a context of its own: it is not for whoever happens to be the first to ask.
            self._checking = asyncio.create_task(self._sign(), context=Context())
        return await asyncio.shield(self._checking)

    async def _sign(self) -> _Sign:
        """Asks, also a source that is left alone: who wants to know has a turn."""
        started = time.perf_counter()
        try:
            rows = await self._small(self._statements.of(self._sign_of_life()))
        except SourceUnavailable as error:
            self._statements_failed += 1
            return _Sign(self._away(error), error.__cause__ is not None and is_sign_of_life(error.__cause__))
        outdated = self._outdated(rows) if self._revisions else None
        if outdated is not None:
            return _Sign(Health(self.name, available=False, latency_ms=None, reason=outdated), is_answered=True)
        latency_ms = (time.perf_counter() - started) * 1000
        return _Sign(Health(self.name, available=True, latency_ms=latency_ms), is_answered=True)

    async def _small(self, bound: Bound) -> Rows:
        """A question that waits for nobody's connection: how busy these are tells nothing of the source."""
        seconds = min(HEALTH_SECONDS, self._timeout_seconds)
        try:
            async with asyncio.timeout(seconds):
                if self._connections.has_room:
                    return _as_mappings(bound, await self._rows(bound))
                return _as_mappings(bound, await self._connections.rows_beside(bound, self._one_is_sent))
        except TimeoutError as error:
            raise SourceTimedOut(self.name, seconds) from error
        except FAILURES as error:
            raise SourceUnavailable(self.name) from error

    def _one_is_sent(self) -> None:
        self.statements_sent += 1

    def _away(self, error: SourceUnavailable) -> Health:
        return Health(self.name, available=False, latency_ms=None, reason=self._reason(error))

    def _sign_of_life(self) -> Statement:
        one = sa.select(sa.literal(1))
        if self._table is None:
            return one
        if self._revisions:
            return sa.select(_VERSION.c.version_num, sa.exists(one.select_from(self._table)).label("there"))
        return one.select_from(self._table).limit(1)

    def _outdated(self, rows: Rows) -> str | None:
        """What is to be done about older tables. Newer ones than are known here come with the next version's servers.

        They are no reason to take this one out of service.
        """
        found = rows[0]["version_num"] if rows else None
        if found == self._revisions[0] or (found is not None and found not in self._revisions):
            return None
        if found is None:
            return _NO_TABLES
        return f"Its tables are of revision {found}, not {self._revisions[0]}: {_LINK}"

    def _reason(self, error: SourceUnavailable) -> str:
        cause = root_of(error)
        name = missing(cause)
        if name == _VERSION.name and self._revisions:
            return _NO_TABLES
        if name is not None:
            return f"{error} It has no {name}."
        if isinstance(cause, FileNotFoundError) and not self.is_postgresql:
            return f"{error} There is no file {cause}."
        return str(error) if cause is error else f"{error} ({type(cause).__name__})"

    async def _rows(self, bound: Bound) -> Sequence[Values]:
        held = await self._connections.take(asker())
        self.statements_sent += 1
        self._keys_asked += bound.keys
        try:
            rows = await held.rows(bound)
        except StatementFailed:
            self._connections.give_back(held)
            raise
        except BaseException:
            self._connections.drop(held)
            raise
        self._connections.give_back(held)
        self._rows_read += len(rows)
        return rows


def _as_mappings(bound: Bound, rows: Sequence[Values]) -> Rows:
    return [dict(zip(bound.columns, row, strict=True)) for row in rows]

"""The connections to one database: made when needed, and closed in bounded time whatever state the server is in."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, cast
from weakref import WeakSet

import asyncpg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sources.shares import Shares
from sources.sql.missing import root_of
from sources.sql.statements import Bound, Values
from sources.sql.timestamps import read_all_timestamps


class StatementFailed(Exception):
    """A statement was not answered, or with an error; the driver's exception is the cause."""

    def __init__(self, *, is_without_answer: bool) -> None:
        super().__init__("the statement failed")
        self.is_without_answer = is_without_answer


FAILURES = (StatementFailed, DBAPIError, PoolTimeout, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What tells that a database does not answer, or answers with an error."""

CLOSE_SECONDS = 1.0
"""How long a server may take to acknowledge that its connections close."""

_NO_ANSWER = (TimeoutError, PoolTimeout, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


_ALL_VALUES = itemgetter(slice(None))
"""A tuple of what an asyncpg.Record holds, in less than half the time that `tuple` takes."""


def is_without_answer(error: BaseException) -> bool:
    """Whether a failure means that the database did not answer; the other ones are answers, of a kind.

    The driver's own exceptions come from making a connection: those of a statement arrive as DBAPIError, and for a
    connection that SQLAlchemy makes by itself so does that of a server which only starts.
    """
    if isinstance(error, StatementFailed):
        return error.is_without_answer
    if isinstance(error, DBAPIError):
        return bool(error.connection_invalidated) or isinstance(root_of(error), asyncpg.CannotConnectNowError)
    return isinstance(error, _NO_ANSWER)


def is_sign_of_life(error: BaseException) -> bool:
    """Whether a failure tells that the database answers: also one that says that it has no room for a connection."""
    return isinstance(error, asyncpg.TooManyConnectionsError) or not is_without_answer(error)


class Held:
    """A connection that goes from one statement to the next, without a way through SQLAlchemy's pool in between."""

    __slots__ = ("_driver", "_has_failed", "_is_sqlite", "asker", "connection")

    def __init__(self, connection: AsyncConnection, driver: Any) -> None:
        self.connection = connection
        self.asker: Hashable | None = None
        self._driver = driver
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._has_failed = False

    @property
    def is_cut(self) -> bool:
        """Whether the server is known to have closed it."""
        return not self._is_sqlite and self._driver.is_closed()

    @property
    def is_spent(self) -> bool:
        """Whether it is good for nothing any more.

        On SQLite rows that could not be read to their end keep the connection in the past, until they are collected.
        """
        return self._has_failed if self._is_sqlite else self.is_cut

    async def rows(self, bound: Bound) -> Sequence[Values]:
        """All rows of a statement, from the driver itself. Raises StatementFailed for what the driver raises."""
        try:
            if self._is_sqlite:
                return await self._of_sqlite(bound)
            return list(map(_ALL_VALUES, await self._driver.fetch(bound.text, *bound.values)))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, sqlite3.Error) as error:
            self._has_failed = True
            raise StatementFailed(is_without_answer=self.is_cut) from error

    async def _of_sqlite(self, bound: Bound) -> Sequence[Values]:
        """In one go to the driver's thread and back."""
        try:
            return await self._driver.execute_fetchall(bound.text, bound.values)
        except sqlite3.OperationalError as error:
            if "decode" not in str(error):
                raise
        self._has_failed = True
        self._driver.text_factory = _text
        return await self._driver.execute_fetchall(bound.text, bound.values)


class TooManyWaiting(Exception):
    """As many wait for a connection as may."""


@dataclass(frozen=True)
class Load:
    """Connections that are in use, or on their way in or out; those that are idle; and who waits for one."""

    busy: int
    idle: int
    waiting: int


class Connections:
    """At most `size` connections, none of which is handed out after the server has cut it, or its file is another.

    And one more for a moment, for a question that must not wait for others (`rows_beside`).
    """

    def __init__(
        self, url: str, size: int, *, autocommit: bool = False, busy_seconds: float = 5.0, most_waiting: int = 2_000
    ) -> None:
        options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"} if autocommit else {}
        is_sqlite = sa.make_url(url).get_backend_name() == "sqlite"
        if is_sqlite:
            options["connect_args"] = {"timeout": busy_seconds}
        self.engine: AsyncEngine = create_async_engine(url, pool_size=size, max_overflow=1, **options)
        self._file = Path(self.engine.url.database or "") if is_sqlite else None
        self._open: WeakSet[Any] = WeakSet()
        self._size = self._free_places = size
        self._most_waiting = most_waiting
        self._idle: list[Held] = []
        self._waiting: deque[asyncio.Future[Held | None]] = deque()
        self._shares = Shares(size, most_waiting)
        self._one_more = asyncio.Lock()
        self._behind: set[asyncio.Task[Any]] = set()
        if self._file is None:
            event.listen(self.engine.sync_engine, "connect", self._remember)
            event.listen(self.engine.sync_engine, "checkout", _check_connection)
        else:
            event.listen(self.engine.sync_engine, "do_connect", partial(_check_file, self._file))
            event.listen(self.engine.sync_engine, "connect", partial(_remember_file, self._file))
            event.listen(self.engine.sync_engine, "checkout", partial(_check_same_file, self._file))

    @property
    def load(self) -> Load:
        idle = len(self._idle)
        return Load(self._size - self._free_places - idle, idle, len(self._waiting) + self._shares.waiting)

    @property
    def has_room(self) -> bool:
        """Whether nobody in particular has a connection without waiting for another's."""
        return self._free_places > 0 or any(map(self._is_usable, self._idle))

    async def rows_beside(self, bound: Bound, on_sending: Callable[[], None]) -> Sequence[Values]:
        """All rows of a statement, on a connection that is made for it, one more than `size`, and closed afterwards.

        There is one of these at a time, until it has been closed, so that nothing piles up at a server that is stuck.
        """
        asking = asyncio.create_task(self._ask_beside(bound, on_sending))
        self._behind.add(asking)
        asking.add_done_callback(self._is_over)
        try:
            await asyncio.wait([asking])
        except asyncio.CancelledError:
            asking.cancel()
            raise
        return asking.result()

    async def take(self, asker: Hashable | None = None) -> Held:
        """A connection that nobody else has, until it is given back or dropped. Those who wait have it in turn.

        `asker`: on whose behalf; nobody has all of them, and who waits for one of its own takes no place from those who
        wait for anybody's. Raises TooManyWaiting.
        """
        if not self._shares.took(asker):
            if not self._shares.has_room(asker):
                raise TooManyWaiting
            await self._shares.turn(cast("Hashable", asker))
        try:
            held = await self._free()
        except BaseException:
            self._shares.give_back(asker)
            raise
        held.asker = asker
        return held

    async def _free(self) -> Held:
        while self._idle:
            held = self._idle.pop()
            if self._is_usable(held):
                return held
            self.drop(held)
        if self._free_places == 0:
            given = await self._turn()
            if given is not None:
                return given
        else:
            self._free_places -= 1
        return await self._connected()

    def give_back(self, held: Held) -> None:
        """After an answer, or an error that is one."""
        asker, held.asker = held.asker, None
        self._shares.give_back(asker)
        if not self._is_usable(held):
            self.drop(held)
        elif not self._next(held):
            self._idle.append(held)

    def drop(self, held: Held) -> None:
        """After which it is not known whether a statement still runs on it.

        To cancel that has to be told to the server over yet another connection, and may hang as well: it goes on
        behind. The connection keeps its place meanwhile, and counts for who asked, so that nothing piles up.
        """
        closing = asyncio.create_task(_closed(held))
        closing.add_done_callback(partial(self._is_gone, held.asker))
        self._go_on_behind(closing)

    async def close(self) -> None:
        """Closes them all at once. A server that does not acknowledge it in time is not waited for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.gather(*(each.close() for each in self._open), return_exceptions=True)
        for each in tuple(self._open):
            each.terminate()
        for task in self._behind if self._file is None else ():
            task.cancel()
        await asyncio.gather(*self._behind, *map(_closed, self._idle), return_exceptions=True)
        await self.engine.dispose()

    async def _turn(self) -> Held | None:
        """Waits for somebody's connection; None is a place for one."""
        if len(self._waiting) >= self._most_waiting:
            raise TooManyWaiting
        given: asyncio.Future[Held | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(given)
        try:
            return await given
        except asyncio.CancelledError:
            if given.done() and not given.cancelled():
                self._pass_on(given.result())
            elif given in self._waiting:
                self._waiting.remove(given)
            raise

    async def _connected(self) -> Held:
        task = asyncio.create_task(self._connect())
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.cancel()
            self._go_on_behind(task)
            raise
        if task.exception() is not None:
            self._pass_on(None)
        return task.result()

    async def _connect(self) -> Held:
        connection = await self.engine.connect()
        return Held(connection, (await connection.get_raw_connection()).driver_connection)

    async def _ask_beside(self, bound: Bound, on_sending: Callable[[], None]) -> Sequence[Values]:
        async with self._one_more:
            held = await self._connect()
            try:
                on_sending()
                return await held.rows(bound)
            finally:
                await _closed(held)

    def _is_gone(self, asker: Hashable | None, _closing: object) -> None:
        self._shares.give_back(asker)

    def _go_on_behind(self, task: asyncio.Task[Any]) -> None:
        self._behind.add(task)
        task.add_done_callback(self._place_is_free)

    def _place_is_free(self, task: asyncio.Task[Any]) -> None:
        self._pass_on(self._is_over(task))

    def _is_over(self, task: asyncio.Task[Any]) -> Any:
        """What the task gave. Also takes its exception, in which nobody is interested any more."""
        self._behind.discard(task)
        return None if task.cancelled() or task.exception() else task.result()

    def _pass_on(self, held: Held | None) -> None:
        if held is not None:
            self.give_back(held)
        elif not self._next(None):
            self._free_places += 1

    def _next(self, held: Held | None) -> bool:
        """Whether somebody waited for a connection, or for a place."""
        while self._waiting:
            given = self._waiting.popleft()
            if not given.done():
                given.set_result(held)
                return True
        return False

    def _is_usable(self, held: Held) -> bool:
        return not held.is_spent and (self._file is None or held.connection.info["file"] == _identity(self._file))

    def _remember(self, connection: Any, _record: object) -> None:
        self._open.add(connection.driver_connection)
        connection.run_async(read_all_timestamps)


async def _closed(held: Held) -> None:
    with suppress(Exception):
        await held.connection.invalidate()
    await held.connection.close()


def _text(stored: bytes) -> str | bytes:
    """A text that is none in UTF-8 stays bytes, which no column is to have: it costs its own row."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored


def _check_connection(connection: Any, *_: object) -> None:
    """A connection that the server has cut meanwhile is replaced, before a statement fails on it."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _check_file(file: Path, *_: object) -> None:
    """A file that is not there is a source that does not answer; SQLite would make an empty one."""
    if not file.is_file():
        raise FileNotFoundError(file)


def _remember_file(file: Path, _connection: object, record: Any) -> None:
    record.info["file"] = _identity(file)


def _check_same_file(file: Path, _connection: object, record: Any, *_: object) -> None:
    """A connection to a file that was removed or replaced would go on reading the old one."""
    if record.info["file"] != _identity(file):
        raise DisconnectionError


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino

"""The order of a log on PostgreSQL: one that never changes, whatever its writers do, and what a mark in it is worth."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from sources.errors import MarkExpired
from sources.ports import Log, Mark
from sources.sql.database import Database
from sources.sql.log import SqlLog
from sources.sql.reading import Reader, Row
from sources.sql.transaction_order import NEAR
from support.postgres import execute, plain
from support.unruly_writers import UnrulyWriters

TABLE = sa.Table("log", sa.MetaData(), sa.Column("id", sa.BigInteger, primary_key=True), sa.Column("word", sa.Text))
INSERT = "INSERT INTO log (word) VALUES ('a word') RETURNING id"


class Line(Row):
    word: str
    id: int


SERIAL = Reader(Line, lambda line: line.id)

Connect = Callable[[], Any]


def log_of(database: Database, table: "sa.Table" = TABLE) -> SqlLog[int]:
    columns = [table.c.word, table.c.id]
    return SqlLog(database, rows=table, columns=columns, serial=table.c.id, read=SERIAL, subject=table.c.word)


@pytest.fixture
async def url(postgres: str) -> str:
    """A database with an empty log, in which each session takes ten serials at a time."""
    await execute(postgres, "DROP DATABASE IF EXISTS omniloket_order WITH (FORCE)")
    await execute(postgres, "CREATE DATABASE omniloket_order")
    address = postgres.replace("/postgres?", "/omniloket_order?").replace("postgresql://", "postgresql+asyncpg://")
    await execute(address, "CREATE SEQUENCE serials CACHE 10")
    await execute(address, "CREATE TABLE log (id bigint PRIMARY KEY DEFAULT nextval('serials'), word text)")
    return address


@pytest.fixture
async def log(url: str) -> AsyncIterator[SqlLog[int]]:
    async with Database("register", url) as database:
        yield log_of(database)


@pytest.fixture
async def connect(url: str) -> AsyncIterator[Connect]:
    async with AsyncExitStack() as closing:

        async def connected() -> Any:
            connection = await asyncpg.connect(plain(url))
            closing.push_async_callback(connection.close)
            return connection

        yield connected


async def read(log: Log[int], mark: Mark, *, whole: bool = False) -> tuple[list[int], Mark]:
    """Everything that a log gives after a mark, and the mark after that."""
    met: list[int] = []
    while True:
        reading = await log.changes(mark, 7, whole=whole)
        met += [change.serial for change in reading.changes]
        mark = reading.mark
        if not reading.more:
            return met, mark


async def replayed(log: Log[int], after: Mark, until: Mark) -> list[int]:
    return [change.serial async for page in log.between(after, until) for change in page]


class Reader:
    """Follows a log while it is written, and takes the mark of every row. Each `whole` looks, at the whole of it."""

    def __init__(self, log: Log[int], whole: int = 1000) -> None:
        self.log = log
        self._whole = whole
        self.met: list[int] = []
        self.marks: list[Mark] = []

    async def begin(self) -> None:
        self.marks.append(await self.log.end())

    async def follow(self, until: asyncio.Event, pause: float) -> None:
        looks = 0
        while not until.is_set():
            looks += 1
            await self.look(whole=looks % self._whole == 0)
            await asyncio.sleep(pause)
        await self.look(whole=True)

    async def look(self, *, whole: bool) -> None:
        reading = await self.log.changes(self.marks[-1], 50, whole=whole)
        while True:
            for change in reading.changes:
                self.met.append(change.serial)
                self.marks.append(change.mark)
            self.marks[-1] = reading.mark
            if not reading.more:
                return
            reading = await self.log.changes(reading.mark, 50, whole=whole)


class SerialReader:
    """Follows a log as it is often done: whatever has a higher serial than the last row."""

    def __init__(self) -> None:
        self.met: list[int] = []

    async def follow(self, connection: Any, until: asyncio.Event, pause: float) -> None:
        while not until.is_set():
            last = self.met[-1] if self.met else 0
            self.met += [
                row["id"] for row in await connection.fetch("SELECT id FROM log WHERE id > $1 ORDER BY id", last)
            ]
            await asyncio.sleep(pause)


async def test_under_unruly_writers_every_reader_meets_every_row_once_and_in_one_order(
    url: str, connect: Connect
) -> None:
    writers = UnrulyWriters(url, INSERT, rows=1500, seed=7)
    done = asyncio.Event()
    async with AsyncExitStack() as closing:
        readers = [Reader(log_of(await closing.enter_async_context(Database("register", url)))) for _ in range(3)]
        for reader in readers:
            await reader.begin()
        by_serial = SerialReader()
        following = [
            asyncio.create_task(reader.follow(done, pause))
            for reader, pause in zip(readers, (0, 0.02, 0.1), strict=True)
        ]
        following.append(asyncio.create_task(by_serial.follow(await connect(), done, 0.02)))
        await writers.run()
        done.set()
        await asyncio.gather(*following)
        # What a reader of serials loses; the order that follows is not for nothing.
        assert len(writers.kept - set(by_serial.met)) > 100
        for reader in readers:
            assert len(reader.met) == len(set(reader.met))
            assert set(reader.met) == writers.kept
            assert reader.met == readers[0].met
        first = readers[0]
        for place in range(0, len(first.met), 97):
            for reader in readers:
                assert await replayed(reader.log, first.marks[place], first.marks[-1]) == first.met[place:]


async def test_whoever_resumes_gets_what_is_missing_also_where_serials_were_taken_long_before(url: str) -> None:
    """Each from a mark of one reader to a mark of another: what the other had met, without what the one had."""
    await execute(url, "CREATE SEQUENCE taken_before")
    await execute(url, "ALTER SEQUENCE serials RESTART 100001")
    serial = "CASE WHEN random() < 0.1 THEN nextval('taken_before') ELSE nextval('serials') END"
    writers = UnrulyWriters(url, f"INSERT INTO log VALUES ({serial}, 'a word') RETURNING id", rows=600, seed=3)
    done, random = asyncio.Event(), Random(5)
    async with AsyncExitStack() as closing:
        readers = [
            Reader(log_of(await closing.enter_async_context(Database("register", url))), every)
            for every in (3, 7, 1000)
        ]
        await execute(url, INSERT)
        for reader in readers:
            await reader.begin()
        following = [asyncio.create_task(reader.follow(done, 0.02)) for reader in readers]
        await writers.run()
        done.set()
        await asyncio.gather(*following)
        for reader in readers:
            assert len(reader.met) == len(set(reader.met))
            assert set(reader.met) == writers.kept
        assert [reader.met for reader in readers] != [readers[0].met] * len(readers)
        compared = 0
        for _ in range(400):
            one, other = random.choice(readers), random.choice(readers)
            here, there = random.randrange(len(one.marks)), random.randrange(len(other.marks))
            if not await other.log.covers(other.marks[there], one.marks[here]):
                continue
            compared += 1
            missing = await replayed(other.log, one.marks[here], other.marks[there])
            assert len(missing) == len(set(missing))
            assert set(missing) == set(other.met[:there]) - set(one.met[:here])
        assert compared > 50


async def test_a_row_that_commits_late_comes_at_its_place_and_not_after_it(log: SqlLog[int], connect: Connect) -> None:
    slow, quick, start = await connect(), await connect(), await log.end()
    await slow.execute("BEGIN")
    early = await slow.fetchval(INSERT)
    late = await quick.fetchval(INSERT)
    assert (await read(log, start))[0] == []
    await slow.execute("COMMIT")
    assert (await read(log, start))[0] == [early, late]


async def test_what_is_missed_of_one_subject_is_all_of_it_in_order(log: SqlLog[int], connect: Connect) -> None:
    begin = await log.end()
    first, second = await connect(), await connect()
    insert = "INSERT INTO log (word) VALUES ($1) RETURNING id"
    await first.execute("BEGIN")
    late = [await first.fetchval(insert, word) for word in ("a", "b", "a")]
    soon = [await second.fetchval(insert, word) for word in ("a", "c")]
    await first.execute("COMMIT")
    end = await log.end()
    assert await replayed(log, begin, end) == [*late, *soon]
    pages = [page async for page in log.between(begin, end, "a")]
    found = [change for page in pages for change in page]
    assert [change.serial for change in found] == [late[0], late[2], soon[0]]
    for at, change in enumerate(found):
        rest = [each.serial async for page in log.between(change.mark, end, "a") for each in page]
        assert rest == [each.serial for each in found[at + 1 :]]


async def test_a_row_of_a_savepoint_waits_for_its_transaction(log: SqlLog[int], connect: Connect) -> None:
    slow, quick, start = await connect(), await connect(), await log.end()
    await slow.execute("BEGIN")
    early = await slow.fetchval(INSERT)
    between = await quick.fetchval(INSERT)
    await slow.execute("SAVEPOINT one")
    late = await slow.fetchval(INSERT)
    await slow.execute("RELEASE one")
    last = await quick.fetchval(INSERT)
    assert (await read(log, start))[0] == []
    await slow.execute("COMMIT")
    assert (await read(log, start))[0] == [early, between, late, last]


async def test_a_prepared_transaction_is_waited_for(log: SqlLog[int], connect: Connect) -> None:
    slow, quick, start = await connect(), await connect(), await log.end()
    await slow.execute("BEGIN")
    early = await slow.fetchval(INSERT)
    await slow.execute("PREPARE TRANSACTION 'order'")
    late = await quick.fetchval(INSERT)
    assert (await read(log, start))[0] == []
    held_back = await log.held_back()
    assert held_back is not None
    assert (held_back.pid, held_back.seconds is not None) == (None, True)
    await quick.execute("COMMIT PREPARED 'order'")
    assert (await read(log, start))[0] == [early, late]


async def test_however_much_a_transaction_holds_back_it_comes_in_order_when_it_ends(
    log: SqlLog[int], connect: Connect
) -> None:
    """More than the rows that each reading looks through, to one who followed, and to one who came meanwhile."""
    slow, quick, start = await connect(), await connect(), await log.end()
    first = await quick.fetchval(INSERT)
    await slow.execute("BEGIN")
    early = await slow.fetchval(INSERT)
    between = [await quick.fetchval(INSERT) for _ in range(3)]
    await quick.execute(f"INSERT INTO log SELECT n, 'a word' FROM generate_series(100, {100 + 2 * NEAR}) AS n")
    newest = [*range(100, 101 + 2 * NEAR)]
    met, followed = await read(log, start, whole=True)
    came = await log.end()
    assert met == [first]
    await slow.execute("COMMIT")
    for mark in (followed, came):
        assert (await read(log, mark))[0] == [early, *between, *newest]
        assert (await read(log, mark, whole=True))[0] == [early, *between, *newest]


async def test_what_holds_a_log_back_is_told_with_its_process(log: SqlLog[int], connect: Connect) -> None:
    assert await log.held_back() is None
    slow = await connect()
    await slow.execute("BEGIN")
    await slow.fetchval(INSERT)
    held_back = await log.held_back()
    assert held_back is not None
    assert held_back.pid == slow.get_server_pid()
    assert 0 <= (held_back.seconds or -1) < 60


async def test_a_transaction_in_another_database_delays_nothing(
    log: SqlLog[int], connect: Connect, postgres: str
) -> None:
    elsewhere = await asyncpg.connect(plain(postgres))
    try:
        await elsewhere.execute("BEGIN")
        await elsewhere.execute("CREATE TABLE never (id int)")
        here, start = await connect(), await log.end()
        serial = await here.fetchval(INSERT)
        assert (await read(log, start))[0] == [serial]
    finally:
        await elsewhere.close()


async def test_a_mark_whose_row_is_being_changed_is_still_covered(log: SqlLog[int], connect: Connect) -> None:
    here, slow = await connect(), await connect()
    await here.fetchval(INSERT)
    behind = await log.end()
    given = await here.fetchval(INSERT)
    _, mark = await read(log, behind)
    await slow.execute("BEGIN")
    await slow.fetchval(INSERT)
    await here.execute("UPDATE log SET word = 'another word' WHERE id = $1", given)
    met, whole = await read(log, behind, whole=True)
    assert met == []
    assert await log.covers(whole, mark)
    assert await log.covers(await log.end(), mark)


async def test_a_gap_that_a_rollback_leaves_is_not_waited_for(log: SqlLog[int], connect: Connect) -> None:
    here, start = await connect(), await log.end()
    await here.execute("BEGIN")
    await here.fetchval(INSERT)
    await here.execute("ROLLBACK")
    serial = await here.fetchval(INSERT)
    assert (await read(log, start))[0] == [serial]


async def test_a_serial_that_was_taken_long_before_comes_late_but_once_to_everybody(
    log: SqlLog[int], connect: Connect
) -> None:
    """Beyond the rows that each reading looks through."""
    here = await connect()
    await here.execute(f"INSERT INTO log SELECT n, 'a word' FROM generate_series(100, {100 + 2 * NEAR}) AS n")
    start = await log.end()
    await here.execute("INSERT INTO log VALUES (1, 'taken long ago')")
    await here.execute("INSERT INTO log VALUES (90000, 'new')")
    met, early = await read(log, start)
    assert met == [90000]
    await here.execute("INSERT INTO log VALUES (90001, 'newer')")
    met, late = await read(log, early)
    assert met == [90001]
    met, whole = await read(log, late, whole=True)
    assert met == [1]
    # Whoever resumes gets what is missing, each in the order of the transactions, wherever it had come to.
    assert await replayed(log, start, whole) == [1, 90000, 90001]
    assert await replayed(log, early, whole) == [1, 90001]
    assert await replayed(log, late, whole) == [1]
    assert await replayed(log, start, late) == [90000, 90001]
    assert (await read(log, whole, whole=True))[0] == []
    assert [await log.covers(mark, early) for mark in (start, early, late, whole)] == [False, False, False, True]


async def test_what_can_be_seen_but_is_not_given_out_yet_can_be_told(log: SqlLog[int], connect: Connect) -> None:
    slow, quick = await connect(), await connect()
    given = await quick.fetchval(INSERT)
    await slow.execute("BEGIN")
    await slow.fetchval(INSERT)
    seen = await quick.fetchval(INSERT)
    end = await log.end()
    assert [place[-1] for place in await log.ahead(end, 10)] == [seen]
    assert [change.serial for change in await log.history(end, 0, 10)] == [given]


async def test_a_mark_is_for_its_own_log_only(url: str, log: SqlLog[int]) -> None:
    await execute(url, "CREATE TABLE other (LIKE log INCLUDING ALL)")
    other = sa.Table("other", sa.MetaData(), *(sa.Column(each.name, each.type) for each in TABLE.columns))
    async with Database("register", url) as database:
        with pytest.raises(MarkExpired):
            await log_of(database, other).changes(await log.end(), 10)


async def test_a_mark_whose_next_rows_were_pruned_has_expired(log: SqlLog[int], connect: Connect) -> None:
    here = await connect()
    for _ in range(3):
        await here.fetchval(INSERT)
    mark = await log.end()
    await here.fetchval(INSERT)
    await here.execute("DELETE FROM log WHERE id = (SELECT min(id) FROM log)")
    assert len((await read(log, mark))[0]) == 1
    await here.execute("DELETE FROM log WHERE id < (SELECT max(id) FROM log)")
    with pytest.raises(MarkExpired):
        await log.changes(mark, 10)


async def test_a_role_that_may_only_read_the_table_is_enough(url: str, connect: Connect) -> None:
    here = await connect()
    await here.execute("DROP ROLE IF EXISTS only_reads")
    await here.execute("CREATE ROLE only_reads LOGIN")
    await here.execute("GRANT SELECT ON log TO only_reads")
    address = sa.make_url(url).set(username="only_reads").render_as_string(hide_password=False)
    try:
        async with Database("register", address) as database:
            log = log_of(database)
            start = await log.end()
            await here.execute("BEGIN")
            serial = await here.fetchval(INSERT)
            held_back = await log.held_back()
            assert held_back is not None
            assert (held_back.pid, held_back.seconds) == (here.get_server_pid(), None)
            await here.execute("COMMIT")
            assert (await read(log, start))[0] == [serial]
    finally:
        await here.execute("DROP OWNED BY only_reads")
        await here.execute("DROP ROLE only_reads")


async def test_a_view_is_read_in_the_order_of_its_serials(url: str, connect: Connect) -> None:
    await execute(url, "CREATE VIEW shown AS SELECT id, word FROM log")
    shown = sa.Table("shown", sa.MetaData(), *(sa.Column(each.name, each.type) for each in TABLE.columns))
    async with Database("register", url) as database:
        log, here = log_of(database, shown), await connect()
        start = await log.end()
        serials = [await here.fetchval(INSERT) for _ in range(20)]
        met, mark = await read(log, start)
        assert met == serials
        assert await replayed(log, start, mark) == serials
        assert await log.held_back() is None

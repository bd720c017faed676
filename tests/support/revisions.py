"""Journey databases as older servers left them."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import create_async_engine

from sources.sql.migrating import MIGRATIONS
from support.back_ends import write


async def empty(url: str) -> None:
    """Leaves a database without any table."""
    made = sa.make_url(url)
    if made.get_backend_name() == "sqlite":
        for ending in ("-wal", "-shm"):
            Path(f"{made.database}{ending}").unlink(missing_ok=True)
        Path(str(made.database)).write_bytes(b"")
    else:
        await write(url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")


async def upgrade(url: str, revision: str) -> None:
    """Brings a database to a revision, and no further."""
    engine = create_async_engine(url)

    def run(connection: sa.Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()

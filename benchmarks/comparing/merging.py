"""One database with everything in it: what the four have, table by table, for the peer that joins in SQL."""

from tempfile import SpooledTemporaryFile
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine

from comparing.questions import plain
from sources.sql.opening import MAPPINGS

_IN_MEMORY = 64 * 1024 * 1024


async def merge(server_url: str, urls: dict[str, str], database: str) -> str:
    """Makes the database anew and fills it from those at `urls`; its address."""
    server: Any = await asyncpg.connect(server_url)
    await server.execute(f"DROP DATABASE IF EXISTS {database}")
    await server.execute(
        f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8' "
        "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
    )
    await server.close()
    url = _beside(urls["persons"], database)
    await _make_tables(url)
    merged: Any = await asyncpg.connect(plain(url))
    for name, schema in MAPPINGS.items():
        source: Any = await asyncpg.connect(plain(urls[name]))
        for table in schema.metadata.sorted_tables:
            await _copy(source, merged, table.name, [column.name for column in table.columns])
        await source.close()
    await merged.close()
    return url


async def settle(url: str) -> None:
    """Lets nothing be left to do for the database behind the measurements."""
    connection: Any = await asyncpg.connect(plain(url))
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.close()


def _beside(url: str, database: str) -> str:
    """The address of another database on the same server."""
    address, mark, options = url.partition("?")
    return f"{address.rpartition('/')[0]}/{database}{mark}{options}"


async def _make_tables(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for schema in MAPPINGS.values():
            await connection.run_sync(schema.metadata.create_all)
    await engine.dispose()


async def _copy(source: Any, target: Any, table: str, columns: list[str]) -> None:
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as rows:
        await source.copy_from_table(table, columns=columns, output=rows, format="binary")
        rows.seek(0)
        await target.copy_to_table(table, columns=columns, source=rows, format="binary")

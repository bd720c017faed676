"""How far the transactions of a PostgreSQL database have ended, and which log it is that a table holds.

A role that may read the table may read all of this; only since when another role's transaction is open, is told to
members of pg_read_all_stats alone.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sources.ports import HeldBack
from sources.sql.log_table import LogTable

_HORIZON = """
    WITH snapshot AS MATERIALIZED (
        SELECT pg_snapshot_xmin(now)::text::bigint AS oldest, pg_snapshot_xmax(now)::text::bigint AS next
        FROM pg_current_snapshot() AS now
    ), writer AS MATERIALIZED (
        SELECT pid, backend_xid::text::bigint AS xid, xact_start AS since
        FROM pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL
        UNION ALL
        SELECT NULL, transaction::text::bigint, prepared FROM pg_prepared_xacts WHERE database = current_database()
    ), first AS (
        SELECT
            pid,
            extract(epoch FROM clock_timestamp() - since)::float AS seconds,
            next + (xid - next % 4294967296 + 6442450944) % 4294967296 - 2147483648 AS xid
        FROM writer, snapshot ORDER BY 3 LIMIT 1
    )
    SELECT
        CASE WHEN pg_is_in_recovery() THEN oldest ELSE least(next, first.xid) END AS first,
        next, pid, seconds, first.xid IS NOT NULL AS is_held,
        concat_ws(
            '.',
            (SELECT system_identifier FROM pg_control_system()),
            CASE WHEN pg_is_in_recovery() THEN (SELECT to_hex(timeline_id) FROM pg_control_checkpoint())
            ELSE ltrim(left(pg_walfile_name(pg_current_wal_lsn()), 8), '0') END,
            (SELECT oid FROM pg_database WHERE datname = current_database()),
            to_regclass(:name)::oid
        ) AS log
    FROM snapshot LEFT JOIN first ON true
"""
"""Everything before `first` has ended, whichever transaction of this database it was.

The order of reading matters. First the snapshot: a transaction that begins to write later is not before it. Then the
open transactions, then the prepared ones: a transaction that is being prepared stands among both for a moment, so that
it is found in one of them. On a standby none of them is seen, and the snapshot's own oldest transaction has to do.
"""

_KIND = "SELECT relkind::text AS kind FROM pg_class WHERE oid = to_regclass(:name)"
_HIDING = ("v", "m", "f")


@dataclass(frozen=True)
class Horizon:
    """`first` is the oldest transaction that may be open still, `next` the one that comes next, in 64 bits.

    `oldest` is the lowest serial of the table; None while it is empty.
    """

    log: str
    first: int
    next: int
    oldest: int | None
    held_back: HeldBack | None


async def horizon_of(table: LogTable[Any]) -> Horizon:
    """The horizon now. Whatever a later statement sees of what wrote before `first`, is all that there will be."""
    oldest = sa.select(sa.func.min(table.serial)).scalar_subquery()
    now = sa.text(_HORIZON).bindparams(name=table.name).columns(*map(sa.column, _COLUMNS)).subquery()
    (row,) = await table.fetch(sa.select(now, oldest.label("oldest")))
    held_back = HeldBack(row["seconds"], row["pid"]) if row["is_held"] else None
    return Horizon(row["log"], row["first"], row["next"], row["oldest"], held_back)


async def log_of(table: LogTable[Any]) -> str:
    """Which log a table holds: the database system, its timeline, the database and the table."""
    return (await horizon_of(table)).log


async def hides_transactions(table: LogTable[Any]) -> bool:
    """Whether it is a view or a foreign table, whose rows do not tell which transaction wrote them."""
    kind = sa.text(_KIND).bindparams(name=table.name).columns(sa.column("kind")).subquery()
    rows = await table.fetch(sa.select(kind))
    return bool(rows) and rows[0]["kind"] in _HIDING


_COLUMNS = ("first", "next", "pid", "seconds", "is_held", "log")

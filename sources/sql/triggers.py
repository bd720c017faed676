"""The wake-up triggers: what a back-end's owner may consent to, so that changes are heard of at once.

A statement-level trigger on each log, with an empty payload. `docs/operating.md` tells what it costs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from sources.sql import incidents, servicemodule
from sources.sql.listening import WAKE_UP

NAME = "omniloket_wake_up"
"""Of the function and of each trigger."""

LOGS: Mapping[str, Sequence["sa.Table[Any]"]] = {
    servicemodule.SOURCE: (servicemodule.KLANTCONTACT, servicemodule.ONDERWERP),
    incidents.SOURCE: (incidents.INCIDENT_STATUS, incidents.BETROKKENE),
}
"""The tables whose new rows Omniloket follows, by source. The journey database wakes without a trigger."""


def installing(source: str) -> Sequence[str]:
    """The statements that make a source's triggers; harmless where they are already."""
    function = (
        f"CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS\n"
        f"$$ BEGIN PERFORM pg_catalog.pg_notify('{WAKE_UP}', ''); RETURN NULL; END $$"
    )
    triggers = [
        f"CREATE OR REPLACE TRIGGER {NAME} AFTER INSERT ON {table.name}\nFOR EACH STATEMENT EXECUTE FUNCTION {NAME}()"
        for table in LOGS[source]
    ]
    return [function, *triggers]


def uninstalling(source: str) -> Sequence[str]:
    """The statements that take them away again; harmless where there are none."""
    triggers = [f"DROP TRIGGER IF EXISTS {NAME} ON {table.name}" for table in LOGS[source]]
    return [*triggers, f"DROP FUNCTION IF EXISTS {NAME}()"]


async def apply(url: str, statements: Sequence[str]) -> None:
    """All statements in one transaction. A log that is in use is waited for a few seconds at most."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.text("SET LOCAL lock_timeout = '5s'"))
            for statement in statements:
                await connection.execute(sa.text(statement))
    finally:
        await engine.dispose()

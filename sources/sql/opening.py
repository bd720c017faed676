"""Opens the four back-ends, and binds every port to the database that owns its facts."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from sources.breaker import Patience
from sources.errors import SourceUnavailable
from sources.ports import Sources
from sources.sealing import Sealer
from sources.sql import incidents, journeys, persons, servicemodule
from sources.sql.database import Database
from sources.sql.migrating import revisions
from sources.sql.missing import missing, root_of

SERVES: dict[str, Sequence[str]] = {
    persons.SOURCE: ("Citizen",),
    servicemodule.SOURCE: ("Channel", "Contact", "Agent", "Attachment"),
    incidents.SOURCE: ("Report", "StatusChange"),
    journeys.SOURCE: ("Journey", "Handover"),
}
"""The GraphQL types whose facts each back-end owns."""

_TABLES = {
    persons.SOURCE: persons.PERSOON,
    servicemodule.SOURCE: servicemodule.KLANTCONTACT,
    incidents.SOURCE: incidents.INCIDENT,
    journeys.SOURCE: journeys.JOURNEY,
}
"""The table that a back-end in good health has at least."""

MAPPINGS: dict[str, type[SQLModel]] = {
    persons.SOURCE: persons.Register,
    servicemodule.SOURCE: servicemodule.Servicemodule,
    incidents.SOURCE: incidents.Incidents,
    journeys.SOURCE: journeys.Journeys,
}
"""The root of each back-end's mappings, by the back-end's name."""


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    """Where a database is; `timeout_seconds` for each statement, `pool_size` in connections, `waiting` for one of them.

    `listen`: whether a connection of its own hears its wake-ups.
    """

    url: str
    timeout_seconds: float = 5.0
    pool_size: int = 10
    patience: Patience = field(default_factory=Patience)
    listen: bool = True
    waiting: int = 2_000


@asynccontextmanager
async def open_sources(databases: dict[str, DatabaseSettings], sealer: Sealer) -> AsyncGenerator[Sources]:
    """The ports over the four databases, by the names in SERVES. Connects when first asked; closes on leaving."""
    async with AsyncExitStack() as closing:
        opened = {name: await closing.enter_async_context(_database(name, databases[name])) for name in SERVES}
        yield bound(opened, sealer)


async def wrong_with(databases: Mapping[str, DatabaseSettings]) -> Mapping[str, str | None]:
    """Why each database does not do: it does not answer, or lacks tables and columns that are read. None: it does.

    All that is mapped is selected, and no row of it read; so it takes longer than to ask after its health.
    """
    return dict(await asyncio.gather(*(_wrong_with(name, databases[name]) for name in SERVES)))


async def _wrong_with(name: str, settings: DatabaseSettings) -> tuple[str, str | None]:
    async with _database(name, settings) as database:
        reason = (await database.health()).reason
        if reason is not None:
            return name, reason
        tables = MAPPINGS[name].metadata.sorted_tables
        told = [sentence for table in tables for sentence in await _wrong_with_table(database, table)]
        return name, " ".join(told) or None


async def _wrong_with_table(database: Database, table: "sa.Table[Any]") -> Sequence[str]:
    error = await _refusal(database, table.c)
    if error is None:
        return []
    if missing(error) is None:
        return [f"Its {table.name} cannot be read ({type(error).__name__})."]
    lacks = [column.name for column in table.c if await _refusal(database, [column]) is not None]
    if len(lacks) == len(table.c):
        return [f"It has no {table.name}."]
    return [f"It has no {table.name}.{name}." for name in lacks]


async def _refusal(database: Database, columns: Iterable[sa.ColumnElement[Any]]) -> BaseException | None:
    """What the driver says of columns that it does not read."""
    try:
        await database.fetch(sa.select(*columns).limit(0))
    except SourceUnavailable as error:
        return root_of(error)
    return None


def bound(databases: dict[str, Database], sealer: Sealer) -> Sources:
    """Every port, on the database that owns its facts."""
    register, service = databases[persons.SOURCE], databases[servicemodule.SOURCE]
    incident, own = databases[incidents.SOURCE], databases[journeys.SOURCE]
    return Sources(
        citizens=persons.citizens(register),
        channels=servicemodule.channels(service),
        agents=servicemodule.agents(service),
        contacts=servicemodule.contacts(service),
        attachments=servicemodule.attachments(service),
        contact_subjects=servicemodule.contact_subjects(service),
        reports=incidents.reports(incident),
        status_changes=incidents.status_changes(incident),
        journeys=journeys.journeys(own, sealer),
        journey_entries=journeys.journey_entries(own, sealer),
        journey_channels=journeys.journey_channels(own, sealer),
        handovers=journeys.handovers(own, sealer),
        contact_log=servicemodule.contact_log(service),
        subject_log=servicemodule.subject_log(service),
        status_log=incidents.status_log(incident),
        involvement_log=incidents.involvement_log(incident),
        journey_log=journeys.journey_log(own),
        back_ends=tuple(databases.values()),
    )


def _database(name: str, settings: DatabaseSettings) -> Database:
    return Database(
        name,
        settings.url,
        serves=SERVES[name],
        table=_TABLES[name],
        revisions=revisions() if name == journeys.SOURCE else (),
        timeout_seconds=settings.timeout_seconds,
        pool_size=settings.pool_size,
        patience=settings.patience,
        listen=settings.listen,
        waiting=settings.waiting,
    )

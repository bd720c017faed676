"""Puts the house together: opens the sources, and hands each room what it needs from above."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from engine.executor import Executor, Prepared
from omniloket.identity import Identity, read_key
from omniloket.linking import following
from omniloket.oidc import Issuers
from omniloket.settings import Settings
from resolvers import live
from resolvers.context import Context, Services
from schema.access import PERSONAL
from schema.building import executable, subgraph
from schema.errors import encoder
from sources.breaker import Patience
from sources.errors import SourceError
from sources.sql.opening import DatabaseSettings, open_sources
from subscriptions.hub import Hub

log = structlog.get_logger("omniloket")


@dataclass(frozen=True)
class House:
    """The rooms, put together. It lives as long as the process serves."""

    services: Services
    executor: Executor
    identity: Identity

    async def context(self, authorization: str | None) -> Context:
        """A fresh context for the viewer of an Authorization header; raises Unauthenticated."""
        return Context(services=self.services, viewer=await self.identity.of_authorization(authorization))

    async def before(self, prepared: Prepared, context: object) -> None:
        """What has to happen before an operation reads any source."""
        if isinstance(context, Context) and context.viewer.role in PERSONAL and "liveCursor" in prepared.root_fields:
            await live.take_live_cursor(context)


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncGenerator[House]:
    """Opens everything that the settings name; closes it on leaving."""
    key_file = settings.development_key_file
    sealer = settings.sealer()
    async with open_sources(databases(settings), sealer) as sources:
        hub = Hub(
            {live.STATUSES: sources.status_log, live.CONTACTS: sources.contact_log, live.ENTRIES: sources.journey_log},
            poll_seconds=settings.live.poll_seconds,
            queue_size=settings.live.queue_size,
            report=_report_tail,
        )
        services = Services(sources, sealer, hub, settings.page_size, settings.max_page_size, subgraph=subgraph())
        executor = Executor(executable(), encode_error=encoder(_report_error), documents=settings.documents)
        identity = Identity(Issuers(settings.issuers), None if key_file is None else read_key(key_file))
        try:
            async with following(settings, sources):
                yield House(services, executor, identity)
        finally:
            await hub.close()


def databases(settings: Settings) -> dict[str, DatabaseSettings]:
    """Where each back-end is, by its name."""
    return {
        name: DatabaseSettings(
            source.url,
            source.timeout_seconds,
            source.pool_size,
            Patience(source.failures, source.rest_seconds),
            source.listen,
        )
        for name, source in settings.sources
    }


def _report_error(incident: str, error: Exception) -> None:
    source = error.source if isinstance(error, SourceError) else None
    log.error("a field failed", id=incident, source=source, error=error)


def _report_tail(name: str, error: Exception) -> None:
    log.warning("a log could not be read", log=name, error=error)

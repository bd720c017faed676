"""Puts the house together: opens the sources, and hands each room what it needs from above."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from graphql import GraphQLSchema

from engine.executor import Executor
from engine.limits import Limits
from omniloket import loop_lag
from omniloket.access_log import AccessLog, current_request
from omniloket.admission import Admission
from omniloket.configured import bounds, checked_schema, databases, development_key, hidden, issuers
from omniloket.grouping import Grouping
from omniloket.house import House, context_of
from omniloket.identity import Identity
from omniloket.keeping import kept
from omniloket.linking import following
from omniloket.rates import Rate, Rates
from omniloket.registered import Registered
from omniloket.sessions import Sessions
from omniloket.settings import Settings
from omniloket.trusted import Manifests
from omniloket.usage import Usage
from resolvers import live
from resolvers.context import Services
from schema.building import subgraph
from schema.errors import encoder
from schema.rules import by_id, hidden_fields
from sources.errors import SourceError, SourceUnavailable
from sources.ports import Sources
from sources.sealing import Sealer
from sources.sql.opening import open_sources
from subscriptions.hub import Hub

log = structlog.get_logger("omniloket")


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncGenerator[House]:
    """Opens everything that the settings name; closes it on leaving."""
    sealer = settings.sealer()
    async with open_sources(databases(settings), sealer) as sources, aclosing(issuers(settings)) as providers:
        hub = _hub(settings, sources)
        schema = checked_schema(settings)
        cost, overload = settings.cost, settings.overload
        rates = Rates(Rate(cost.burst, cost.per_second), Rate(cost.address_burst, cost.address_per_second))
        services = replace(_services(settings, schema, sources, sealer, hub), pay=rates.pay)
        executor = _executor(settings, schema)
        identity = Identity(providers, development_key(settings))
        trusted = Manifests(settings.trusted, executor)
        await trusted.read()
        house = House(
            services=services,
            executor=executor,
            identity=identity,
            sessions=Sessions(identity, partial(context_of, services), settings.live.connections_per_principal),
            common=Grouping(schema, services),
            rates=rates,
            admission=Admission(overload.running, overload.waiting, overload.waiting_seconds),
            trusted=trusted,
            registered=Registered(settings.trusted.automatic),
            settings=settings,
            bounds=bounds(settings),
            access_log=AccessLog() if settings.access_log else None,
            usage=None if settings.usage_directory is None else Usage(settings.usage_directory),
        )
        try:
            async with kept(*_watches(house)), following(settings, sources):
                yield house
        finally:
            await hub.close()
            if house.usage is not None:
                house.usage.write()
            if house.access_log is not None:
                house.access_log.close()


def _hub(settings: Settings, sources: Sources) -> Hub:
    return Hub(
        {live.STATUSES: sources.status_log, live.CONTACTS: sources.contact_log, live.JOURNEYS: sources.journey_log},
        poll_seconds=settings.live.poll_seconds,
        queue_size=settings.live.queue_size,
        report=_report_log,
        waits=_report_wait,
    )


def _services(settings: Settings, schema: GraphQLSchema, sources: Sources, sealer: Sealer, hub: Hub) -> Services:
    return Services(
        sources,
        sealer,
        hub,
        settings.page_size,
        settings.max_page_size,
        purposes={role: frozenset(purposes) for role, purposes in settings.access.purposes.items()},
        by_id=by_id(schema, hidden(settings)),
        hidden=hidden_fields(schema, hidden(settings)),
        subgraph=subgraph(),
    )


def _executor(settings: Settings, schema: GraphQLSchema) -> Executor:
    return Executor(
        schema,
        encode_error=encoder(_report_error),
        documents=settings.documents,
        limits=Limits(**settings.limits.model_dump(exclude={"anonymous_introspection"})),
        page_size=settings.page_size,
    )


def _watches(house: House) -> Iterable[Callable[[], Coroutine[Any, Any, None]]]:
    """What goes on in the background as long as the house is open."""
    yield house.sessions.watch
    yield house.trusted.watch
    yield partial(loop_lag.watch, house.accounts.metrics.loop_lag.observe)
    if house.usage is not None:
        yield house.usage.keep


def _report_error(incident: str, error: Exception) -> None:
    source = error.source if isinstance(error, SourceError) else None
    log.error("a field failed", id=incident, request=current_request(), source=source, error=error)


def _report_wait(name: str, error: SourceUnavailable) -> None:
    log.warning("changes wait for a source", log=name, source=error.source, error=error)


def _report_log(name: str, error: Exception) -> None:
    log.warning("a log could not be read", log=name, error=error)

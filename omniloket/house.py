"""Puts the house together: opens the sources, and hands each room what it needs from above."""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from ipaddress import ip_network
from typing import Any

import structlog
from graphql import GraphQLSchema
from msgspec.structs import replace

from engine.executor import Executor
from engine.limits import Limits
from engine.prepared import Prepared
from engine.responses import RequestRefused, Response, StreamFailed
from omniloket import loop_lag
from omniloket.access_log import AccessLog, current_request
from omniloket.accounts import Accounts
from omniloket.admission import Admission, Overloaded
from omniloket.common import InCommon
from omniloket.figures import figures
from omniloket.http_heads import Bounds
from omniloket.identity import Identity, read_key
from omniloket.keeping import kept
from omniloket.linking import following
from omniloket.metrics import Metrics
from omniloket.oidc import Issuers
from omniloket.rates import Rate, RateLimited, Rates
from omniloket.registered import Registered
from omniloket.revocation import RevocationList
from omniloket.sessions import Sessions
from omniloket.settings import Settings, SettingsError
from omniloket.trusted import Manifests, findings, read_manifests
from omniloket.usage import Usage
from resolvers import live
from resolvers.context import Context, Services, Viewer
from resolvers.errors import CursorExpired, SlowConsumer, Unauthenticated
from schema.access import PERSONAL, refusal
from schema.building import executable, subgraph
from schema.errors import encoder
from schema.rules import Hidden, RulesBroken, by_id
from sources.breaker import Patience
from sources.deadlines import Within
from sources.errors import MarkExpired, SourceError, SourceUnavailable
from sources.records import Role
from sources.sql.opening import DatabaseSettings, open_sources
from subscriptions.hub import Hub
from subscriptions.membership import Terms
from subscriptions.sharing import Sharing
from subscriptions.streams import Streams

log = structlog.get_logger("omniloket")

_refuses_personal = refusal(PERSONAL)

DOCUMENT_POINTS = 100
CHARACTERS_A_POINT = 4
"""Of a document that has to be parsed and validated first: half a millisecond however short it is, and some 5
microseconds for every four characters, as long as an object takes."""

REFUSED_VALUES_POINTS = 100
"""What variables cost that hold too much: all of their JSON has been looked at by then."""

FREE_BODY_BYTES = 16_384
BYTES_A_POINT = 2_048
"""Of a body that is longer than most: to read so much JSON takes as long as an object."""

BAD_TOKEN_POINTS = 10
"""What a token that does not hold costs the address that it comes from: as much as any operation."""

_INTROSPECTION = frozenset({"__schema", "__type"})
_NO_INTROSPECTION = {
    "message": "The schema is shown to those who have a token.",
    "extensions": {"code": "FORBIDDEN"},
}


@dataclass(frozen=True)
class House:
    """The rooms, put together. It lives as long as the process serves."""

    services: Services
    executor: Executor
    identity: Identity
    sessions: Sessions
    common: InCommon
    rates: Rates
    admission: Admission
    trusted: Manifests
    registered: Registered
    settings: Settings
    bounds: Bounds
    access_log: AccessLog | None = None
    usage: Usage | None = None
    opened: list[Streams] = field(default_factory=list[Streams])

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(Metrics(partial(figures, self)), self.access_log, self.usage)

    async def context(self, authorization: str | None, purpose: str | None, address: str) -> Context:
        """A fresh context for the viewer of an Authorization header; raises Unauthenticated."""
        return _context(self.services, await self.identity.of_authorization(authorization), purpose, address)

    def prepare(self, query: str | None, document_id: str, operation_name: str | None, context: Context) -> Prepared:
        """The operation that is to be executed: of a text, or without one of the document that is known by an id.

        A document that is not known costs points, whatever it is. Raises RequestRefused.
        """
        try:
            given = self.registered.text(document_id) if query is None else query
            text, trusted = self.trusted.documents.found(given, document_id, context.viewer)
            context.document = None if trusted is None else trusted.name
            if not self.executor.documents.knows(text):
                self.rates.charge(context, DOCUMENT_POINTS + len(text) / CHARACTERS_A_POINT)
            prepared = self.executor.prepare(text, operation_name)
            if query is not None:
                self.registered.register(document_id, query)
            return prepared
        except RequestRefused as refused:
            self._count(refused, context)
            raise

    async def execute(
        self, prepared: Prepared, variables: Mapping[str, Any], context: Context, *, wants_cost: bool = False
    ) -> Response:
        """The answer to a query or mutation, in its turn and within its deadline. With its cost, to who wants to know.

        Raises RequestRefused.
        """
        began = time.perf_counter()
        try:
            price = self._check(prepared, variables, context)
            try:
                async with self.admission:
                    answer = await self._answer(prepared, variables, context)
            except Overloaded:
                self.rates.give_back(context, price)
                raise
        except RequestRefused as refused:
            self._count(refused, context, prepared)
            raise
        self.accounts.executed(prepared, variables, context, began, has_errors="errors" in answer)
        if wants_cost:
            answer["extensions"] = {"cost": self._told_cost(prepared, variables, context)}
        return answer

    async def _answer(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> Response:
        with Within(self.settings.overload.deadline_seconds):
            await _take_live_cursor(prepared, context)
            answer = await self.executor.execute(prepared, variables, context)
        await self.record(prepared, context)
        return answer

    def _told_cost(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> dict[str, int]:
        left, seconds = self.rates.left(context)
        return {"price": prepared.price(variables) + self.settings.cost.operation, "left": left, "fullIn": seconds}

    async def before(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> None:
        """What has to happen before a stream begins. Raises RequestRefused for one that may not."""
        try:
            self._check(prepared, variables, context)
            await _take_live_cursor(prepared, context)
        except RequestRefused as refused:
            self._count(refused, context, prepared)
            raise
        self.accounts.began(prepared, variables, context)

    def _check(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> int:
        """Refuses what may not be executed, before it waits for its turn; what may is paid for. Gives the price."""
        try:
            self.executor.check(prepared, variables)
        except RequestRefused:
            self.rates.charge(context, REFUSED_VALUES_POINTS)
            raise
        if prepared.root_fields & _INTROSPECTION and not self._shows_schema(context.viewer):
            raise RequestRefused([_NO_INTROSPECTION], prepared.kind)
        return self._charge(prepared, variables, context)

    def _count(self, refused: RequestRefused, context: Context, prepared: Prepared | None = None) -> None:
        self.accounts.refused(refused.errors[0]["extensions"], context, prepared)

    def charge_body(self, size: int, context: Context) -> None:
        """Takes points for a body that is longer than most, before it is read. Raises RateLimited."""
        try:
            self.rates.charge(context, size / BYTES_A_POINT)
        except RateLimited as limited:
            self.accounts.refused(limited.extensions, context)
            raise

    def charge_bad_token(self, address: str) -> None:
        """Takes points from the address that a token comes from which does not hold. Raises RateLimited."""
        try:
            self.rates.charge_address(address, BAD_TOKEN_POINTS)
        except RateLimited as limited:
            self.accounts.refused(limited.extensions)
            raise

    def _shows_schema(self, viewer: Viewer) -> bool:
        shown = self.settings.limits.anonymous_introspection
        is_shown = self.settings.development_key_file is not None if shown is None else shown
        return is_shown or viewer.role is not Role.ANONYMOUS

    def _charge(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> int:
        cost = self.settings.cost
        price = prepared.price(variables) + cost.operation
        if price > cost.max_operation:
            message = f"This operation may cost {price} points, and at most {cost.max_operation} are allowed."
            told = {"code": "LIMIT_EXCEEDED", "limit": "max_operation", "price": price, "maximum": cost.max_operation}
            raise RequestRefused([{"message": message, "extensions": told}], prepared.kind)
        self.rates.charge(context, price)
        return price

    def streams(self, queue_size: int) -> Streams:
        """Live updates; `queue_size` changes may wait for each stream."""
        executor = self.executor
        terms = Terms(
            self.record,
            self.common,
            too_slow=self._fell_behind,
            rights_changed=Unauthenticated,
            failure=lambda error: StreamFailed([executor.encoded(_told_to_clients(error))]),
            queue_size=queue_size,
        )
        streams = Streams(executor, self.record, Sharing(executor, self.services.hub.follow, terms))
        self.opened.append(streams)
        return streams

    def _fell_behind(self, cursor: str | None) -> Exception:
        self.accounts.metrics.fell_behind()
        return SlowConsumer(cursor)

    async def record(self, prepared: Prepared, context: object, told: Sequence[object] | None = None) -> None:
        """The one place that each access passes: once for each operation and each change, before the answer leaves.

        `told` are the contexts of all whom the answer to a change goes to; for others it is the context's own viewer.
        """
        if isinstance(context, Context):
            viewer = context.viewer
            log.debug(
                "answered",
                operation=prepared.name,
                kind=prepared.kind,
                role=viewer.role.value,
                purpose=viewer.purpose,
                viewers=1 if told is None else len(told),
            )


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncGenerator[House]:
    """Opens everything that the settings name; closes it on leaving."""
    sealer = settings.sealer()
    async with open_sources(databases(settings), sealer) as sources, aclosing(issuers(settings)) as providers:
        hub = Hub(
            {live.STATUSES: sources.status_log, live.CONTACTS: sources.contact_log, live.JOURNEYS: sources.journey_log},
            poll_seconds=settings.live.poll_seconds,
            queue_size=settings.live.queue_size,
            report=_report_tail,
            waits=_report_wait,
        )
        schema = checked_schema(settings)
        services = Services(
            sources,
            sealer,
            hub,
            settings.page_size,
            settings.max_page_size,
            purposes={role: frozenset(purposes) for role, purposes in settings.access.purposes.items()},
            by_id=by_id(schema, hidden(settings)),
            subgraph=subgraph(),
        )
        limits = Limits(**settings.limits.model_dump(exclude={"anonymous_introspection"}))
        executor = Executor(
            schema,
            encode_error=encoder(_report_error),
            documents=settings.documents,
            limits=limits,
            page_size=settings.page_size,
        )
        cost = settings.cost
        overload = settings.overload
        admission = Admission(overload.running, overload.waiting, overload.waiting_seconds)
        rates = Rates(Rate(cost.burst, cost.per_second), Rate(cost.address_burst, cost.address_per_second))
        identity = Identity(providers, _development_key(settings))
        sessions = Sessions(identity, partial(_context, services), settings.live.connections_per_principal)
        trusted = Manifests(settings.trusted, executor)
        await trusted.read()
        registered = Registered(settings.trusted.automatic)
        usage = None if settings.usage_directory is None else Usage(settings.usage_directory)
        access_log = AccessLog() if settings.access_log else None
        common = InCommon(schema, services)
        house = House(
            services,
            executor,
            identity,
            sessions,
            common,
            rates,
            admission,
            trusted,
            registered,
            settings,
            _bounds(settings),
            access_log,
            usage,
        )
        observe = house.accounts.metrics.loop_lag.observe
        keeping = [sessions.watch, trusted.watch, partial(loop_lag.watch, observe)]
        keeping += [] if usage is None else [usage.keep]
        try:
            async with kept(*keeping), following(settings, sources):
                yield house
        finally:
            await hub.close()
            if usage is not None:
                usage.write()
            if access_log is not None:
                access_log.close()


def verify(settings: Settings) -> None:
    """Finds what would stop the start, before it: raises SettingsError, or OSError for a file that cannot be read."""
    schema = checked_schema(settings)
    revocations(settings)
    for trusted in read_manifests(settings.trusted).by_text.values():
        for finding in findings(trusted, schema):
            if finding.is_wrong:
                raise SettingsError(f"trusted.manifests: '{trusted.name}' is wrong: {finding.message}")


def checked_schema(settings: Settings) -> GraphQLSchema:
    """The schema, with what this deployment hides; raises SettingsError when it cannot be hidden."""
    try:
        return executable(hidden(settings))
    except RulesBroken as error:
        raise SettingsError(f"access.hidden: {error}") from None


def hidden(settings: Settings) -> Hidden:
    """The types and fields that this deployment hides from some roles."""
    return {role: frozenset(names) for role, names in settings.access.hidden.items()}


def issuers(settings: Settings) -> Issuers:
    """The configured issuers. Raises SettingsError or OSError for a list of revocations that is not as it should be."""
    return Issuers(settings.issuers, revoked=revocations(settings))


def revocations(settings: Settings) -> RevocationList | None:
    """The list of revocations, if the settings name one. Raises as `issuers`."""
    if settings.revocations_file is None:
        return None
    return RevocationList(settings.revocations_file, {each.issuer for each in settings.issuers})


def databases(settings: Settings) -> dict[str, DatabaseSettings]:
    """Where each back-end is, by its name."""
    return {
        name: DatabaseSettings(
            source.url,
            source.timeout_seconds,
            source.pool_size,
            Patience(source.failures, source.rest_seconds),
            source.listen,
            source.waiting,
        )
        for name, source in settings.sources
    }


def _bounds(settings: Settings) -> Bounds:
    requests = settings.requests
    return Bounds(
        requests.head_bytes,
        requests.head_seconds,
        requests.body_seconds,
        requests.unread_seconds,
        requests.connections_per_address,
        [ip_network(each) for each in settings.trusted_proxies],
    )


def _context(services: Services, viewer: Viewer, purpose: str | None, address: str) -> Context:
    """A purpose that the viewer's role may not have is none."""
    is_allowed = purpose in services.purposes.get(viewer.role, ())
    return Context(
        services=services, viewer=replace(viewer, purpose=purpose) if is_allowed else viewer, address=address
    )


async def _take_live_cursor(prepared: Prepared, context: Context) -> None:
    """Where the logs end, before anything else is read for an answer that is to say it."""
    if "liveCursor" in prepared.root_fields and not _refuses_personal(context):
        await live.take_live_cursor(context)


def _development_key(settings: Settings) -> bytes | None:
    file = settings.development_key_file
    if file is None:
        return None
    key = read_key(file)
    log.warning("DEVELOPMENT KEY: who can read this file can be anybody here. Never over real data.", file=str(file))
    return key


def _told_to_clients(error: Exception) -> Exception:
    """What the end of a stream is to its client."""
    return CursorExpired() if isinstance(error, MarkExpired) else error


def _report_error(incident: str, error: Exception) -> None:
    source = error.source if isinstance(error, SourceError) else None
    log.error("a field failed", id=incident, request=current_request(), source=source, error=error)


def _report_wait(name: str, error: SourceUnavailable) -> None:
    log.warning("changes wait for a source", log=name, source=error.source, error=error)


def _report_tail(name: str, error: Exception) -> None:
    log.warning("a log could not be read", log=name, error=error)

"""The house: what all ways in share, from a document to its answer, with what it costs and who is told of it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import structlog
from msgspec.structs import replace

from engine.codes import FORBIDDEN
from engine.executor import Executor
from engine.limits import INTROSPECTION
from engine.prepared import Prepared
from engine.responses import RequestRefused, Response, StreamFailed, refusal
from omniloket.access_log import AccessLog
from omniloket.accounts import Accounts
from omniloket.admission import Admission, Overloaded
from omniloket.bounds import Bounds
from omniloket.charging import Charging
from omniloket.figures import figures
from omniloket.grouping import Grouping
from omniloket.identity import Identity
from omniloket.metrics import Metrics
from omniloket.rates import Rates
from omniloket.registered import Registered
from omniloket.sessions import Sessions
from omniloket.settings import Settings
from omniloket.trusted import Manifests
from omniloket.usage import Usage
from resolvers import live
from resolvers.context import Context, Services, Viewer
from resolvers.errors import CursorExpired, SlowConsumer, Unauthenticated
from schema import access
from sources.deadlines import Within, ask_for
from sources.errors import MarkExpired
from sources.records import Role
from subscriptions.sharing import Sharing
from subscriptions.streams import Streams
from subscriptions.terms import Terms

log = structlog.get_logger("omniloket")

_refuses_personal = access.refusal(access.PERSONAL)

_NO_INTROSPECTION = refusal("The schema is shown to those who have a token.", FORBIDDEN)


@dataclass(frozen=True)
class House:
    """The rooms, put together. It lives as long as the process serves."""

    services: Services
    executor: Executor
    identity: Identity
    sessions: Sessions
    common: Grouping
    rates: Rates
    admission: Admission
    trusted: Manifests
    registered: Registered
    settings: Settings
    bounds: Bounds
    access_log: AccessLog | None = None
    usage: Usage | None = None

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(Metrics(partial(figures, self)), self.access_log, self.usage)

    @cached_property
    def charging(self) -> Charging:
        return Charging(self.rates, self.accounts, self.settings.cost)

    async def context(self, authorization: str | None, purpose: str | None, address: str) -> Context:
        """A fresh context for the viewer of an Authorization header; raises Unauthenticated."""
        return context_of(self.services, await self.identity.of_authorization(authorization), purpose, address)

    def prepare(self, query: str | None, document_id: str, operation_name: str | None, context: Context) -> Prepared:
        """The operation that is to be executed: of a text, or without one of the document that is known by an id.

        A document that is not known costs points, whatever it is. Raises RequestRefused.
        """
        try:
            given = self.registered.text(document_id) if query is None else query
            text, trusted = self.trusted.documents.found(given, document_id, context.viewer)
            context.document = None if trusted is None else trusted.name
            if not self.executor.documents.knows(text):
                self.charging.document(text, context)
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
                async with self.admission.of(context.asker):
                    answer = await self._answer(prepared, variables, context)
            except Overloaded:
                self.charging.give_back(context, price)
                raise
        except RequestRefused as refused:
            self._count(refused, context, prepared)
            raise
        self.accounts.executed(prepared, variables, context, began, has_errors="errors" in answer)
        if wants_cost:
            answer["extensions"] = {"cost": self.charging.told(price, context)}
        return answer

    async def _answer(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> Response:
        with Within(self.settings.overload.deadline_seconds, context.asker):
            await _take_live_cursor(prepared, context)
            answer = await self.executor.execute(prepared, variables, context)
        await self.record(prepared, context)
        return answer

    async def before(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> None:
        """What has to happen before a stream begins, in the task that serves it. Raises RequestRefused."""
        ask_for(context.asker)
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
            values = self.executor.check(prepared, variables)
        except RequestRefused:
            self.charging.refused_values(context)
            raise
        if prepared.root_fields & INTROSPECTION and not self._shows_schema(context.viewer):
            raise RequestRefused([_NO_INTROSPECTION], prepared.kind)
        return self.charging.operation(prepared, variables, context, values)

    def _count(self, refused: RequestRefused, context: Context, prepared: Prepared | None = None) -> None:
        self.accounts.refused(refused.errors[0]["extensions"], context, prepared)

    def refused(self, error: Response) -> None:
        """Counts what a way in refuses by itself, before there is anything to execute."""
        self.accounts.refused(error["extensions"])

    def _shows_schema(self, viewer: Viewer) -> bool:
        shown = self.settings.limits.anonymous_introspection
        is_shown = self.settings.development_key_file is not None if shown is None else shown
        return is_shown or viewer.role is not Role.ANONYMOUS

    @cached_property
    def streams(self) -> Streams:
        """Live updates."""
        executor = self.executor
        terms = Terms(
            self.record,
            self.common,
            too_slow=self._fell_behind,
            rights_changed=Unauthenticated,
            failure=lambda error: StreamFailed([executor.encoded(_told_to_clients(error))]),
            queue_size=self.settings.live.queue_size,
            pay=self.charging.event,
            hold=self._hold,
        )
        return Streams(Sharing(executor, self.services.hub.follow, terms))

    def _hold(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> Callable[[], None]:
        try:
            return self.charging.hold(prepared, variables, context)
        except RequestRefused as refused:
            self._count(refused, context, prepared)
            raise

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


def context_of(services: Services, viewer: Viewer, purpose: str | None, address: str) -> Context:
    """A purpose that the viewer's role may not have is none."""
    is_allowed = purpose in services.purposes.get(viewer.role, ())
    return Context(
        services=services, viewer=replace(viewer, purpose=purpose) if is_allowed else viewer, address=address
    )


async def _take_live_cursor(prepared: Prepared, context: Context) -> None:
    """Where the logs end, before anything else is read for an answer that is to say it."""
    if "liveCursor" in prepared.root_fields and not _refuses_personal(context):
        await live.take_live_cursor(context)


def _told_to_clients(error: Exception) -> Exception:
    """What the end of a stream is to its client."""
    return CursorExpired() if isinstance(error, MarkExpired) else error

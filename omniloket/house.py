"""The house: what all ways in share, from a document to its answer, with what it costs and who is told of it."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import structlog
from msgspec.structs import replace

from engine.codes import FORBIDDEN, LIMIT_EXCEEDED
from engine.executor import Executor
from engine.limits import INTROSPECTION
from engine.prepared import Prepared
from engine.responses import RequestRefused, Response, StreamFailed, refusal
from omniloket.access_log import AccessLog
from omniloket.accounts import Accounts
from omniloket.admission import Admission, Overloaded
from omniloket.bounds import Bounds
from omniloket.common import InCommon
from omniloket.figures import figures
from omniloket.identity import Identity
from omniloket.metrics import Metrics
from omniloket.rates import RateLimited, Rates
from omniloket.registered import Registered
from omniloket.sessions import Sessions
from omniloket.settings import Settings
from omniloket.standing import StandingPrices
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

DOCUMENT_POINTS = 100
CHARACTERS_A_POINT = 2
"""Of a document that has to be parsed and validated first: half a millisecond however short it is, and some 5
microseconds for every two characters, as long as an object takes; up to thrice that where it is nothing but short
names."""

FREE_VALUES = 100
VALUES_A_POINT = 4
"""Of the values in variables and in the document's arguments, where they are more than most: to coerce and convert one
takes a microsecond or two."""

REFUSED_VALUES_POINTS = 100
"""What variables cost that hold too much: all of their JSON has been looked at by then."""

FREE_BODY_BYTES = 16_384
BYTES_A_POINT = 2_048
"""Of a body that is longer than most: to read so much JSON takes as long as an object."""

BAD_TOKEN_POINTS = 10
"""What a token that does not hold costs the address that it comes from: as much as any operation."""

HANDSHAKE_POINTS = 10
"""What opening a socket costs the address that it comes from, whatever it is opened for: half a millisecond."""

LARGEST_TOLD = 2**53 - 1
"""The largest price that is told: JSON has no larger numbers that everybody reads (RFC 8259, section 6)."""

_NO_INTROSPECTION = refusal("The schema is shown to those who have a token.", FORBIDDEN)


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

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(Metrics(partial(figures, self)), self.access_log, self.usage)

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
                async with self.admission.of(context.viewer.counted_as or context.address):
                    answer = await self._answer(prepared, variables, context)
            except Overloaded:
                self.rates.give_back(context, price)
                raise
        except RequestRefused as refused:
            self._count(refused, context, prepared)
            raise
        self.accounts.executed(prepared, variables, context, began, has_errors="errors" in answer)
        if wants_cost:
            answer["extensions"] = {"cost": self._told_cost(price, context)}
        return answer

    async def _answer(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> Response:
        with Within(self.settings.overload.deadline_seconds, _asker(context)):
            await _take_live_cursor(prepared, context)
            answer = await self.executor.execute(prepared, variables, context)
        await self.record(prepared, context)
        return answer

    def _told_cost(self, price: int, context: Context) -> dict[str, int]:
        left, seconds = self.rates.left(context)
        return {"price": price, "left": left, "fullIn": seconds}

    async def before(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> None:
        """What has to happen before a stream begins, in the task that serves it. Raises RequestRefused."""
        ask_for(_asker(context))
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
            self.rates.charge(context, REFUSED_VALUES_POINTS)
            raise
        if prepared.root_fields & INTROSPECTION and not self._shows_schema(context.viewer):
            raise RequestRefused([_NO_INTROSPECTION], prepared.kind)
        return self._charge(prepared, variables, context, values)

    def _count(self, refused: RequestRefused, context: Context, prepared: Prepared | None = None) -> None:
        self.accounts.refused(refused.errors[0]["extensions"], context, prepared)

    def refused(self, error: Response) -> None:
        """Counts what a way in refuses by itself, before there is anything to execute."""
        self.accounts.refused(error["extensions"])

    def charge_body(self, size: int, context: Context) -> None:
        """Takes points for a body that is longer than most, before it is read. Raises RateLimited."""
        try:
            self.rates.charge(context, size / BYTES_A_POINT)
        except RateLimited as limited:
            self.accounts.refused(limited.extensions, context)
            raise

    def charge_bad_token(self, address: str) -> None:
        """Takes points from the address that a token comes from which does not hold. Raises RateLimited."""
        self._charge_address(address, BAD_TOKEN_POINTS)

    def charge_handshake(self, address: str) -> None:
        """Takes points from the address that a socket is opened from. Raises RateLimited."""
        self._charge_address(address, HANDSHAKE_POINTS)

    def _charge_address(self, address: str, points: int) -> None:
        try:
            self.rates.charge_address(address, points)
        except RateLimited as limited:
            self.accounts.refused(limited.extensions)
            raise

    def _shows_schema(self, viewer: Viewer) -> bool:
        shown = self.settings.limits.anonymous_introspection
        is_shown = self.settings.development_key_file is not None if shown is None else shown
        return is_shown or viewer.role is not Role.ANONYMOUS

    def _charge(self, prepared: Prepared, variables: Mapping[str, Any], context: Context, values: int) -> int:
        """The price, and what so many values cost besides, which is no part of what one operation may cost."""
        cost = self.settings.cost
        price = prepared.price(variables) + cost.operation
        if price > cost.max_operation:
            told = min(price, LARGEST_TOLD)
            message = f"This operation may cost {told} points, and at most {cost.max_operation} are allowed."
            why = {"limit": "max_operation", "price": told, "maximum": cost.max_operation}
            raise RequestRefused([refusal(message, LIMIT_EXCEEDED, **why)], prepared.kind)
        points = price + max(0, values - FREE_VALUES) // VALUES_A_POINT
        self.rates.charge(context, points)
        return points

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
            pay=self._pay_event,
            hold=self._hold,
        )
        return Streams(Sharing(executor, self.services.hub.follow, terms))

    async def _pay_event(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> None:
        await self.rates.pay(context, prepared.price(variables))

    def _hold(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> Callable[[], None]:
        try:
            return self._standing.hold(_asker(context), prepared.price(variables))
        except RequestRefused as refused:
            self._count(refused, context, prepared)
            raise

    @cached_property
    def _standing(self) -> StandingPrices:
        return StandingPrices(self.settings.cost.standing)

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


def _asker(context: Context) -> Hashable:
    """On whose behalf sources are asked, and as whose everything counts that is held."""
    return context.viewer.counted_as or context.address


async def _take_live_cursor(prepared: Prepared, context: Context) -> None:
    """Where the logs end, before anything else is read for an answer that is to say it."""
    if "liveCursor" in prepared.root_fields and not _refuses_personal(context):
        await live.take_live_cursor(context)


def _told_to_clients(error: Exception) -> Exception:
    """What the end of a stream is to its client."""
    return CursorExpired() if isinstance(error, MarkExpired) else error

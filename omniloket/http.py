"""GraphQL over HTTP: the specification's edition of September 2026, with POST and GET.

A request that is not a well-formed GraphQL request gets 4xx, with the reason as a GraphQL error. A well-formed one
gets the status that its media type wants: with application/json and text/event-stream always 200; with
application/graphql-response+json 200, 294 for data with errors, and 400 when nothing was executed.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from engine.codes import BAD_USER_INPUT
from engine.prepared import Prepared
from engine.responses import RequestRefused, refusal
from omniloket.access_log import begin_request
from omniloket.addresses import address_of
from omniloket.charging import FREE_BODY_BYTES
from omniloket.cookies import authorization_of
from omniloket.disconnects import WhileConnected
from omniloket.event_streams import EventStreamResponse
from omniloket.headers import LAST_EVENT_ID_HEADER, PURPOSE_HEADER, RAW_REQUEST_HEADER
from omniloket.house import House
from omniloket.media_types import EVENT_STREAM, GRAPHQL, JSON, MOST_CHARACTERS, of_errors, preferred, takes_streams
from omniloket.plain_messages import HEADERS, PlainRequest, PlainResponse
from omniloket.private_arguments import PRIVATE_ARGUMENTS, PrivateArguments
from omniloket.refusals import ComeBackLater
from omniloket.request_forms import RequestRejected, RequestTooLarge, body_of, in_body, in_url, well_formed
from omniloket.sessions import TooManySessions
from resolvers.context import Context
from resolvers.errors import Unauthenticated
from subscriptions import sse
from subscriptions.asking import GraphQLRequest

PARTIAL_SUCCESS = 294

_STREAM_HEADERS = {**HEADERS, "content-type": f"{EVENT_STREAM}; charset=utf-8", "x-accel-buffering": "no"}

Answer = Response | EventStreamResponse

T = TypeVar("T")


class GraphQLEndpoint:
    """The ASGI application at the GraphQL address, for HTTP. Subscriptions are `streams`."""

    def __init__(self, house: House, streams: sse.EventStreams) -> None:
        self._house = house
        self._streams = streams
        self._cookie = house.settings.cookie
        self._private_arguments = PrivateArguments()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = PlainRequest(scope, receive)
        request_header = RAW_REQUEST_HEADER, begin_request().encode()
        try:
            response = await self._respond(request)
        except ClientDisconnect:
            return
        except Exception as error:
            response = self._fault(error, request)
        response.raw_headers.append(request_header)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Answer:
        media_type = preferred(request.headers.get("accept"))
        try:
            if media_type is None:
                allowed = f"{GRAPHQL}, {JSON} or {EVENT_STREAM}, in UTF-8"
                raise RequestRejected(406, f"'Accept' must allow {allowed}, within {MOST_CHARACTERS} characters.")
            return await self._answer(request, media_type)
        except RequestRejected as error:
            self._house.refused(error.error)
            return _response({"errors": [error.error]}, error.status, of_errors(media_type), error.headers)

    async def _answer(self, request: Request, media_type: str) -> Answer:
        try:
            if self._house.admission.is_full:  # neither the body is read for that, nor the token
                raise self._overloaded()
            asked = await self._read(request)
            if isinstance(asked, list):
                return await self._answer_all(asked, request)
            context, prepared = await self._prepared(asked, request)
            if prepared.kind == "subscription":
                return await self._stream(prepared, asked, context, request)
            with WhileConnected(request.receive):
                answer = await self._house.execute(prepared, asked.variables, context, wants_cost=asked.wants_cost)
        except ComeBackLater as later:
            headers = {"retry-after": str(later.retry_after)}
            return _response({"errors": later.errors}, later.status, of_errors(media_type), headers)
        except RequestRefused as refused:
            if request.method == "GET" and refused.kind == "mutation":
                raise _mutation_by_get() from None
            return _response({"errors": refused.errors}, 400 if media_type == GRAPHQL else 200, media_type)
        status = PARTIAL_SUCCESS if media_type == GRAPHQL and "errors" in answer else 200
        return _response(answer, status, media_type)

    def _fault(self, error: Exception, request: Request) -> Answer:
        """What nobody expected is a GraphQL error as well, which says under which id the log has it."""
        media_type = preferred(request.headers.get("accept"))
        return _response({"errors": [self._house.executor.encoded(error)]}, 500, of_errors(media_type))

    def _overloaded(self) -> ComeBackLater:
        """Counted, and made here so that no frame refers to it, which would be a reference cycle."""
        overloaded = self._house.admission.refuse()
        self._house.accounts.refused(overloaded.extensions)
        return overloaded

    async def _answer_all(self, batch: Sequence[object], request: Request) -> Answer:
        """A batch: each request is one of its own, and its answer stands at its place."""
        with WhileConnected(request.receive):
            answers = await asyncio.gather(*(self._answer_one(each, request) for each in batch))
        return _response(answers, 200, JSON)

    async def _answer_one(self, given: object, request: Request) -> Mapping[str, Any]:
        try:
            asked = well_formed(given)
            context, prepared = await self._prepared(asked, request)
            if prepared.kind == "subscription":
                raise RequestRejected(400, "A subscription is never one of a batch.")
            return await self._house.execute(prepared, asked.variables, context, wants_cost=asked.wants_cost)
        except RequestRejected as error:
            self._house.refused(error.error)
            return {"errors": [error.error]}
        except RequestRefused as refused:
            return {"errors": refused.errors}

    async def _read(self, request: Request) -> GraphQLRequest | list[object]:
        """What is asked; a list where it is a batch."""
        if request.method == "POST":
            body = await body_of(request, self._house.settings.max_body_bytes)
            if len(body) > FREE_BODY_BYTES:
                self._house.charging.body(len(body), await self._context(request))
            return in_body(body, self._house.settings.requests.batch)
        if request.method == "GET":
            return in_url(request, self._house.settings.requests.url_bytes)
        raise RequestRejected(405, "Use POST or GET.", headers={"allow": "GET, POST"})

    def _said(self, request: Request) -> tuple[str | None, str | None, str]:
        """Who asks, what for, and from where."""
        return authorization_of(request, self._cookie), request.headers.get(PURPOSE_HEADER), address_of(request.scope)

    def _context(self, request: Request) -> Awaitable[Context]:
        """A fresh context for whoever asks."""
        return self._admitted(self._house.context(*self._said(request)), address_of(request.scope))

    async def _admitted(self, asking: Awaitable[T], address: str) -> T:
        """What the token gives; one that does not hold is paid for by the address that it comes from."""
        try:
            return await asking
        except Unauthenticated as error:
            self._house.charging.bad_token(address)
            challenge = {"www-authenticate": 'Bearer error="invalid_token"'}
            raise RequestRejected(401, str(error), error.code, challenge) from None

    async def _prepared(self, asked: GraphQLRequest, request: Request) -> tuple[Context, Prepared]:
        """What is to be executed, and for whom."""
        context = await self._context(request)
        prepared = self._house.prepare(asked.query, asked.document_id, asked.operation_name, context)
        if request.method == "GET":
            self._check_get(prepared, asked.variables)
        return context, prepared

    def _check_get(self, prepared: Prepared, variables: Mapping[str, Any]) -> None:
        if prepared.kind == "mutation":
            raise _mutation_by_get()
        if self._private_arguments.are_in(prepared, variables):
            names = ", ".join(sorted(PRIVATE_ARGUMENTS))
            raise RequestRejected(
                405, f"Use POST: arguments that hold personal data ({names}) never stand in a URL.", headers=_ONLY_POST
            )

    async def _stream(self, prepared: Prepared, asked: GraphQLRequest, context: Context, request: Request) -> Answer:
        if not takes_streams(request.headers.get("accept")):
            self._house.accounts.refused(_NO_SUBSCRIPTION["extensions"], context, prepared)
            raise RequestRefused([_NO_SUBSCRIPTION], prepared.kind)
        await self._house.before(prepared, asked.variables, context)
        ending: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def ended() -> None:
            sse.end(ending, sse.failure([self._house.executor.encoded(Unauthenticated())]))

        try:
            session = await self._admitted(self._house.sessions.open(*self._said(request), ended), context.address)
        except TooManySessions as error:
            raise RequestTooLarge(429, str(error), error.limit, {"retry-after": "60"}) from None
        last_event_id = request.headers.get(LAST_EVENT_ID_HEADER)
        frames = self._streams.open(
            prepared, asked.variables, last_event_id, session.make_context, session.is_certain, ending
        )
        return EventStreamResponse(frames, session, _STREAM_HEADERS)


_ONLY_POST = {"allow": "POST"}
_NO_SUBSCRIPTION = refusal(
    f"Subscriptions need 'Accept: {EVENT_STREAM}', or graphql-transport-ws at the same address.", BAD_USER_INPUT
)


def _mutation_by_get() -> RequestRejected:
    return RequestRejected(405, "Use POST: a mutation is never executed by GET.", headers=_ONLY_POST)


def _response(
    answer: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    status: int,
    media_type: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = orjson.dumps(answer)
    return PlainResponse(sse.whole(body) if media_type == EVENT_STREAM else body, status, media_type, headers)

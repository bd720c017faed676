"""GraphQL over HTTP: the specification's edition of September 2026, with POST and GET.

A request that is not a well-formed GraphQL request gets 4xx, with the reason as a GraphQL error. A well-formed one
gets the status that its media type wants: with application/json and text/event-stream always 200; with
application/graphql-response+json 200, 294 for data with errors, and 400 when nothing was executed.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import orjson
from graphql import ArgumentNode, DocumentNode, FieldNode, Node, ObjectFieldNode, Visitor, visit
from msgspec import Struct
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from engine.codes import BAD_USER_INPUT, LIMIT_EXCEEDED
from engine.prepared import Prepared
from engine.responses import RequestRefused, refusal
from omniloket.access_log import begin_request
from omniloket.addresses import address_of
from omniloket.disconnects import WhileConnected
from omniloket.event_streams import EventStreamResponse
from omniloket.house import FREE_BODY_BYTES, House
from omniloket.media_types import EVENT_STREAM, GRAPHQL, JSON, MOST_CHARACTERS, parsed, preferred, takes_streams
from omniloket.plain_messages import HEADERS, PlainRequest, PlainResponse
from omniloket.refusals import ComeBackLater
from omniloket.sessions import TooManySessions
from resolvers.context import Context
from resolvers.errors import Unauthenticated
from subscriptions import sse
from subscriptions.asking import PARAMETERS, GraphQLRequest, RequestMalformed, read_request

PRIVATE_ARGUMENTS = frozenset({"bsn", "phone", "email", "name"})
"""Arguments and input fields that never stand in a URL."""

PURPOSE_HEADER = "Omniloket-Purpose"
"""The header, and the key in connection_init, that says what personal data are asked for."""

COOKIE_HEADER = "Omniloket-Cookie"
"""The header that a token in a cookie needs beside it. Neither a form nor a link can send one, and a script of another
site only after a preflight, which is never answered here: so nobody else's page asks with a user's cookie."""

LAST_EVENT_ID_HEADER = "Last-Event-ID"

REQUEST_HEADER = b"omniloket-request"
"""The header of each answer with the id under which the logs speak of the request."""

PARTIAL_SUCCESS = 294

_STREAM_HEADERS = {**HEADERS, "content-type": f"{EVENT_STREAM}; charset=utf-8", "x-accel-buffering": "no"}

Answer = Response | EventStreamResponse

T = TypeVar("T")


class RequestRejected(Exception):
    """Not a GraphQL request, or one that this server does not take; answered with `status`."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str = BAD_USER_INPUT,
        headers: Mapping[str, str] | None = None,
        **extensions: str,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = refusal(message, code, **extensions)
        self.headers = headers or {}


class RequestTooLarge(RequestRejected):
    """Beyond a limit, by the name of its setting."""

    def __init__(self, status: int, message: str, limit: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message, LIMIT_EXCEEDED, headers, limit=limit)


class GraphQLEndpoint:
    """The ASGI application at the GraphQL address, for HTTP. Subscriptions are `streams`."""

    def __init__(self, house: House, streams: sse.EventStreams) -> None:
        self._house = house
        self._streams = streams
        self._max_body_bytes = house.settings.max_body_bytes
        self._cookie = house.settings.cookie
        self._looked_at: WeakKeyDictionary[Prepared, _Names] = WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = PlainRequest(scope, receive)
        request_header = REQUEST_HEADER, begin_request().encode()
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
            context = await self._context(request)
            prepared = self._prepared(asked, context, is_get=request.method == "GET")
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
        """Counted, and made where no frame keeps it: with what it was raised in, it would be a circle."""
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
            asked = _well_formed(given)
            context = await self._context(request)
            prepared = self._prepared(asked, context, is_get=False)
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
            body = await self._body(request)
            if len(body) > FREE_BODY_BYTES:
                self._house.charge_body(len(body), await self._context(request))
            given = _json(body, "The body")
            return self._batch(cast("list[object]", given)) if isinstance(given, list) else _well_formed(given)
        if request.method == "GET":
            most = self._house.settings.requests.url_bytes
            if len(request.scope["query_string"]) > most:
                raise RequestTooLarge(414, f"A URL may have at most {most} bytes after its '?'.", "url_bytes")
            return _well_formed(dict(_parameters(request)))
        raise RequestRejected(405, "Use POST or GET.", headers={"allow": "GET, POST"})

    def _batch(self, given: list[object]) -> list[object]:
        most = self._house.settings.requests.batch
        if most == 0:
            raise RequestRejected(400, "One request at a time: the body must be an object, not a list.")
        if len(given) > most:
            raise RequestTooLarge(400, f"A batch may have at most {most} requests.", "batch")
        if not given:
            raise RequestRejected(400, "The batch is empty.")
        return given

    async def _body(self, request: Request) -> bytes:
        _check_content(request)
        announced = request.headers.get("content-length", "0")
        if announced.isdigit() and int(announced) > self._max_body_bytes:
            raise self._too_large()
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._max_body_bytes:
                raise self._too_large()
        return bytes(body)

    def _too_large(self) -> RequestRejected:
        """Made here for the same reason: it would keep what has come of the body."""
        message = f"The body may have at most {self._max_body_bytes} bytes."
        return RequestTooLarge(413, message, "max_body_bytes", {"connection": "close"})

    def _said(self, request: Request) -> tuple[str | None, str | None, str]:
        """Who asks, what for, and from where."""
        return _authorization(request, self._cookie), request.headers.get(PURPOSE_HEADER), address_of(request.scope)

    async def _context(self, request: Request) -> Context:
        """A fresh context for whoever asks."""
        return await self._admitted(self._house.context(*self._said(request)), address_of(request.scope))

    async def _admitted(self, asking: Awaitable[T], address: str) -> T:
        """What the token gives; one that does not hold is paid for by the address that it comes from."""
        try:
            return await asking
        except Unauthenticated as error:
            self._house.charge_bad_token(address)
            challenge = {"www-authenticate": 'Bearer error="invalid_token"'}
            raise RequestRejected(401, str(error), error.code, challenge) from None

    def _prepared(self, asked: GraphQLRequest, context: Context, *, is_get: bool) -> Prepared:
        prepared = self._house.prepare(asked.query, asked.document_id, asked.operation_name, context)
        if is_get and prepared.kind == "mutation":
            raise _mutation_by_get()
        if is_get and self._has_private_arguments(prepared, asked.variables):
            names = ", ".join(sorted(PRIVATE_ARGUMENTS))
            raise RequestRejected(
                405, f"Use POST: arguments that hold personal data ({names}) never stand in a URL.", headers=_ONLY_POST
            )
        return prepared

    def _has_private_arguments(self, prepared: Prepared, variables: Mapping[str, Any]) -> bool:
        """Whether a document names any, which is worked out once, or its variables do.

        What a variable is for, is said where it stands. Its own name says nothing, unless the operation has none such.
        """
        names = self._looked_at.get(prepared)
        if names is None:
            names = self._looked_at[prepared] = _names(prepared)
        if names.are_private:
            return True
        inside = _keys(list(variables.values()))
        return any(name in PRIVATE_ARGUMENTS for name in chain(variables.keys() - names.declared, inside))

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


def _authorization(request: Request, cookie: str | None) -> str | None:
    """The Authorization header; without one, the token in the cookie that the settings name."""
    given = request.headers.get("authorization")
    token = None if cookie is None else _cookie(request.headers.getlist("cookie"), cookie)
    if given is not None or not token:
        return given
    if not request.headers.get(COOKIE_HEADER):
        raise RequestRejected(400, f"A token in a cookie needs the header '{COOKIE_HEADER}: 1' beside it.")
    return f"Bearer {token}"


def _cookie(headers: Sequence[str], name: str) -> str | None:
    """What a cookie holds (RFC 6265, section 5.4), if it is there; the last one, where there are several.

    Never unquoted: no token has quotes, and `http.cookies` takes time for it that grows with the square of the header
    (CVE-2024-7592), eleven seconds for 60 KB.
    """
    found: str | None = None
    for pair in ";".join(headers).split(";"):
        key, _, value = pair.partition("=")
        if key.strip() == name:
            found = value.strip().strip('"')
    return found


def _mutation_by_get() -> RequestRejected:
    return RequestRejected(405, "Use POST: a mutation is never executed by GET.", headers=_ONLY_POST)


def _check_content(request: Request) -> None:
    """JSON in UTF-8, uncompressed; anything else is 415."""
    content_type = request.headers.get("content-type")
    content = parsed(content_type or "")
    if content.type != JSON:
        raise RequestRejected(415, f"'Content-Type' must be {JSON}.", headers={"accept": JSON})
    if not content.is_utf8:
        raise RequestRejected(415, "The body must be in UTF-8.", headers={"accept": JSON})
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise RequestRejected(415, "The body must not be compressed.", headers={"accept-encoding": "identity"})


def _parameters(request: Request) -> Iterator[tuple[str, Any]]:
    """The parameters of a GET: an empty `operationName` is none, the maps are JSON."""
    given = request.query_params
    for name, (kind, _) in PARAMETERS.items():
        values = given.getlist(name)
        if len(values) > 1:
            raise RequestRejected(400, f"'{name}' stands in the URL more than once.")
        if not values or (values[0] == "" and name != "query"):
            continue
        yield name, values[0] if kind is str else _json(values[0].encode(), f"'{name}'")


def _json(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise RequestRejected(400, f"{what} is not JSON in UTF-8 (RFC 8259).") from None


def _well_formed(given: object) -> GraphQLRequest:
    if not isinstance(given, dict):
        raise RequestRejected(400, "The body must be a JSON object with 'query'.")
    try:
        return read_request(cast("dict[str, Any]", given))
    except RequestMalformed as malformed:
        raise RequestRejected(400, str(malformed)) from None


class _Names(Struct, frozen=True):
    """What a look at a document finds: whether it names private arguments, and which variables it declares."""

    are_private: bool
    declared: frozenset[str]


def _names(prepared: Prepared) -> _Names:
    declared = frozenset(each.variable.name.value for each in prepared.operation.variable_definitions or ())
    return _Names(not PRIVATE_ARGUMENTS.isdisjoint(_argument_names(prepared.document)), declared)


def _argument_names(document: DocumentNode) -> Iterable[str]:
    finder = _ArgumentNames()
    visit(document, finder)
    return finder.names


class _ArgumentNames(Visitor):
    """Names of arguments and input fields. Those of introspection fields, as `__type(name:)`, are not data."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_field(self, node: FieldNode, *_: object) -> Any:
        return self.SKIP if node.name.value.startswith("__") else None

    def enter(self, node: Node, *_: object) -> None:
        if isinstance(node, ArgumentNode | ObjectFieldNode):
            self.names.add(node.name.value)


def _keys(value: object) -> Iterator[str]:
    """The keys of objects at any depth; without recursion, since JSON may be nested deeper than Python's stack."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield from cast("dict[str, Any]", each)
            waiting.extend(cast("dict[str, Any]", each).values())
        elif isinstance(each, list):
            waiting.extend(cast("list[Any]", each))


def of_errors(media_type: str | None) -> str:
    """The form of an answer that is no GraphQL answer."""
    return media_type if media_type in (GRAPHQL, JSON) else JSON


def _response(
    answer: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    status: int,
    media_type: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = orjson.dumps(answer)
    return PlainResponse(sse.whole(body) if media_type == EVENT_STREAM else body, status, media_type, headers)

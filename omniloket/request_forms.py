"""The forms that a request over HTTP has, in a body or in a URL, and how one is refused that has none of them."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import orjson
from starlette.requests import Request

from engine.codes import BAD_USER_INPUT, LIMIT_EXCEEDED
from engine.responses import refusal
from omniloket.media_types import JSON, parsed
from subscriptions.asking import PARAMETERS, GraphQLRequest, RequestMalformed, read_request


class RequestRejected(Exception):
    """Not a GraphQL request, or one that this server does not take; answered with `status` and `error`."""

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


async def body_of(request: Request, most: int) -> bytes:
    """The body of a POST: JSON in UTF-8, of so many bytes at most. Raises RequestRejected."""
    _check_content(request)
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > most:
        raise _too_large(most)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise _too_large(most)
    return bytes(body)


def in_url(request: Request, most: int) -> GraphQLRequest:
    """The request of a GET, whose parameters have so many bytes at most. Raises RequestRejected."""
    if len(request.scope["query_string"]) > most:
        raise RequestTooLarge(414, f"A URL may have at most {most} bytes after its '?'.", "url_bytes")
    return well_formed(dict(_parameters(request)))


def in_body(body: bytes, most: int) -> GraphQLRequest | list[object]:
    """The request of a POST; a list, which may be so long, where it is a batch. Raises RequestRejected."""
    given = _json(body, "The body")
    return _batch(cast("list[object]", given), most) if isinstance(given, list) else well_formed(given)


def well_formed(given: object) -> GraphQLRequest:
    """A request in JSON; raises RequestRejected for what is none."""
    if not isinstance(given, dict):
        raise RequestRejected(400, "The body must be a JSON object with 'query'.")
    try:
        return read_request(cast("dict[str, Any]", given))
    except RequestMalformed as malformed:
        raise RequestRejected(400, str(malformed)) from None


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


def _too_large(most: int) -> RequestRejected:
    """Built outside the raising frame, whose traceback would keep the body alive."""
    message = f"The body may have at most {most} bytes."
    return RequestTooLarge(413, message, "max_body_bytes", {"connection": "close"})


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


def _batch(given: list[object], most: int) -> list[object]:
    if most == 0:
        raise RequestRejected(400, "One request at a time: the body must be an object, not a list.")
    if len(given) > most:
        raise RequestTooLarge(400, f"A batch may have at most {most} requests.", "batch")
    if not given:
        raise RequestRejected(400, "The batch is empty.")
    return given


def _json(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise RequestRejected(400, f"{what} is not JSON in UTF-8 (RFC 8259).") from None

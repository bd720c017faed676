"""Responses, and the client form of errors (GraphQL specification, section 7.1).

They never repeat a value that was given; graphql-core's own messages do.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from graphql import ArgumentNode, GraphQLError, ValueNode

from engine.codes import BAD_USER_INPUT, LIMIT_EXCEEDED, PARSE_FAILED, VALIDATION_FAILED
from engine.limits import Exceeded

Response = dict[str, Any]
"""A GraphQL response (section 7.1): `data` once execution began, `errors` where there are any."""

EncodeError = Callable[[Exception], tuple[str, dict[str, Any]]]
"""From an exception to the message and extensions that a client may see."""

Known = dict[int, tuple[str, dict[str, Any]]]
"""What clients see of exceptions, by their `id()`: to be used only as long as something keeps the exceptions."""

_ARGUMENT_NODES = (ArgumentNode, ValueNode)
"""What graphql-core's errors point at that come of an argument, and no others."""

_VALUE_IN_MESSAGE = re.compile(
    r"(,| |;|\.)? ?((, )?but encountered error|found|Found)\b.*|(?<= value)(?<!has invalid value): .*", re.DOTALL
)
_ENUM_VALUE = re.compile(r"\bValue '[^']*' does not exist")
_TEXT_IN_SYNTAX_ERROR = re.compile(r"(?<=String) ['\"].*", re.DOTALL)
_EIGHT_OR_NINE_DIGITS = re.compile(r"(?<!\d)\d{8,9}(?!\d)", re.ASCII)


class RequestRefused(Exception):
    """The request cannot be executed; `errors` are in their client form.

    `kind` is the operation's, where the document tells: query, mutation or subscription.
    """

    def __init__(self, errors: Sequence[Response], kind: str | None = None) -> None:
        super().__init__("the request was refused")
        self.errors = errors
        self.kind = kind


class StreamFailed(Exception):
    """A subscription's source ended with an error; `errors` are in their client form."""

    def __init__(self, errors: Sequence[Response]) -> None:
        super().__init__("the stream failed")
        self.errors = errors


def formatted(error: GraphQLError, encode: EncodeError, known: Known) -> Response:
    """A field error. What graphql-core found out itself, as null where none may be, is our fault and masked.

    But null for an argument that may not be, by a variable that may, is the client's. `known`: what is said of
    causes by their identity, since one that many fields failed for is told of once.
    """
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, GraphQLError) and cause.nodes and isinstance(cause.nodes[0], _ARGUMENT_NODES):
        return _of_core(_without_value(cause.message), BAD_USER_INPUT, error)
    if id(cause) not in known:
        known[id(cause)] = encode(cause)
    return _client_form(*known[id(cause)], error)


def refusal(message: str, code: str, **extensions: object) -> Response:
    """The client form of why a request is refused, in words of ours, which hold nothing that was given.

    `extensions` are what else a program may want to know of it.
    """
    return {"message": message, "extensions": {"code": code, **extensions}}


def beyond(exceeded: Exceeded) -> Response:
    """The client form of a document, or its variables, beyond a limit."""
    return refusal(str(exceeded), LIMIT_EXCEEDED, limit=exceeded.limit)


def unparsed(error: GraphQLError) -> Response:
    """The client form of an error of syntax."""
    return _of_core(_TEXT_IN_SYNTAX_ERROR.sub("", error.message), PARSE_FAILED, error)


def invalid(error: GraphQLError) -> Response:
    """The client form of an error of validation. A literal that does not fit is not repeated."""
    is_about_a_literal = (
        error.message.startswith(("Expected value of", "Value '")) or " cannot represent " in error.message
    )
    return _of_core(_without_value(error.message) if is_about_a_literal else error.message, VALIDATION_FAILED, error)


def unfit(errors: Sequence[GraphQLError]) -> RequestRefused:
    """The refusal of variables that do not fit, which are not repeated."""
    return RequestRefused([_of_core(_without_value(error.message), BAD_USER_INPUT, error) for error in errors])


def undecided(variable: str) -> Response:
    """A variable that is null, by its name, and decides whether something is asked at all."""
    message = f"Variable '${variable}' may not be null: @include or @skip wants a Boolean."
    return refusal(_without_numbers(message), BAD_USER_INPUT)


def _of_core(message: str, code: str, error: GraphQLError) -> Response:
    return _client_form(message, {"code": code}, error)


def _client_form(message: str, extensions: dict[str, Any], error: GraphQLError) -> Response:
    form: Response = {"message": _without_numbers(message)}
    if error.locations:
        form["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        form["path"] = list(error.path)
    return {**form, "extensions": extensions}


def _without_numbers(message: str) -> str:
    """A message without what may be a citizen service number."""
    return _EIGHT_OR_NINE_DIGITS.sub("…", message)


def _without_value(message: str) -> str:
    """A message without the value that it is about: it may be a citizen service number or a name."""
    said = _ENUM_VALUE.sub("The value does not exist", message).replace(" not to be None", " not to be null")
    kept = _VALUE_IN_MESSAGE.sub("", said).rstrip(" ,;.:")
    return kept if kept.endswith("?") else kept + "."

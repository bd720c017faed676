"""The client form of what resolvers and sources raise: a sentence, and a stable `extensions.code`.

That of requests that are refused before is in engine/responses.py.

Never SQL, a host, a stack or personal data. An unknown error goes to the log with an id, and the client gets the id.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from engine.codes import INTERNAL, SOURCE_TIMEOUT, SOURCE_UNAVAILABLE
from resolvers.errors import RequestError, SlowConsumer
from sources.errors import RecordMalformed, SourceError, SourceTimedOut

ClientForm = tuple[str, dict[str, Any]]


def encoder(log: Callable[[str, Exception], None]) -> Callable[[Exception], ClientForm]:
    """A function from an exception to message and extensions.

    `log` gets the id and the cause of what is not the client's doing.
    """

    def encode(error: Exception) -> ClientForm:
        if isinstance(error, RequestError):
            return str(error), _of_request(error)
        incident = uuid4().hex
        log(incident, error)
        if isinstance(error, SourceError):
            return str(error), _of_source(error, incident)
        return "Something went wrong here. The log knows the id.", {"code": INTERNAL, "id": incident}

    return encode


def _of_request(error: RequestError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": error.code}
    if isinstance(error, SlowConsumer):
        extensions["cursor"] = error.cursor
    return extensions


def _of_source(error: SourceError, incident: str) -> dict[str, Any]:
    if isinstance(error, RecordMalformed):
        return {"code": INTERNAL, "source": error.source, "field": error.field, "id": incident}
    code = SOURCE_TIMEOUT if isinstance(error, SourceTimedOut) else SOURCE_UNAVAILABLE
    return {"code": code, "source": error.source, "id": incident}

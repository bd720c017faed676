"""What a request asks, over whichever transport it comes: one reading, and one refusal of what is malformed."""

from collections.abc import Mapping
from typing import Any, cast

from msgspec import Struct, field

PARAMETERS: Mapping[str, tuple[type, str]] = {
    "query": (str, "a string"),
    "operationName": (str, "a string"),
    "variables": (dict, "an object"),
    "extensions": (dict, "an object"),
    "documentId": (str, "a string"),
}
"""The parameters of a request by their names, with the type that each is of, where it is given."""


class RequestMalformed(Exception):
    """Parameters that are no GraphQL request; the message says which one, and what it takes."""


class GraphQLRequest(Struct, frozen=True):
    """The parameters of a well-formed request. `document_id` is empty where there is none."""

    query: str | None
    document_id: str = ""
    operation_name: str | None = None
    variables: dict[str, Any] = field(default_factory=dict[str, Any])
    wants_cost: bool = False


def read_request(parameters: Mapping[str, Any]) -> GraphQLRequest:
    """The request, each of its parameters of its type; those that are not known here are ignored.

    Raises RequestMalformed.
    """
    for name, (kind, wanted) in PARAMETERS.items():
        value = parameters.get(name)
        if value is not None and not isinstance(value, kind):
            raise RequestMalformed(f"'{name}' must be {wanted}.")
    document_id = _identifier(parameters)
    if document_id is None and parameters.get("query") is None:
        raise RequestMalformed("'query' is missing: the text of a GraphQL document, or else its 'documentId'.")
    extensions: dict[str, Any] = parameters.get("extensions") or {}
    return GraphQLRequest(
        parameters.get("query"),
        document_id or "",
        parameters.get("operationName"),
        parameters.get("variables") or {},
        wants_cost=extensions.get("cost") is True,
    )


def _identifier(parameters: Mapping[str, Any]) -> str | None:
    """The id by which a document is asked for, or is to be known: `documentId`, or else Apollo's `persistedQuery`."""
    given: str | None = parameters.get("documentId")
    if given is not None:
        return given
    extensions: dict[str, Any] = parameters.get("extensions") or {}
    persisted = extensions.get("persistedQuery")
    found = cast("dict[str, Any]", persisted).get("sha256Hash") if isinstance(persisted, dict) else None
    return found if isinstance(found, str) else None

"""What requests have in common, over whichever transport they come."""

from collections.abc import Mapping
from typing import Any, cast


def identifier_of(parameters: Mapping[str, Any]) -> str | None:
    """The id by which a document is asked for, or is to be known: `documentId`, or else Apollo's `persistedQuery`."""
    given = parameters.get("documentId")
    if isinstance(given, str):
        return given
    extensions = parameters.get("extensions")
    persisted = cast("dict[str, Any]", extensions).get("persistedQuery") if isinstance(extensions, dict) else None
    found = cast("dict[str, Any]", persisted).get("sha256Hash") if isinstance(persisted, dict) else None
    return found if isinstance(found, str) else None

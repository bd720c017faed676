"""Content negotiation (RFC 9110, section 12.5.1) between the media types of a GraphQL response."""

from dataclasses import dataclass
from functools import lru_cache

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"

_OFFERED = (GRAPHQL, JSON)
"""In the server's order of preference."""

MOST_CHARACTERS = 1_000
"""Of a header that is read here; the longest of a browser has some 150. A longer one is ignored."""

_REMEMBERED = 100
"""Headers whose meaning is kept: all clients of one kind send the same."""


@dataclass(frozen=True)
class MediaRange:
    """A media type with its parameters, all in lower case; as a range it may hold `*`."""

    type: str
    parameters: dict[str, str]

    @property
    def is_utf8(self) -> bool:
        return self.parameters.get("charset", "utf-8") in ("utf-8", "utf8")

    @property
    def quality(self) -> float:
        """The weight, 0 to 1; a malformed one counts as 0, which is "not acceptable"."""
        try:
            weight = float(self.parameters.get("q", "1"))
        except ValueError:
            return 0.0
        return weight if 0 <= weight <= 1 else 0.0


def parsed(text: str) -> MediaRange:
    """A media type or range as a header writes it: `application/json; charset=utf-8`."""
    return _parsed(text[:MOST_CHARACTERS])


@lru_cache(_REMEMBERED)
def _parsed(text: str) -> MediaRange:
    essence, *rest = text.split(";")
    pairs = (part.partition("=") for part in rest)
    parameters = {name.strip().lower(): value.strip().strip('"').lower() for name, _, value in pairs if name.strip()}
    return MediaRange(essence.strip().lower(), parameters)


def preferred(accept: str | None) -> str | None:
    """The media type for an answer, or None when the client accepts none. No header accepts everything.

    A stream only when nothing else is accepted: clients list it among others for their subscriptions.
    """
    if accept is None or not accept.strip():
        return GRAPHQL
    return _preferred(accept) if len(accept) <= MOST_CHARACTERS else None


@lru_cache(_REMEMBERED)
def _preferred(accept: str) -> str | None:
    ranges = _ranges(accept)
    weights = {offered: _weight(offered, ranges) for offered in _OFFERED}
    best = max(_OFFERED, key=lambda offered: weights[offered])
    if weights[best] > 0:
        return best
    return EVENT_STREAM if takes_streams(accept) else None


def takes_streams(accept: str | None) -> bool:
    """Whether the client asks for streams by name: who accepts everything might wait for an end."""
    named = [each for each in _ranges(accept or "") if each.type != "*/*"]
    return _weight(EVENT_STREAM, named) > 0


def of_errors(media_type: str | None) -> str:
    """The form of an answer that is no GraphQL answer."""
    return media_type if media_type in (GRAPHQL, JSON) else JSON


def _ranges(accept: str) -> list[MediaRange]:
    if len(accept) > MOST_CHARACTERS:
        return []
    return [parsed(part) for part in accept.split(",") if part.strip()]


def _weight(offered: str, ranges: list[MediaRange]) -> float:
    """The weight of the most specific range that matches."""
    matching = [(len(each.type.replace("*", "")), each.quality) for each in ranges if _matches(offered, each)]
    return max(matching, default=(0, 0.0))[1]


def _matches(offered: str, each: MediaRange) -> bool:
    return each.is_utf8 and each.type in (offered, offered.split("/")[0] + "/*", "*/*")

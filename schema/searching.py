"""What an argument searches by: declared beside it, so that nobody looks for what is hidden from them.

A filter tells as much as the field does: who may not read e-mail addresses could still ask whose this one is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import strawberry

from resolvers.context import Context
from resolvers.errors import Forbidden

_KEY = "searches"

Searches = Mapping[str, Sequence[str]]
"""For arguments by name: the fields that they search by, as `Type.field`."""


def by(*coordinates: str) -> Mapping[Any, Any]:
    """The metadata of an input's field: which fields it searches by. `by()`: none, since nothing is learned by it."""
    return {_KEY: coordinates}


def refuse_hidden(context: Context, given: Mapping[str, Any], searches: Searches) -> None:
    """Raises Forbidden where the arguments search by a field that is hidden from the viewer's role."""
    hidden = context.services.hidden.get(context.viewer.role)
    if hidden and not hidden.isdisjoint(_sought(given, searches)):
        raise Forbidden


@cache
def searches_of(input_type: type) -> Searches:
    """What each field of an input searches by; one that does not say is not in it."""
    return {each.name: each.metadata[_KEY] for each in fields(input_type) if _KEY in each.metadata}


def _sought(given: Mapping[str, Any], searches: Searches) -> Iterator[str]:
    """What is searched by at any depth; what was left out or null narrows nothing."""
    for name, value in given.items():
        if value is None or value is strawberry.UNSET:
            continue
        yield from searches.get(name, ())
        if is_dataclass(value) and not isinstance(value, type):
            kind = type(value)
            yield from _sought({each.name: getattr(value, each.name) for each in fields(kind)}, searches_of(kind))

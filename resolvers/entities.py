"""Entities as a federation gateway asks for them: many at once, of mixed types, each by one of its keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from msgspec import Struct

from resolvers.context import Context
from resolvers.errors import BadUserInput
from resolvers.ids import key_of
from resolvers.nodes import of_keys
from sources.records import Key

MOST = 1000
"""Representations in one question at most."""

KEYS: Mapping[str, Sequence[str]] = {
    "Agent": ("id",),
    "Channel": ("code",),
    "Citizen": ("id",),
    "Contact": ("id",),
    "Journey": ("id",),
    "Report": ("id", "number"),
}
"""The entities, and the fields by which each may be asked for. A citizen service number is never one."""


class Representation(Struct, frozen=True):
    """Which entity is meant, as another subgraph knows it: by id, by its own key (`code`, `number`), or by both."""

    type_name: str
    id: str | None = None
    own_key: str | None = None


def representation(given: object) -> Representation | BadUserInput:
    """What a gateway's representation says, or what is wrong with it. Fields that are no key are ignored."""
    if not isinstance(given, dict):
        return BadUserInput("A representation is an object with '__typename' and a key.")
    fields = cast("dict[str, Any]", given)
    type_name = fields.get("__typename")
    if not isinstance(type_name, str) or type_name not in KEYS:
        return BadUserInput(f"'__typename' takes the name of an entity: {', '.join(KEYS)}.")
    names = KEYS[type_name]
    keys = {name: fields[name] for name in names if fields.get(name) is not None}
    if not keys:
        return BadUserInput(f"A representation of {type_name} needs a key: {' or '.join(names)}.")
    for name, key in keys.items():
        if not isinstance(key, str):
            return BadUserInput(f"'{name}' of {type_name} takes a string.")
    return Representation(type_name, keys.pop("id", None), next(iter(keys.values()), None))


async def entities(
    roots: Sequence[None],
    context: Context,
    *,
    representations: Sequence[Representation | BadUserInput],
) -> Sequence[object]:
    """The record of each representation, in order: one batch for each type among them.

    None for what does not exist or is not for the viewer's eyes. A malformed representation has its own error.
    """
    if len(representations) > MOST:
        raise BadUserInput(f"'representations' takes at most {MOST}, but got: {len(representations)}.")
    keys = [_key(each, context) for each in representations]
    found = iter(await of_keys([key for key in keys if not isinstance(key, Exception)], context))
    return [[key if isinstance(key, Exception) else next(found) for key in keys]] * len(roots)


def _key(given: Representation | BadUserInput, context: Context) -> tuple[str, Key] | Exception:
    """Type and the key that its source knows, or why there is none."""
    if isinstance(given, BadUserInput):
        return given
    refused = context.refused_by_id(given.type_name)
    if refused is not None:
        return refused
    if given.id is None:
        return given.type_name, given.own_key or ""
    key = key_of(given.id, context, given.type_name)
    if key is None:
        return BadUserInput(f"'id' takes the id of a {given.type_name}, as it was given out here.")
    if given.own_key is not None and given.own_key != key:
        return BadUserInput(f"The keys of a representation of {given.type_name} name different ones.")
    return given.type_name, key


@dataclass(frozen=True)
class Service:
    """What this subgraph says of itself to whoever composes it with others."""

    sdl: str


def services(roots: Sequence[None], context: Context) -> Sequence[Service]:
    return [Service(context.services.subgraph)] * len(roots)

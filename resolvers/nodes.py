"""Any object by its global id: an id that is foreign, absent, or not for the viewer's eyes gives None.

An id of a type that the viewer's role may not look for gives Forbidden, whether there is such an object or not.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from resolvers.context import Context
from resolvers.errors import BadUserInput
from resolvers.ids import source_key
from sources.ports import Collection, Sources
from sources.records import Key

COLLECTIONS: dict[str, Callable[[Sources], Collection[Any, Any]]] = {
    "Agent": lambda sources: sources.agents,
    "Attachment": lambda sources: sources.attachments,
    "Channel": lambda sources: sources.channels,
    "Citizen": lambda sources: sources.citizens,
    "Contact": lambda sources: sources.contacts,
    "Handover": lambda sources: sources.handovers,
    "Journey": lambda sources: sources.journeys,
    "Report": lambda sources: sources.reports,
    "StatusChange": lambda sources: sources.status_changes,
}
"""Where the objects of each type with an id are found by it. `schema.rules` refuses a type that is not here."""


async def node(roots: Sequence[None], context: Context, *, id: str) -> Sequence[object]:
    return list(await _found([id], context)) * len(roots)


async def nodes(roots: Sequence[None], context: Context, *, ids: tuple[str, ...]) -> Sequence[object]:
    """The object of each id, in order; one batch for each type among them. An id whose source fails has an error."""
    most = context.services.max_page_size
    if len(ids) > most:
        raise BadUserInput(f"'ids' takes at most {most} ids, but got: {len(ids)}.")
    return [list(await _found(ids, context))] * len(roots)


async def _found(global_ids: Sequence[str], context: Context) -> Sequence[object]:
    keys = [source_key(global_id, context) for global_id in global_ids]
    refused = [None if key is None else context.refused_by_id(key[0]) for key in keys]
    allowed = [None if refusal else key for key, refusal in zip(keys, refused, strict=True)]
    found = await of_keys(allowed, context)
    return [refusal or each for refusal, each in zip(refused, found, strict=True)]


async def of_keys(keys: Sequence[tuple[str, Key] | None], context: Context) -> Sequence[object]:
    """The object of each type and key, in order; one batch for each type among them."""
    return await asyncio.gather(*(_one(key, context) for key in keys))


async def _one(key: tuple[str, Key] | None, context: Context) -> object:
    find = None if key is None else COLLECTIONS.get(key[0])
    if key is None or find is None:
        return None
    return (await context.records(find(context.sources), [key[1]]))[0]

"""One record for each parent, by its key in the source that owns it."""

from collections.abc import Sequence
from typing import Any, TypeVar

from engine.batching import Partial
from resolvers.context import Context
from sources.paging import ALL, Page
from sources.ports import Collection
from sources.records import Key

R = TypeVar("R")


async def alone(context: Context, collection: Collection[Any, Any], key: Key | None, parents: int) -> Sequence[object]:
    """The same record for every parent: a root field has one parent, however often an executor repeats it."""
    return list(await context.records(collection, [key])) * parents


async def lists_of(
    collection: Collection[R, Any], link: str, parent_ids: Sequence[Key], context: Context
) -> Sequence[Sequence[R] | Partial[Sequence[R]]]:
    """Every row that hangs on each parent, for lists that are short by nature."""
    pages = await collection.of_parents(link, parent_ids, ALL, context.scope)
    return [_rows(page) for page in pages]


def _rows(page: Page[R]) -> Sequence[R] | Partial[Sequence[R]]:
    return Partial(page.rows, list(page.malformed)) if page.malformed else page.rows

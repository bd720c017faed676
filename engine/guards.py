"""Guards: whether a field may be answered at all in a context, asked once for a field and not for each object.

A guard stands in the field's `extensions`, where a breadth-first executor finds it; under graphql-core it is asked
before the field's own resolver.
"""

from collections.abc import Callable
from typing import Any, cast

import graphql
from graphql import GraphQLField

GUARD_KEY = "guard"

Guard = Callable[[Any], Exception | None]
"""From a context to the reason why the field may not be seen in it, or None."""


def guard(field: GraphQLField, refuse: Guard) -> None:
    """Puts a guard before a field: before the subscription of one that has it, else before its resolver."""
    field.extensions = {**field.extensions, GUARD_KEY: refuse}
    if field.subscribe is not None:
        field.subscribe = _guarded(field.subscribe, refuse)
    else:
        field.resolve = _guarded(field.resolve or cast("Any", graphql).default_field_resolver, refuse)


def guard_of(field: GraphQLField) -> Guard | None:
    """The guard that stands before a field."""
    return field.extensions.get(GUARD_KEY)


def _guarded(resolve: Callable[..., Any], refuse: Guard) -> Callable[..., Any]:
    def guarded(root: Any, info: Any, **arguments: Any) -> Any:
        refused = refuse(info.context)
        if refused is not None:
            raise refused
        return resolve(root, info, **arguments)

    return guarded

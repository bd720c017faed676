"""What Strawberry offers and plans have not: a schema that relies on it is refused when the server starts.

A plan calls the batched resolver itself. What Strawberry would do around it has to be done in its declaration: who
may see the field by `engine.guards`, what its arguments become by `prepare`.
"""

from collections.abc import Iterator
from inspect import iscoroutinefunction
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema
from strawberry.schema.schema_converter import GraphQLCoreConverter

from engine.batching import METADATA_KEY
from engine.guards import guard
from engine.runtime_types import DEFINITION

_KNOWN = (GraphQLCoreConverter.__module__, guard.__module__)
"""Where a field's resolver comes from: Strawberry, and guards."""


class FeatureIgnored(Exception):
    """The schema relies on something that would silently not happen."""


def refuse_ignored(schema: GraphQLSchema) -> None:
    """Raises FeatureIgnored with everything in the schema that would be ignored."""
    found = list(_found(schema))
    if found:
        raise FeatureIgnored(f"Fields are executed without what Strawberry does around them: {'; '.join(found)}.")


def _found(schema: GraphQLSchema) -> Iterator[str]:
    strawberrys: Any = schema.extensions.get(DEFINITION)
    if strawberrys is not None and strawberrys.extensions:
        yield f"the schema has extensions ({', '.join(map(str, strawberrys.extensions))})"
    for type_ in schema.type_map.values():
        for name in ("is_type_of", "resolve_type"):
            if iscoroutinefunction(getattr(type_, name, None)):
                yield f"{type_}.{name} has to be awaited"
        if isinstance(type_, GraphQLObjectType):
            yield from _of_fields(type_, strawberrys)


def _of_fields(type_: GraphQLObjectType, strawberrys: Any) -> Iterator[str]:
    for name, field in type_.fields.items():
        definition: Any = field.extensions.get(DEFINITION)
        if definition is None:
            continue
        if field.resolve is None or field.resolve.__module__ not in _KNOWN:
            yield f"{type_}.{name} has a resolver that something else was put before"
        if METADATA_KEY not in definition.metadata:
            continue
        if definition.extensions:
            yield f"{type_}.{name} is batched and has permission classes or field extensions"
        if strawberrys.schema_converter._get_field_exception_handlers(definition):
            yield f"{type_}.{name} is batched and has an exception handler"

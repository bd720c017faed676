"""Objects with an identity (Relay global object identification)."""

from typing import Any, ClassVar

import strawberry

from resolvers import ids
from schema.fields import batched


@strawberry.interface(description="An object with a global id.")
class Node:
    """`record` is the record that a type of the schema shows; the executor tells types by it."""

    record: ClassVar[type]

    id: strawberry.ID = batched(ids.ids, "Opaque, stable, and unique over all types. Carries no right.")

    @classmethod
    def is_type_of(cls, obj: object, _info: Any) -> bool:
        return isinstance(obj, cls.record)

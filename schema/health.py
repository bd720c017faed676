"""How the back-ends are doing."""

from datetime import datetime

import strawberry

from schema.access import OPERATORS
from schema.fields import field


@strawberry.type(description="How a back-end is doing.", directives=[OPERATORS])
class SourceHealth:
    name: str = field("The back-end's name, as errors give it in `extensions.source`.")
    serves: list[str] = field("The types whose facts it owns.")
    available: bool = field("Whether it answered just now.")
    checked_at: datetime = field("When it was asked.")
    latency_ms: float | None = field("How long its answer took, in milliseconds.")
    tail_lag_ms: float | None = field(
        "How old live updates from it may be, in milliseconds. Null while nobody follows any."
    )
    held_back_ms: float | None = field(
        "For how long a transaction has been open there that writes, in milliseconds: what was written after it began "
        "comes when it ends. Null while there is none, and where we may not know."
    )
    held_back_by: int | None = field("The process id of that transaction's session. Null for a prepared transaction.")

"""How the back-ends are doing, for those who operate or depend on them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from resolvers.context import Context
from sources.ports import BackEnd


@dataclass(frozen=True)
class SourceHealth:
    """Whether a source answered at `checked_at`.

    `tail_lag_ms` is how old its live updates may be; None while nobody follows any.
    """

    name: str
    serves: Sequence[str]
    available: bool
    checked_at: datetime
    latency_ms: float | None
    tail_lag_ms: float | None


async def sources(roots: Sequence[None], context: Context) -> Sequence[Sequence[SourceHealth]]:
    """Every source, asked just now."""
    found = await asyncio.gather(*(_health(back_end, context) for back_end in context.sources.back_ends))
    return [found] * len(roots)


async def _health(back_end: BackEnd, context: Context) -> SourceHealth:
    health = await back_end.health()
    lag = context.services.hub.lag_seconds(back_end.name)
    return SourceHealth(
        name=back_end.name,
        serves=back_end.serves,
        available=health.available,
        checked_at=context.services.clock(),
        latency_ms=health.latency_ms,
        tail_lag_ms=None if lag is None else lag * 1000,
    )

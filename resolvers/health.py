"""How the back-ends are doing, for those who operate or depend on them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from resolvers.context import Context
from sources.errors import SourceError
from sources.ports import BackEnd, HeldBack


@dataclass(frozen=True)
class SourceHealth:
    """Whether a source answered at `checked_at`.

    `tail_lag_ms` is how old its live updates may be; None while nobody follows any. `held_back_by` is the process of
    the transaction that holds them back, if any does, and `held_back_ms` for how long, where that may be known.
    """

    name: str
    serves: Sequence[str]
    available: bool
    checked_at: datetime
    latency_ms: float | None
    tail_lag_ms: float | None
    held_back_ms: float | None
    held_back_by: int | None


async def sources(roots: Sequence[None], context: Context) -> Sequence[Sequence[SourceHealth]]:
    """Every source, asked just now."""
    found = await asyncio.gather(*(_health(back_end, context) for back_end in context.sources.back_ends))
    return [found] * len(roots)


async def _health(back_end: BackEnd, context: Context) -> SourceHealth:
    health = await back_end.health()
    lag = context.services.hub.lag_seconds(back_end.name)
    held_back = await _held_back(back_end.name, context) if health.available else None
    return SourceHealth(
        name=back_end.name,
        serves=back_end.serves,
        available=health.available,
        checked_at=context.services.clock(),
        latency_ms=health.latency_ms,
        tail_lag_ms=_in_ms(lag),
        held_back_ms=held_back and _in_ms(held_back.seconds),
        held_back_by=held_back and held_back.pid,
    )


async def _held_back(source: str, context: Context) -> HeldBack | None:
    try:
        return await context.services.hub.held_back(source)
    except SourceError:
        return None


def _in_ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000

"""Puts the linker together: for a server, which follows the logs, and for `omniloket link` over their history."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import structlog

from omniloket.keeping import kept
from omniloket.settings import Settings
from sources.errors import SourceError
from sources.linking.rules import Rules
from sources.linking.storing import LogPosition, NotTheLinker
from sources.ports import Log, Sources
from sources.sql.journey_store import SqlJourneyStore
from sources.sql.migrating import migrate
from subscriptions.linker import Linker, Pace, Progress, followed_logs

log = structlog.get_logger("omniloket")

HISTORY_BATCH = 1000
"""Rows of each log that one transaction links while nobody waits for it."""

_MIGRATE_AGAIN_SECONDS = 2.0
"""Between two tries to bring the journey database up to date, while it is away."""

_RELEASE_SECONDS = 1.0
"""How long one that stops tries to make room for the next linker, which takes over a little later anyway."""


class LinkError(Exception):
    """The history cannot be linked now; the message says why."""


@asynccontextmanager
async def following(settings: Settings, sources: Sources) -> AsyncGenerator[None]:
    """Lets this process take its turn as the linker, for as long as it serves.

    Behind it the journey database is brought up to date first, as soon as it answers.
    """
    if not settings.linking.run:
        yield
        return
    async with _linker(settings, sources, Pace().batch) as linker, kept(partial(_link, settings, linker)):
        yield


async def link_history(
    settings: Settings, sources: Sources, progress: Callable[[Progress], None], *, again: bool = False
) -> None:
    """Brings the journey database up to date: its schema, and the journeys of everything in the logs.

    Goes on where an earlier run was broken off; `again` judges everything anew. Raises LinkError.
    """
    try:
        await migrate(settings.sources.journeys.url)
        async with _linker(settings, sources, HISTORY_BATCH) as linker:
            await _take_over(linker, settings.linking.lease_seconds, again=again)
            await linker.catch_up(progress)
    except NotTheLinker:
        does = "nothing is judged anew while it is: stop it first" if again else "goes on with the history itself"
        raise LinkError(f"Another process is the linker, and {does}.") from None
    except SourceError as error:
        raise LinkError(str(error)) from error


async def rows_to_link(settings: Settings, sources: Sources, source: str) -> int | None:
    """How many rows of a source's logs the linker has not read yet, as their serials count them.

    None for a source without a log that it follows, and where the source or the journey database does not answer.
    """
    journeys = settings.sources.journeys
    logs = {name: log for name, log in followed_logs(sources).items() if log.source == source}
    if not logs:
        return None
    try:
        async with SqlJourneyStore(journeys.url, timeout_seconds=journeys.timeout_seconds) as store:
            positions = await store.positions()
        return sum([await _rows_after(positions.get(name), log) for name, log in logs.items()])
    except SourceError:
        return None


async def _link(settings: Settings, linker: Linker) -> None:
    await _bring_up_to_date(settings.sources.journeys.url)
    await linker.run()


async def _bring_up_to_date(url: str) -> None:
    """Migrates as soon as the journey database answers.

    A file that is not there is not made: it may be on a disk that is still to come.
    """
    while True:
        try:
            await migrate(url, makes_file=False)
        except SourceError as error:
            log.warning("the journey database is not up to date", reason=str(error), error=error)
        else:
            return
        await asyncio.sleep(_MIGRATE_AGAIN_SECONDS)


async def _rows_after(position: LogPosition | None, log: Log[Any]) -> int:
    total = await log.serials(await log.end())
    if position is None:
        return total
    read = await log.serials(position.mark) if position.history is None else position.history
    return max(total - read, 0)


async def _take_over(linker: Linker, lease_seconds: float, *, again: bool) -> None:
    """Becomes the linker; one that died holds its place for a few seconds still."""
    try:
        await linker.begin(again=again)
    except NotTheLinker:
        await asyncio.sleep(lease_seconds)
        await linker.begin(again=again)


@asynccontextmanager
async def _linker(settings: Settings, sources: Sources, batch: int) -> AsyncGenerator[Linker]:
    wanted, journeys = settings.linking, settings.sources.journeys
    starting = None if wanted.starting_channels is None else frozenset(wanted.starting_channels)
    rules = Rules(wanted.active_days, wanted.closed_days, starting)
    pace = Pace(batch, settings.live.poll_seconds, wanted.lease_seconds)
    async with SqlJourneyStore(journeys.url, timeout_seconds=journeys.timeout_seconds) as store:
        linker = Linker(sources, store, settings.sealer(), rules=rules, pace=pace, report=_report)
        try:
            yield linker
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(_RELEASE_SECONDS):
                    await linker.release()


def _report(name: str, error: Exception) -> None:
    log.warning("linking failed", log=name, error=error)

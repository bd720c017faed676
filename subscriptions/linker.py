"""The linker: follows the back-ends' logs, and keeps the journeys as the rules want them.

One process at a time is the linker; another takes over within `lease_seconds` when it is gone. What a log brings only
says where to look: everything of those concerned is read anew from the sources, and the rules decide about all of it.
So it does not matter in which order or how often the logs are read, nor where the linker was when it died: how far
they have been read is written in the transaction that writes the journeys.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sources.errors import MarkExpired, SourceError
from sources.linking.gathering import Fact, Gathered, everything_of, line_of, no_longer_unknown, owners_of
from sources.linking.matching import Changes as JourneyChanges
from sources.linking.matching import Judging, Stored, changes_to, stored_with
from sources.linking.rules import Rules, StatusLine, linked
from sources.linking.storing import JourneyStore, LogPosition, NotTheLinker
from sources.ports import Change, Changes, Log, MalformedChange, Sources
from sources.records import Contact, ContactSubject, EntryKind, Involvement, StatusChange
from sources.sealing import Sealer, citizen_key
from subscriptions.lease import Lease
from subscriptions.waking import Rest
from subscriptions.watch import WHOLE_SECONDS

NO_CHANGES = JourneyChanges()

_LONGEST_PAUSE_SECONDS = 2.0

_TELL_AGAIN = timedelta(minutes=1)
"""Between two reports of work that was lost."""

Report = Callable[[str, Exception], None]


@dataclass(frozen=True)
class _Batch:
    """What one reading of a log gave, where the linker stands after it, and whether there may be more at once.

    `is_history`: a part of the log's history. `is_judged`: what of it is on a journey, was judged there.
    """

    changes: Changes[Any]
    position: LogPosition
    more: bool
    is_history: bool = False
    is_judged: bool = False


Batches = Mapping[str, _Batch]


@dataclass(frozen=True)
class Pace:
    """Rows of each log in a batch; seconds between readings of the logs, and how long a silent linker stays one.

    `again_seconds`: how often contacts of unknown callers are looked at again, a batch at a time.
    """

    batch: int = 500
    poll_seconds: float = 1.0
    lease_seconds: float = 5.0
    again_seconds: float = 10.0


@dataclass(frozen=True)
class Progress:
    """How much of the logs has been read, in rows as their serials count them."""

    done: int
    total: int


def followed_logs(sources: Sources) -> dict[str, Log[Any]]:
    """The logs that tell the linker where to look, by the names under which it remembers its place in them."""
    return {
        "contacts": sources.contact_log,
        "subjects": sources.subject_log,
        "statuses": sources.status_log,
        "involvements": sources.involvement_log,
    }


class Linker:
    """Links what four back-ends know into journeys. `report` is told of failures, with the name of the log or task."""

    def __init__(
        self,
        sources: Sources,
        store: JourneyStore,
        sealer: Sealer,
        *,
        rules: Rules,
        pace: Pace | None = None,
        report: Report = lambda _name, _error: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sources = sources
        self._store = store
        self._sealer = sealer
        self._rules = rules
        self._pace = pace or Pace()
        self._report = report
        self._sleep = sleep
        self._clock = clock
        self._lease = Lease(store, self._pace.lease_seconds, clock)
        self._logs = followed_logs(sources)
        self._told_of_loss_at = datetime.min.replace(tzinfo=UTC)
        self._looked_again_at = datetime.min.replace(tzinfo=UTC)
        self._looked_again_after = 0
        self._whole_at = datetime.min.replace(tzinfo=UTC)

    async def run(self) -> None:
        """Links until it is cancelled, woken by the logs. After failures it waits longer, two seconds at most."""
        failures = 0
        with Rest(self._logs.values(), self._sleep) as rest:
            while True:
                try:
                    await self.catch_up()
                    await self._look_again()
                    failures = 0
                except NotTheLinker:
                    # No wake-up: the one that is the linker has heard of it.
                    failures = 0
                    await self._sleep(self._pace.poll_seconds)
                    continue
                except Exception as error:  # of whatever kind: nobody else would begin anew
                    self._report("linker", error)
                    failures += 1
                await rest.take(_pause(self._pace.poll_seconds, failures))

    async def catch_up(self, progress: Callable[[Progress], None] = lambda _: None) -> None:
        """Reads every log to its end. Raises NotTheLinker while another process is the linker."""
        while await self.step(progress):
            pass

    async def step(self, progress: Callable[[Progress], None] = lambda _: None) -> bool:
        """Links one batch of every log; whether there may be more."""
        async with self._lease.held():
            known, now = await self._store.positions(), self._clock()
            whole = now - self._whole_at >= timedelta(seconds=WHOLE_SECONDS)
            self._whole_at = now if whole else self._whole_at
            found = await asyncio.gather(*(self._read(name, known.get(name), whole=whole) for name in self._logs))
            batches: Batches = dict(zip(self._logs, found, strict=True))
            if any(batch.changes or batch.is_history for batch in found):
                changes = await self._changes(await self._touched(batches))
                positions = {name: batch.position for name, batch in batches.items()}
                await self._write(changes, positions, _lines(batches))
        progress(await self._progress(batches))
        return any(batch.more for batch in found)

    async def begin(self, *, again: bool = False) -> None:
        """Becomes the linker, or raises NotTheLinker. `again`: everything is judged anew, as by other rules."""
        async with self._lease.held():
            if again:
                met = {name: LogPosition(await log.end(), history=0, anew=True) for name, log in self._logs.items()}
                await self._write(NO_CHANGES, met)

    async def release(self) -> None:
        """Lets another process take over at once."""
        try:
            await self._lease.release()
        except SourceError as error:
            self._report("linker", error)

    async def _write(
        self, changes: JourneyChanges, positions: Mapping[str, LogPosition], lines: Sequence[StatusLine] = ()
    ) -> None:
        try:
            await self._store.write(self._lease.holder, changes, positions, lines)
        except NotTheLinker:
            self._tell_of_loss()
            raise

    def _tell_of_loss(self) -> None:
        """Work that is lost now and then does no harm; where it always is, nothing gets linked."""
        now = self._clock()
        if now - self._told_of_loss_at >= _TELL_AGAIN:
            self._told_of_loss_at = now
            self._report("linker", NotTheLinker("another process took over while a batch was being linked"))

    async def _read(self, name: str, position: LogPosition | None, *, whole: bool) -> _Batch:
        """The next batch of a log. One that is new begins with its history.

        So does one that does not go on from where it was read: all of it is judged anew, since anything can be missing.
        """
        log = self._logs[name]
        try:
            return await self._next(log, position or LogPosition(await log.end(), history=0), whole=whole)
        except MarkExpired as error:
            self._report(name, error)
            return await self._next(log, LogPosition(await log.end(), history=0, anew=True), whole=whole)

    async def _next(self, log: Log[Any], position: LogPosition, *, whole: bool) -> _Batch:
        limit = self._pace.batch
        if position.history is None:
            reading = await log.changes(position.mark, limit, whole=whole)
            return _Batch(reading.changes, LogPosition(reading.mark), reading.more)
        changes = await log.history(position.mark, position.history, limit)
        is_last = len(changes) < limit
        moved = LogPosition(position.mark) if is_last else replace(position, history=changes[-1].serial)
        return _Batch(changes, moved, more=True, is_history=True, is_judged=not position.anew)

    async def _progress(self, batches: Batches) -> Progress:
        done = total = 0
        for name, batch in batches.items():
            rows = await self._logs[name].serials(batch.position.mark)
            total += rows
            done += rows if batch.position.history is None else batch.position.history
        return Progress(done, total)

    async def _touched(self, batches: Batches) -> set[Fact]:
        """The facts to look at. History that is on a journey already was judged with all that belongs to it."""
        new: set[Fact] = set()
        history: set[Fact] = set()
        for name, batch in batches.items():
            for change in batch.changes:
                if isinstance(change, MalformedChange):
                    self._report(name, change.error)
                else:
                    (history if batch.is_judged else new).update(_facts(change.record))
        return new | (history - await self._store.placed(history))

    async def _changes(self, touched: Iterable[Fact]) -> JourneyChanges:
        """What the rules make of these facts, of all that their owners have, and of the journeys that they were on."""
        facts = set(touched)
        while facts:
            owners = await owners_of(facts, self._sources)
            gathered = await everything_of(owners, self._sources)
            known = facts | {(each.kind, each.key) for each in gathered.happenings}
            bsns = [owner.bsn for owner in owners if owner.bsn is not None]
            stored = await stored_with(known, bsns, self._sources)
            further = {fact for each in stored for fact in each.entries} - known
            if not further:
                judging = Judging(self._rules, self._clock(), lambda bsn: citizen_key(self._sealer, bsn))
                return await asyncio.to_thread(_judged, stored, gathered, judging)
            facts |= further
        return NO_CHANGES

    async def _look_again(self) -> None:
        """What no log tells: quiet journeys close, and a caller whom a back-end came to know joins the own journey."""
        now = self._clock()
        if now - self._looked_again_at < timedelta(seconds=self._pace.again_seconds):
            return
        self._looked_again_at = now
        async with self._lease.held():
            await self._store.close_quiet(self._lease.holder, now)
            since = now - timedelta(days=self._rules.active_days)
            found = await self._store.contacts_of_nobody(since, self._looked_again_after, self._pace.batch)
            self._looked_again_after = found[-1][0] if len(found) == self._pace.batch else 0
            changes = await self._changes(await no_longer_unknown([fact for _, fact in found], self._sources))
            if changes != NO_CHANGES:
                await self._write(changes, {})


def _pause(poll_seconds: float, failures: int) -> float:
    """A source that is back is noticed soon: who spares it while it is away is its own breaker."""
    return min(poll_seconds * 2 ** min(failures, 5), max(poll_seconds, _LONGEST_PAUSE_SECONDS))


def _judged(stored: Sequence[Stored], gathered: Gathered, judging: Judging) -> JourneyChanges:
    """What the rules make of it. In a thread: one owner alone can have thousands of contacts."""
    trips = linked(gathered.happenings, gathered.lines, judging.rules)
    return changes_to(stored, trips, gathered.lines, judging)


def _facts(record: Any) -> Iterable[Fact]:
    """The facts that a row of a log is about."""
    match record:
        case Contact():
            return [(EntryKind.CONTACT, str(record.key))]
        case ContactSubject():
            return [(EntryKind.CONTACT, str(record.contact_key)), (EntryKind.REPORT, record.report_number)]
        case StatusChange() | Involvement():
            return [(EntryKind.REPORT, record.report_number)]
        case _:
            return []


def _lines(batches: Batches) -> Sequence[StatusLine]:
    """The status changes among what was read."""
    changes = (change for batch in batches.values() for change in batch.changes)
    records = (change.record for change in changes if isinstance(change, Change))
    return [line_of(record) for record in records if isinstance(record, StatusChange)]

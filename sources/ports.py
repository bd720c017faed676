"""What every back-end answers: one small interface for all of them, batched, paged and scoped.

Adapters: `sources.memory` and `sources.sql`. The contract suite in `tests/contract` runs against each.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from sources.errors import SourceError
from sources.filters import CitizenMatch, ContactFilter, EntryFilter, JourneyFilter, ReportFilter
from sources.paging import Page, PageRequest
from sources.records import (
    Agent,
    Attachment,
    Channel,
    Citizen,
    Contact,
    ContactSubject,
    Handover,
    Involvement,
    Journey,
    JourneyEntry,
    JourneyNews,
    Key,
    Report,
    StatusChange,
)
from sources.scope import Scope

R = TypeVar("R")
F_contra = TypeVar("F_contra", contravariant=True)


class Collection(Protocol[R, F_contra]):
    """Records of one kind in one back-end, in one fixed order.

    Every call raises SourceUnavailable or SourceTimedOut when the back-end does not answer. Rows outside `scope`
    are absent, exactly as rows that do not exist.
    """

    @property
    def source(self) -> str:
        """The back-end's name."""
        ...

    async def by_ids(self, ids: Sequence[Key], scope: Scope) -> Sequence[R | SourceError | None]:
        """The record of each key, in the order of the keys; None where there is none. One statement."""
        ...

    async def of_parents(
        self,
        link: str,
        parent_ids: Sequence[Key],
        page: PageRequest,
        scope: Scope,
        filter: F_contra | None = None,
    ) -> Sequence[Page[R]]:
        """A page for each parent, in the order of the parents. One statement for all of them.

        `link` names how rows hang on a parent: "citizen", "report", "contact", "journey".
        """
        ...

    async def page(self, page: PageRequest, scope: Scope, filter: F_contra | None = None) -> Page[R]:
        """A page over the whole collection. One statement."""
        ...

    async def count_of_parents(
        self, link: str, parent_ids: Sequence[Key], scope: Scope, filter: F_contra | None = None
    ) -> Sequence[int]:
        """How many rows each parent has, in the order of the parents. One statement."""
        ...

    async def count(self, scope: Scope, filter: F_contra | None = None) -> int:
        """How many rows the filter leaves."""
        ...


Mark = str
"""How far a log has been read: opaque text, which the log gives out and it alone understands.

It names the log too: read by another one, or after a restore or failover that does not surely continue it, it has
expired.
"""


Place = tuple[int, ...]
"""Where a row stands in its log. A row that is written anew, where a log gives it out again, has another one then."""


@dataclass(frozen=True)
class Change(Generic[R]):
    """A row that a back-end appended to its log. `serial` is its number there, `mark` where its reader stands then."""

    serial: int
    place: Place
    mark: Mark
    record: R


@dataclass(frozen=True)
class MalformedChange:
    """A row of the log that cannot be read: it is passed over, and reported."""

    serial: int
    mark: Mark
    error: SourceError


Changes = Sequence[Change[R] | MalformedChange]


@dataclass(frozen=True)
class Reading(Generic[R]):
    """What one reading gave. `mark` is where the reader stands after it, `more` whether there may be more at once."""

    changes: Changes[R]
    mark: Mark
    more: bool


@dataclass(frozen=True)
class HeldBack:
    """A transaction that is open for writing, so that a log does not give out what was written after it began.

    `seconds` since when, where we may know it; `pid` is its process, None for a prepared transaction.
    """

    seconds: float | None
    pid: int | None


class WakeUps(Protocol):
    """Tells that a back-end's logs may have grown: nothing more, and not reliably."""

    def heard(self, woken: asyncio.Event) -> AbstractContextManager[None]:
        """Sets `woken` at every wake-up, for as long as the context lasts."""
        ...


class Log(Protocol[R]):
    """An append-only log that a back-end keeps, given out in one order that never changes.

    No row ever appears before a mark that was given out already. What each kind of back-end promises beyond that, and
    where it promises less, stands in `docs/live.md`.

    Every call raises SourceUnavailable when the back-end does not answer, and MarkExpired for a mark that cannot be
    honoured any more.
    """

    @property
    def source(self) -> str:
        """The back-end's name."""
        ...

    @property
    def wake_ups(self) -> WakeUps | None:
        """What tells that this log, or another one of its back-end, has grown; None where nothing does."""
        ...

    async def end(self) -> Mark:
        """The mark of one who has read everything that the log gives out now."""
        ...

    async def changes(self, after: Mark, limit: int, *, whole: bool = False) -> Reading[R]:
        """At most `limit` rows after a mark, in order.

        Rows that come very late, by their serials, are looked for only when the log is read as a `whole`, which costs
        more: until then the mark says that they may be missing.
        """
        ...

    async def covers(self, mark: Mark, other: Mark) -> bool:
        """Whether whoever stands at `mark` has read all that one at `other` has."""
        ...

    def between(self, after: Mark, until: Mark, subject: Key | None = None) -> AsyncGenerator[Changes[R]]:
        """Page by page, what one who stood at `after` lacks to stand at `until`, which must cover it.

        `subject`: of rows about one report or journey alone; a log that does not know them gives the others too.
        """
        ...

    async def history(self, until: Mark, after: int, limit: int) -> Changes[R]:
        """At most `limit` of the rows before a mark, by serial; those after the serial `after`.

        For one who wants all of them, however old, and in no other order. The marks of what it gives are `until`.
        """
        ...

    async def ahead(self, mark: Mark, limit: int) -> Sequence[Place]:
        """The places of rows that everybody sees already, though the log does not give them out at this mark yet.

        At most `limit`, those that will come first.
        """
        ...

    async def serials(self, mark: Mark) -> int:
        """About how many rows stand before a mark, as their serials count them."""
        ...

    async def held_back(self) -> HeldBack | None:
        """What holds this log back now, if anything does."""
        ...


@dataclass(frozen=True)
class Health:
    """Whether a back-end answered just now; `latency_ms` is what the answer took, `reason` why there was none."""

    source: str
    available: bool
    latency_ms: float | None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class SourceFigures:
    """What a back-end was asked since it was opened, and how busy it is now.

    `statements_failed` are those without an answer, or without one in time; `keys_asked`, how many keys the statements
    asked for. `busy`: connections with a statement on them, or being made or given up. `waiting`: statements that wait
    for one. `is_resting`: whether the back-end is left alone for a while. All are 0 where there is nothing to count.
    """

    statements_sent: int = 0
    statements_failed: int = 0
    keys_asked: int = 0
    rows_read: int = 0
    busy: int = 0
    idle: int = 0
    waiting: int = 0
    is_resting: bool = False


class BackEnd(Protocol):
    """A back-end as a whole: its name, what it serves, whether it answers, and what it was asked."""

    @property
    def name(self) -> str: ...

    @property
    def serves(self) -> Sequence[str]: ...

    async def health(self) -> Health: ...

    def figures(self) -> SourceFigures: ...


@dataclass(frozen=True)
class Sources:
    """Every port of the house, each bound to the back-end that owns its facts."""

    citizens: Collection[Citizen, CitizenMatch]
    channels: Collection[Channel, None]
    agents: Collection[Agent, None]
    contacts: Collection[Contact, ContactFilter]
    attachments: Collection[Attachment, None]
    contact_subjects: Collection[str, None]
    reports: Collection[Report, ReportFilter]
    status_changes: Collection[StatusChange, None]
    journeys: Collection[Journey, JourneyFilter]
    journey_entries: Collection[JourneyEntry, EntryFilter]
    journey_channels: Collection[str, None]
    handovers: Collection[Handover, None]

    contact_log: Log[Contact]
    subject_log: Log[ContactSubject]
    status_log: Log[StatusChange]
    involvement_log: Log[Involvement]
    journey_log: Log[JourneyNews]

    back_ends: Sequence[BackEnd]

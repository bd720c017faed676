"""What every back-end answers: one small interface for all of them, batched, paged and scoped.

Adapters: `sources.memory` and `sources.sql`. The contract suite in `tests/contract` runs against each.
"""

import asyncio
from collections.abc import Sequence
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


@dataclass(frozen=True)
class Change(Generic[R]):
    """A row that a back-end appended to its log, and its position there."""

    position: int
    record: R


class WakeUps(Protocol):
    """Tells that a back-end's logs may have grown: nothing more, and not reliably."""

    def heard(self, woken: asyncio.Event) -> AbstractContextManager[None]:
        """Sets `woken` at every wake-up, for as long as the context lasts."""
        ...


class Log(Protocol[R]):
    """An append-only log that a back-end keeps, read in the order of its serial.

    The guarantee today: rows that commit out of the order of their serials can be passed over by a reader that
    has seen a later one. `docs/architecture.md`, "One change", says what follows from that.
    """

    @property
    def source(self) -> str:
        """The back-end's name."""
        ...

    @property
    def wake_ups(self) -> WakeUps | None:
        """What tells that this log, or another one of its back-end, has grown; None where nothing does."""
        ...

    async def end(self) -> int:
        """The position of the newest row; 0 for an empty log."""
        ...

    async def changes(self, after: int, limit: int) -> Sequence["Change[R] | MalformedChange"]:
        """At most `limit` rows after a position, oldest first."""
        ...


@dataclass(frozen=True)
class MalformedChange:
    """A row of the log that cannot be read: it is passed over, and reported."""

    position: int
    error: SourceError


@dataclass(frozen=True)
class Health:
    """Whether a back-end answered just now; `latency_ms` is what the answer took, `reason` why there was none."""

    source: str
    available: bool
    latency_ms: float | None
    reason: str | None = None


class BackEnd(Protocol):
    """A back-end as a whole: its name, what it serves, and whether it answers."""

    @property
    def name(self) -> str: ...

    @property
    def serves(self) -> Sequence[str]: ...

    async def health(self) -> Health: ...


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
    journey_log: Log[JourneyEntry]

    back_ends: Sequence[BackEnd]

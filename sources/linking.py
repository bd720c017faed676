"""Which journey a contact or report belongs to: the rules, without any storage.

1. An explicit link decides: a contact about a report is on the report's journey, and a report on its contacts'.
2. Else the same citizen's journey that was active within `active_days`, the latest one.
3. Else a journey of its own. An unknown caller always gets one.

A journey passes from one channel to another when a contact comes over another channel than the one before it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sources.records import EntryKind, JourneyState, ReportStatus

ENDED = frozenset({ReportStatus.CLOSED, ReportStatus.WITHDRAWN})


@dataclass(frozen=True)
class Rules:
    """`active_days`: how long a journey stays open to what comes next, and after which a quiet one is closed."""

    active_days: int = 30


@dataclass(frozen=True)
class Happening:
    """A contact or report, as much as the rules look at. `links`: a contact's reports, or a report's contacts, by key.

    `citizen` identifies the citizen among others; None for an unknown caller. Channel and agent are a contact's.
    """

    kind: EntryKind
    key: str
    at: datetime
    citizen: str | None
    links: Sequence[str] = ()
    subject: str | None = None
    channel: str | None = None
    agent: str | None = None


@dataclass(frozen=True)
class StatusLine:
    """A line of a report's status history."""

    report: str
    at: datetime
    status: ReportStatus


@dataclass(frozen=True)
class Passage:
    """A handover: the journey went on over another channel."""

    at: datetime
    from_channel: str
    to_channel: str
    agent: str | None


@dataclass
class Trip:
    """A journey while it is put together: what is on it, in the order in which it happened."""

    citizen: str | None
    opened_at: datetime
    last_active_at: datetime
    subject: str | None = None
    entries: list[Happening] = field(default_factory=list[Happening])
    channels: list[str] = field(default_factory=list[str])
    passages: list[Passage] = field(default_factory=list[Passage])
    statuses: dict[str, ReportStatus] = field(default_factory=dict[str, ReportStatus])

    def state(self, now: datetime, rules: Rules) -> tuple[JourneyState, datetime | None]:
        """The state at a moment, and since when it is closed.

        CLOSED: every report has ended and nothing happened for `active_days`. WAITING: the next step is the citizen's.
        """
        quiet_since = self.last_active_at + timedelta(days=rules.active_days)
        open_statuses = [status for status in self.statuses.values() if status not in ENDED]
        if not open_statuses and quiet_since <= now:
            return JourneyState.CLOSED, quiet_since
        is_waiting = ReportStatus.AWAITING_INFORMATION in open_statuses
        return JourneyState.WAITING if is_waiting else JourneyState.OPEN, None


def linked(happenings: Iterable[Happening], lines: Iterable[StatusLine], rules: Rules) -> list[Trip]:
    """The journeys of everything that happened, in the order in which they began.

    Takes happenings and lines in any order; they are put in the order of time, contacts before reports.
    """
    linking = _Linking(rules)
    moments: list[Happening | StatusLine] = [*happenings, *lines]
    for moment in sorted(moments, key=_order):
        if isinstance(moment, StatusLine):
            linking.follow(moment)
        else:
            linking.add(moment)
    return linking.trips


def _order(moment: Happening | StatusLine) -> tuple[datetime, int]:
    if isinstance(moment, StatusLine):
        return moment.at, 2
    return moment.at, 0 if moment.kind is EntryKind.CONTACT else 1


class _Linking:
    def __init__(self, rules: Rules) -> None:
        self.trips: list[Trip] = []
        self._rules = rules
        self._latest: dict[str, Trip] = {}
        self._by_key: dict[tuple[EntryKind, str], Trip] = {}

    def add(self, happening: Happening) -> None:
        trip = self._linked(happening) or self._active(happening) or self._opened(happening)
        trip.entries.append(happening)
        trip.last_active_at = max(trip.last_active_at, happening.at)
        trip.subject = trip.subject or happening.subject
        if happening.channel is not None:
            _pass_on(trip, happening, happening.channel)
        if trip.citizen is not None:
            self._latest[trip.citizen] = trip
        self._by_key[happening.kind, happening.key] = trip

    def follow(self, line: StatusLine) -> None:
        trip = self._by_key.get((EntryKind.REPORT, line.report))
        if trip is not None:
            trip.last_active_at = max(trip.last_active_at, line.at)
            trip.statuses[line.report] = line.status

    def _linked(self, happening: Happening) -> Trip | None:
        other = EntryKind.REPORT if happening.kind is EntryKind.CONTACT else EntryKind.CONTACT
        found = (self._by_key.get((other, key)) for key in happening.links)
        return next((trip for trip in found if trip is not None and _may_share(trip, happening)), None)

    def _active(self, happening: Happening) -> Trip | None:
        trip = None if happening.citizen is None else self._latest.get(happening.citizen)
        if trip is None or happening.at - trip.last_active_at > timedelta(days=self._rules.active_days):
            return None
        return trip

    def _opened(self, happening: Happening) -> Trip:
        trip = Trip(happening.citizen, happening.at, happening.at)
        self.trips.append(trip)
        return trip


def _may_share(trip: Trip, happening: Happening) -> bool:
    """A journey is one citizen's: a contact of somebody else about the same report is on a journey of its own."""
    return happening.citizen is None or trip.citizen == happening.citizen


def _pass_on(trip: Trip, happening: Happening, channel: str) -> None:
    before = next((entry.channel for entry in reversed(trip.entries[:-1]) if entry.channel is not None), None)
    if before is not None and before != channel:
        trip.passages.append(Passage(happening.at, before, channel, happening.agent))
    if channel not in trip.channels:
        trip.channels.append(channel)

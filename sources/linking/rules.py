"""The rules by which contacts and reports become journeys, without any storage. `docs/journeys.md` tells them.

Everything of one owner is looked at together, in the order of time, so that the journeys do not depend on the order
in which the facts became known. An explicit link decides before guesses do.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from sources.records import EntryKind, JourneyState, ReportStatus

ENDED = frozenset({ReportStatus.CLOSED, ReportStatus.WITHDRAWN})

_END = datetime(9999, 1, 1, tzinfo=UTC)
"""No source takes what comes later for an instant. A contact of the year 9998 is a mistake that can be read."""


@dataclass(frozen=True)
class Rules:
    """What can be set.

    `active_days`: how long a journey takes in what its citizen does next. `closed_days`: how long one whose reports
    have all ended must be quiet to be closed. `starting_channels`: those whose contacts may begin a journey; None, all.
    """

    active_days: float = 30
    closed_days: float = 30
    starting_channels: frozenset[str] | None = None


@dataclass(frozen=True)
class Owner:
    """Whose facts are looked at together: a citizen's; else those of a report that nobody is known for, or a contact's.

    `kind` is CONTACT or REPORT for the latter, with their key; None for a citizen, with the BSN.
    """

    kind: EntryKind | None
    key: str = field(repr=False)

    @property
    def bsn(self) -> str | None:
        return self.key if self.kind is None else None


@dataclass(frozen=True)
class Happening:
    """A contact or report, as much as the rules look at. `report` is the one that a contact was explicitly about.

    Channel, agent and `inbound` are a contact's: who handled it, and whether the citizen took the initiative.
    """

    kind: EntryKind
    key: str
    at: datetime
    owner: Owner
    report: str | None = None
    channel: str | None = None
    agent: str | None = None
    inbound: bool = True


@dataclass(frozen=True)
class StatusLine:
    """A line of a report's status history; `serial` orders lines of one instant."""

    report: str
    at: datetime
    status: ReportStatus
    serial: int = 0


@dataclass(frozen=True)
class Passage:
    """A handover: the journey went on over another channel, with the contact of key `contact`.

    `agent` is the employee who took it there; None when the citizen did.
    """

    contact: str
    at: datetime
    from_channel: str
    to_channel: str
    agent: str | None


@dataclass
class Trip:
    """A journey while it is put together: what is on it, how its reports stand, and which of them go on."""

    owner: Owner
    entries: list[Happening] = field(default_factory=list[Happening])
    statuses: dict[str, StatusLine] = field(default_factory=dict[str, StatusLine])
    going_on: set[str] = field(default_factory=set[str])
    last_active_at: datetime = field(init=False)

    def take(self, happening: Happening) -> None:
        self._touch(happening.at)
        self.entries.append(happening)
        if happening.kind is EntryKind.REPORT:
            self.going_on.add(happening.key)

    def follow(self, line: StatusLine) -> None:
        self._touch(line.at)
        self.statuses[line.report] = line
        if line.status in ENDED:
            self.going_on.discard(line.report)
        else:
            self.going_on.add(line.report)

    @property
    def opened_at(self) -> datetime:
        return self.entries[0].at

    @property
    def channels(self) -> list[str]:
        """Those that it has passed, in the order of first use."""
        return list(dict.fromkeys(entry.channel for entry in self.entries if entry.channel))

    @property
    def passages(self) -> list[Passage]:
        contacts = [entry for entry in self.entries if entry.channel]
        return [
            Passage(after.key, after.at, before.channel or "", after.channel or "", _passed_on_by(after))
            for before, after in pairwise(contacts)
            if before.channel != after.channel
        ]

    def closes_at(self, rules: Rules) -> datetime | None:
        """When it is closed if nothing more happens; None while a report has not ended, or if that is at no instant."""
        quiet = timedelta(days=rules.closed_days)
        return None if self.going_on or self.last_active_at >= _END - quiet else self.last_active_at + quiet

    def state(self, now: datetime, rules: Rules) -> JourneyState:
        closes_at = self.closes_at(rules)
        if closes_at is not None and closes_at <= now:
            return JourneyState.CLOSED
        return JourneyState.WAITING if self._is_waiting else JourneyState.OPEN

    @property
    def _is_waiting(self) -> bool:
        """The next step is the citizen's: a report waits for information, and nothing came from them since."""
        asked = [line.at for line in self.statuses.values() if line.status is ReportStatus.AWAITING_INFORMATION]
        answered = (each.at for each in self.entries if each.kind is EntryKind.CONTACT and each.inbound)
        return bool(asked) and max(answered, default=min(asked)) <= max(asked)

    def _touch(self, at: datetime) -> None:
        self.last_active_at = max(at, self.last_active_at) if self.entries else at


def linked(happenings: Iterable[Happening], lines: Iterable[StatusLine], rules: Rules) -> list[Trip]:
    """The journeys of everything that happened, each owner's in the order in which they began.

    Takes happenings and lines in any order. A contact that may not begin a journey, and has none to join, is on none.
    """
    of_owners: dict[Owner, list[Happening]] = {}
    for happening in happenings:
        of_owners.setdefault(happening.owner, []).append(happening)
    of_reports: dict[str, list[StatusLine]] = {}
    for line in lines:
        of_reports.setdefault(line.report, []).append(line)
    return [trip for each in of_owners.values() for trip in _trips(each, of_reports, rules)]


def _trips(happenings: Sequence[Happening], lines: dict[str, list[StatusLine]], rules: Rules) -> Iterator[Trip]:
    linking = _Linking(rules)
    for moment in sorted(_moments(happenings, lines), key=_order):
        if isinstance(moment, StatusLine):
            linking.follow(moment)
        else:
            linking.add(moment)
    for trip in linking.trips:
        trip.entries.sort(key=_order)
        yield trip


def _moments(happenings: Sequence[Happening], lines: dict[str, list[StatusLine]]) -> Iterator[Happening | StatusLine]:
    for happening in happenings:
        yield happening
        if happening.kind is EntryKind.REPORT:
            for line in sorted(lines.get(happening.key, ()), key=lambda each: (each.at, each.serial)):
                # One that its back-end dates before the report itself counts from the report on.
                yield StatusLine(line.report, max(line.at, happening.at), line.status)


def _order(moment: Happening | StatusLine) -> tuple[datetime, int, int, str]:
    """By time; at the same instant contacts before reports before status lines, which stay as they are."""
    if isinstance(moment, StatusLine):
        return moment.at, 2, 0, ""
    return moment.at, 0 if moment.kind is EntryKind.CONTACT else 1, len(moment.key), moment.key


class _Linking:
    """The journeys of one owner, while time passes."""

    def __init__(self, rules: Rules) -> None:
        self.trips: list[Trip] = []
        self._rules = rules
        self._of_report: dict[str, Trip] = {}
        self._waiting: dict[str, list[Happening]] = {}

    def add(self, happening: Happening) -> None:
        report = happening.key if happening.kind is EntryKind.REPORT else happening.report
        trip = self._of_report.get(report or "") or self._active(happening.at) or self._opened(happening)
        if trip is None:
            self._waiting.setdefault(report or "", []).append(happening)
            return
        trip.take(happening)
        if report is not None:
            self._of_report[report] = trip
            for earlier in self._waiting.pop(report, ()):
                trip.take(earlier)

    def follow(self, line: StatusLine) -> None:
        self._of_report[line.report].follow(line)

    def _active(self, at: datetime) -> Trip | None:
        """The journey that was active last, if that is not too long ago and it was not closed by then."""
        trip = max(self.trips, key=lambda each: each.last_active_at, default=None)
        if trip is None or at - trip.last_active_at > timedelta(days=self._rules.active_days):
            return None
        closes_at = trip.closes_at(self._rules)
        return trip if closes_at is None or at <= closes_at else None

    def _opened(self, happening: Happening) -> Trip | None:
        starting = self._rules.starting_channels
        if happening.kind is EntryKind.CONTACT and starting is not None and happening.channel not in starting:
            return None
        trip = Trip(happening.owner)
        self.trips.append(trip)
        return trip


def _passed_on_by(contact: Happening) -> str | None:
    return None if contact.inbound else contact.agent

"""What a page may be narrowed to. A field that is None does not narrow; bounds in time are `since <= t < until`."""

from dataclasses import dataclass
from datetime import date, datetime

from sources.records import Direction, JourneyState, ReportKind, ReportStatus


@dataclass(frozen=True)
class NameMatch:
    """Family name in full, without regard to case; given names by their beginning; birth date exactly."""

    family_name: str
    given_names: str | None = None
    birth_date: date | None = None


@dataclass(frozen=True)
class CitizenMatch:
    """Exactly one of these. `phone` is E.164; `email` is compared without regard to case."""

    bsn: str | None = None
    phone: str | None = None
    email: str | None = None
    name: NameMatch | None = None


@dataclass(frozen=True)
class ContactFilter:
    channel: tuple[str, ...] | None = None
    direction: Direction | None = None
    unit: str | None = None
    phone: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    unassigned: bool | None = None


@dataclass(frozen=True)
class ReportFilter:
    number: tuple[str, ...] | None = None
    status: tuple[ReportStatus, ...] | None = None
    kind: tuple[ReportKind, ...] | None = None
    unit: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class JourneyFilter:
    """`since` and `until` bound the last activity."""

    state: tuple[JourneyState, ...] | None = None
    channel: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class EntryFilter:
    """Which kinds of a journey's entries, by the letters of `EntryKind`."""

    kinds: tuple[str, ...] = ()

"""What a page may be narrowed to. A field that is None does not narrow; bounds in time are `since <= t < until`."""

from datetime import date, datetime

from msgspec import Struct

from sources.records import Direction, JourneyState, ReportKind, ReportStatus


class NameMatch(Struct, frozen=True):
    """Family name in full, without regard to case; given names by their beginning; birth date exactly."""

    family_name: str
    given_names: str | None = None
    birth_date: date | None = None


class CitizenMatch(Struct, frozen=True):
    """Exactly one of these. `phone` is E.164; `email` is compared without regard to case."""

    bsn: str | None = None
    phone: str | None = None
    email: str | None = None
    name: NameMatch | None = None


class ContactFilter(Struct, frozen=True):
    channel: tuple[str, ...] | None = None
    direction: Direction | None = None
    unit: str | None = None
    phone: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    unassigned: bool | None = None


class ReportFilter(Struct, frozen=True):
    number: tuple[str, ...] | None = None
    status: tuple[ReportStatus, ...] | None = None
    kind: tuple[ReportKind, ...] | None = None
    unit: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class JourneyFilter(Struct, frozen=True):
    """`since` and `until` bound the last activity."""

    state: tuple[JourneyState, ...] | None = None
    channel: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


class EntryFilter(Struct, frozen=True):
    """Which kinds of a journey's entries, by the letters of `EntryKind`."""

    kinds: tuple[str, ...] = ()

"""What the back-ends know, in one vocabulary: values without behaviour, the same from every adapter.

Instants are aware UTC `datetime`s. Keys are the owning back-end's own. A record never prints its fields, so that
no log line or traceback can carry personal data.
"""

from datetime import datetime
from enum import Enum
from typing import ClassVar

import msgspec

Key = str | int
"""How the owning back-end names a row: a report's number, a contact's integer, a citizen's BSN."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """The root of all records. No record leads back to itself: the garbage collector never looks at them.

    `key_field` names the field that holds its key.
    """

    key_field: ClassVar[str] = "key"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Role(Enum):
    """On whose behalf a question is asked."""

    ANONYMOUS = "ANONYMOUS"
    CITIZEN = "CITIZEN"
    AGENT = "AGENT"
    SUPERVISOR = "SUPERVISOR"
    CHANNEL = "CHANNEL"
    DEVELOPER = "DEVELOPER"


class Medium(Enum):
    VOICE = "VOICE"
    CHAT = "CHAT"
    MAIL = "MAIL"
    FORM = "FORM"
    SOCIAL = "SOCIAL"
    FACE_TO_FACE = "FACE_TO_FACE"
    VIDEO = "VIDEO"


class Direction(Enum):
    INBOUND = "INBOUND"
    OUTBOUND = "OUTBOUND"


class ReportKind(Enum):
    NOTIFICATION = "NOTIFICATION"
    CRIME_REPORT = "CRIME_REPORT"
    TIP = "TIP"
    MISSING_PERSON = "MISSING_PERSON"
    LOST_PROPERTY = "LOST_PROPERTY"
    COMPLAINT = "COMPLAINT"
    OTHER = "OTHER"


class ReportStatus(Enum):
    RECEIVED = "RECEIVED"
    UNDER_ASSESSMENT = "UNDER_ASSESSMENT"
    AWAITING_INFORMATION = "AWAITING_INFORMATION"
    IN_INVESTIGATION = "IN_INVESTIGATION"
    SUSPENDED = "SUSPENDED"
    TRANSFERRED = "TRANSFERRED"
    CLOSED = "CLOSED"
    WITHDRAWN = "WITHDRAWN"
    OTHER = "OTHER"


class JourneyState(Enum):
    OPEN = "OPEN"
    WAITING = "WAITING"
    CLOSED = "CLOSED"


class EntryKind(Enum):
    """What a journey's entry points at."""

    CONTACT = "C"
    REPORT = "R"
    HANDOVER = "H"


class NewsKind(Enum):
    """What happened on a journey: a contact, a report's status change, a handover."""

    CONTACT = "C"
    STATUS_CHANGE = "S"
    HANDOVER = "H"


class Address(Record, frozen=True):
    """An address in the Netherlands, or the free lines of one abroad; `country` as the register words it."""

    street: str | None = None
    house_number: str | None = None
    postal_code: str | None = None
    city: str | None = None
    lines: tuple[str, ...] | None = None
    country: str | None = None


class Location(Record, frozen=True):
    """A point in WGS 84 degrees, with what is known of its accuracy and address."""

    latitude: float
    longitude: float
    accuracy_metres: float | None = None
    address: Address | None = None


class Citizen(Record, frozen=True):
    """A person in the persons register. Dates are ISO 8601, possibly of reduced precision: 1970, 1970-05."""

    key_field: ClassVar[str] = "bsn"

    bsn: str
    full_name: str
    given_names: str | None = None
    family_name_prefix: str | None = None
    family_name: str | None = None
    birth_date: str | None = None
    deceased_on: str | None = None
    address: Address | None = None
    secret: bool = False
    email: str | None = None
    phone: str | None = None


class Channel(Record, frozen=True):
    key_field: ClassVar[str] = "code"

    code: str
    name: str
    medium: Medium
    urgent: bool
    open: bool


class Agent(Record, frozen=True):
    """An employee, by personnel number."""

    key: str
    name: str | None
    unit: str | None


class Contact(Record, frozen=True):
    """One contact over one channel. `citizen_bsn` is None for an unknown caller; `phone` is E.164."""

    key: int
    direction: Direction
    occurred_at: datetime
    channel: Channel | None = None
    subject: str | None = None
    body: str | None = None
    phone: str | None = None
    handled_by: Agent | None = None
    location: Location | None = None
    citizen_bsn: str | None = None


class Attachment(Record, frozen=True):
    key: int
    name: str
    media_type: str
    size_bytes: int
    url: str | None = None


class ContactSubject(Record, frozen=True):
    """That a contact was explicitly about a report: a line of the servicemodule's list of subjects."""

    key: int
    contact_key: int
    report_number: str


class Involvement(Record, frozen=True):
    """That somebody is involved in a report: a line of the register's list of the people involved."""

    key: int
    report_number: str


class Report(Record, frozen=True):
    """What a citizen reported. `citizen_bsn` is the reporter's; `status_label` the back-end's own words."""

    key_field: ClassVar[str] = "number"

    number: str
    kind: ReportKind
    title: str
    status: ReportStatus
    status_label: str
    filed_at: datetime
    updated_at: datetime
    category: str | None = None
    description: str | None = None
    unit: str | None = None
    location: Location | None = None
    incident_at: datetime | None = None
    confidential: bool | None = None
    citizen_bsn: str | None = None


class StatusChange(Record, frozen=True):
    """A line of a report's status history; `note` is internal, `agent_key` a personnel number.

    `unit` is the one that handles the report.
    """

    key: int
    report_number: str
    status: ReportStatus
    label: str
    at: datetime
    previous: ReportStatus | None = None
    note: str | None = None
    agent_key: str | None = None
    unit: str | None = None


class Journey(Record, frozen=True):
    """One citizen's trip over channels. `citizen_key` is the sealed BSN, None while the citizen is unknown.

    `closes_at` is when it closes if nothing more happens; None while one of its reports has not ended.
    """

    key: int
    state: JourneyState
    opened_at: datetime
    last_active_at: datetime
    closed_at: datetime | None = None
    citizen_key: str | None = None
    closes_at: datetime | None = None


class JourneyEntry(Record, frozen=True):
    """That a contact, report or handover belongs to a journey: the key of it elsewhere, and its instant."""

    key: int
    journey_key: int
    kind: EntryKind
    entry_key: str
    at: datetime


class JourneyNews(Record, frozen=True):
    """That something happened on a journey, in the order in which the linker told it: the key of it in its source."""

    key: int
    journey_key: int
    kind: NewsKind
    news_key: int


class Handover(Record, frozen=True):
    """A journey passing from one channel to another; channels by code, the agent by personnel number."""

    key: int
    journey_key: int
    at: datetime
    from_channel: str | None = None
    to_channel: str | None = None
    agent_key: str | None = None
    note: str | None = None

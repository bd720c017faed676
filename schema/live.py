"""Live updates: the subscriptions."""

from typing import ClassVar

import strawberry

from engine.batching import Argument
from resolvers import live as resolvers
from schema.access import CITIZENS, OF_REPORTS, PARTS, PERSONAL
from schema.contacts import Contact, OfContacts
from schema.enums import ReportKind, ReportStatus
from schema.fields import batched, field, live
from schema.journeys import Journey, TimelineEntry
from schema.reports import Report, ReportBy, StatusChange
from schema.searching import by

_AFTER = Argument(
    str | None,
    "Resume after this cursor, an event's or `liveCursor`: everything since comes first. Without it: from now on.",
)
_CURSOR = "The position to pass as `after` on reconnecting; nothing between the two is lost."


@strawberry.input(
    description="Which reports to watch; one matches if it did before or after the change. A list takes at most 100 "
    "values."
)
class ReportWatch:
    stands_for: ClassVar[type] = resolvers.ReportWatch

    status: list[ReportStatus] | None = strawberry.field(
        default=strawberry.UNSET,
        description="That get or leave one of these statuses.",
        metadata=by("Report.status", "StatusChange.status"),
    )
    kind: list[ReportKind] | None = strawberry.field(
        default=strawberry.UNSET, description="Of one of these kinds.", metadata=by("Report.kind")
    )
    unit: str | None = strawberry.field(
        default=strawberry.UNSET, description="Handled by this unit (eenheid).", metadata=by("Report.unit")
    )


@strawberry.input(description="Which contacts to watch; a list takes at most 100 values.")
class ContactWatch(OfContacts):
    stands_for: ClassVar[type] = resolvers.ContactWatch


@strawberry.type(description="A report got another status.", directives=[PARTS])
class ReportStatusEvent:
    cursor: str = field(_CURSOR)
    change: StatusChange = field("What changed.")
    report: Report | None = batched(resolvers.report_of_event, "The report as it stands now.")


@strawberry.type(description="A contact was registered.", directives=[PARTS])
class ContactEvent:
    cursor: str = field(_CURSOR)
    contact: Contact | None = batched(resolvers.contact_of_event, "The contact.")


@strawberry.type(description="Something happened on a journey.", directives=[PARTS])
class JourneyEvent:
    cursor: str = field(_CURSOR)
    entry: TimelineEntry | None = field("What happened.")
    journey: Journey | None = batched(resolvers.journey_of_event, "The journey as it stands now.")


@strawberry.type(description="Live updates. Each event is a fresh answer from the sources.", directives=[PERSONAL])
class Subscription:
    report_status_changed: ReportStatusEvent = live(
        resolvers.report_status_changed,
        ReportStatusEvent,
        "Status changes of one report. NOT_FOUND when there is none that you may see.",
        arguments={"report": Argument(ReportBy, "Which report."), "after": _AFTER},
        access=OF_REPORTS,
    )
    report_status_changes: ReportStatusEvent = live(
        resolvers.report_status_changes,
        ReportStatusEvent,
        "Status changes of every report that you may see and that matches.",
        arguments={"filter": Argument(ReportWatch | None, "Which reports to watch."), "after": _AFTER},
        access=OF_REPORTS,
    )
    contact_registered: ContactEvent = live(
        resolvers.contact_registered,
        ContactEvent,
        "New contacts that you may see and that match.",
        arguments={"filter": Argument(ContactWatch | None, "Which contacts to watch."), "after": _AFTER},
        access=CITIZENS,
    )
    journey_updated: JourneyEvent = live(
        resolvers.journey_updated,
        JourneyEvent,
        "New entries of one journey's timeline. NOT_FOUND when there is none that you may see.",
        arguments={"id": Argument(strawberry.ID, "The journey's global id."), "after": _AFTER},
        access=OF_REPORTS,
    )

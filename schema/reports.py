"""Reports: what citizens reported, and how its handling goes."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar

import strawberry

from engine.cost import ListSize
from resolvers import reports
from schema.access import COLLEAGUES, INTERNAL_NOTES, OF_REPORTS
from schema.agents import Agent
from schema.citizens import Citizen
from schema.contacts import Contact
from schema.enums import ReportKind, ReportStatus
from schema.fields import batched, connection, field, guarded
from schema.nodes import Node
from schema.paging import Connection
from schema.places import Location
from schema.searching import by
from sources import filters, records

if TYPE_CHECKING:
    from schema.journeys import Journey


@strawberry.input(one_of=True, description="Which report. Give exactly one.")
class ReportBy:
    stands_for: ClassVar[type] = reports.ReportBy

    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The report's global id.", metadata=by()
    )
    number: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The number that the citizen was given: `PL1700-2026012345`.",
        metadata=by("Report.number"),
    )


@strawberry.input(description="Which reports. What is left out does not narrow; a list takes at most 100 values.")
class ReportFilter:
    stands_for: ClassVar[type] = filters.ReportFilter

    number: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="With one of these numbers.", metadata=by("Report.number")
    )
    status: list[ReportStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="That stand like this.", metadata=by("Report.status")
    )
    kind: list[ReportKind] | None = strawberry.field(
        default=strawberry.UNSET, description="Of one of these kinds.", metadata=by("Report.kind")
    )
    unit: str | None = strawberry.field(
        default=strawberry.UNSET, description="Handled by this unit (eenheid).", metadata=by("Report.unit")
    )
    since: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Filed at this instant or later.", metadata=by("Report.filedAt")
    )
    until: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Filed before this instant.", metadata=by("Report.filedAt")
    )


@strawberry.type(description="A step in the handling of a report.", directives=[OF_REPORTS])
class StatusChange(Node):
    record: ClassVar[type] = records.StatusChange

    report: Annotated["Report", strawberry.lazy("schema.reports")] | None = batched(
        reports.report_of_change, "The report that changed, as it stands now.", reads=["report_number"]
    )
    status: ReportStatus = field("The status that it got.")
    label: str = field("The back-end's own words for that status, in Dutch.")
    previous: ReportStatus | None = field("The status that it had. Null for the first.")
    note: str | None = guarded(
        "note", "An internal note; for employees of the unit that handles the report.", access=INTERNAL_NOTES
    )
    at: datetime = field("When it changed.")
    by: Agent | None = batched(reports.agent_of_change, "The employee who changed it.", reads=["agent_key"])


@strawberry.federation.type(
    keys=["id", "number"],
    description="What a citizen reported to the police (melding, aangifte, tip).",
    directives=[OF_REPORTS],
)
class Report(Node):
    record: ClassVar[type] = records.Report

    number: str = field("The number that the citizen was given: `PL1700-2026012345`.")
    kind: ReportKind = field("What kind of report it is.")
    category: str | None = field("What it is about, in the back-end's categories: `Fietsendiefstal`.")
    title: str = field("What it is about, in a few words.")
    description: str | None = field("What the citizen told.")
    status: ReportStatus = field("Where its handling stands.")
    status_label: str = field("The back-end's own words for the status, in Dutch.")
    status_history: list[StatusChange] | None = batched(
        reports.status_history, "Every step so far, oldest first.", directives=[ListSize(assumed_size=10)]
    )
    unit: str | None = field("The unit (eenheid) that handles it.")
    location: Location | None = field("Where it happened.")
    incident_at: datetime | None = field("When it happened, as far as the citizen knows.")
    filed_at: datetime = field("When it was filed.")
    updated_at: datetime = field("When it last changed.")
    confidential: bool | None = field("Whether only named roles may see it; for employees only.", COLLEAGUES)
    citizen: Citizen | None = batched(reports.citizen, "The citizen who made the report.", reads=["citizen_bsn"])
    journey: Annotated["Journey", strawberry.lazy("schema.journeys")] | None = batched(
        reports.journey, "The journey that it is part of. Null while it is in none."
    )
    contacts: Connection[Contact] | None = connection(
        reports.contacts, "Contact", "The contacts that were about it, newest first."
    )

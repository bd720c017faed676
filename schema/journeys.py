"""Journeys: one citizen's trip over channels, and everything that happened on it."""

from datetime import datetime
from typing import Annotated, ClassVar

import strawberry

from engine.cost import Cost, ListSize
from resolvers import journeys, timeline
from schema.access import CITIZENS, COLLEAGUES, OF_REPORTS
from schema.agents import Agent
from schema.channels import Channel
from schema.citizens import Citizen
from schema.contacts import Contact
from schema.enums import JourneyState
from schema.fields import batched, connection, field
from schema.nodes import Node
from schema.paging import Connection
from schema.reports import Report, StatusChange
from schema.searching import by
from sources import filters, records


@strawberry.input(description="Which journeys. What is left out does not narrow; a list takes at most 100 values.")
class JourneyFilter:
    stands_for: ClassVar[type] = filters.JourneyFilter

    state: list[JourneyState] | None = strawberry.field(
        default=strawberry.UNSET, description="That stand like this.", metadata=by("Journey.state")
    )
    channel: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="That passed a channel with one of these codes.",
        metadata=by("Journey.channels"),
    )
    since: datetime | None = strawberry.field(
        default=strawberry.UNSET,
        description="Last active at this instant or later.",
        metadata=by("Journey.lastActiveAt"),
    )
    until: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Last active before this instant.", metadata=by("Journey.lastActiveAt")
    )


@strawberry.type(description="A journey passing from one channel to another.", directives=[CITIZENS])
class Handover(Node):
    record: ClassVar[type] = records.Handover

    from_: Channel | None = batched(
        journeys.channel_handed_from, "The channel it came from.", name="from", reads=["from_channel"]
    )
    to: Channel | None = batched(journeys.channel_handed_to, "The channel it went on over.", reads=["to_channel"])
    by: Agent | None = batched(
        journeys.agent_of_handover, "The employee who passed it on; null when the citizen did.", reads=["agent_key"]
    )
    at: datetime = field("When it passed.")
    note: str | None = field("What was passed on with it; for employees only.", COLLEAGUES)


TimelineEntry = Annotated[
    Contact | StatusChange | Handover,
    strawberry.union("TimelineEntry", description="Something that happened on a journey.", directives=[OF_REPORTS]),
]


@strawberry.type(description="A page of a journey's timeline.", directives=[Cost(weight=20)])
class TimelineConnection(Connection[TimelineEntry]):
    incomplete_sources: list[str] = field(
        "The sources that did not answer: their entries are missing from this page. Empty when all did."
    )


@strawberry.federation.type(
    keys=["id"],
    description="One citizen's trip over channels: the contacts and reports that belong together.",
    directives=[CITIZENS],
)
class Journey(Node):
    record: ClassVar[type] = records.Journey

    state: JourneyState = field("Where it stands.")
    subject: str | None = batched(
        journeys.subjects,
        "What it is about, in a few words.",
        access=OF_REPORTS,
        directives=[Cost(weight=10)],
        reads=["Contact.subject", "Report.title"],
    )
    opened_at: datetime = field("When it began.")
    last_active_at: datetime = field("When something last happened.")
    closed_at: datetime | None = field("When it was closed. Null while it is not.")
    channels: list[Channel] | None = batched(
        journeys.channels,
        "The channels that it has passed, in order of first use.",
        directives=[ListSize(assumed_size=5)],
    )
    citizen: Citizen | None = batched(
        journeys.citizen, "The citizen whose journey it is. Null while unknown.", reads=["citizen_key"]
    )
    contacts: Connection[Contact] | None = connection(
        journeys.contacts, "JourneyContact", "Its contacts, newest first."
    )
    reports: Connection[Report] | None = connection(journeys.reports, "JourneyReport", "Its reports, newest first.")
    timeline: TimelineConnection | None = connection(
        timeline.timeline,
        timeline.KIND,
        "Everything that happened, oldest first: contacts, status changes and handovers of all sources. "
        "For the newest, page with `last` and `before`.",
    )

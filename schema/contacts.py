"""Contacts: every time a citizen and the police spoke, whatever the channel."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar

import strawberry

from engine.cost import ListSize
from resolvers import contacts
from schema.access import CITIZENS
from schema.agents import Agent
from schema.channels import Channel
from schema.citizens import Citizen
from schema.enums import Direction
from schema.fields import batched, connection, field
from schema.nodes import Node
from schema.paging import Connection
from schema.places import Location
from schema.searching import by
from sources import filters, records

if TYPE_CHECKING:
    from schema.journeys import Journey
    from schema.reports import Report


@strawberry.input
class OfContacts:
    """What contacts are chosen by, whether they are listed or watched."""

    channel: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Over channels with these codes.", metadata=by("Contact.channel")
    )
    direction: Direction | None = strawberry.field(
        default=strawberry.UNSET, description="Taken up from this side.", metadata=by("Contact.direction")
    )
    unit: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Handled by an employee of this unit.",
        metadata=by("Contact.handledBy", "Agent.unit"),
    )


@strawberry.input(description="Which contacts. What is left out does not narrow; a list takes at most 100 values.")
class ContactFilter(OfContacts):
    stands_for: ClassVar[type] = filters.ContactFilter

    phone: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="From this phone number, best in E.164; found however it was typed.",
        metadata=by("Contact.phone"),
    )
    since: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="At this instant or later.", metadata=by("Contact.occurredAt")
    )
    until: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Before this instant.", metadata=by("Contact.occurredAt")
    )
    unassigned: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="True: nobody handles it yet. False: somebody does.",
        metadata=by("Contact.handledBy"),
    )


@strawberry.type(description="A file that came with a contact (bijlage).", directives=[CITIZENS])
class Attachment(Node):
    record: ClassVar[type] = records.Attachment

    name: str = field("The file's name.")
    media_type: str = field("The file's media type: `image/jpeg`.")
    size_bytes: int = field("The file's size in bytes.")
    url: str | None = field("Where the document store keeps the file. Null while it is being checked.")


@strawberry.federation.type(
    keys=["id"],
    description="One contact between a citizen and the police over one channel (klantcontact).",
    directives=[CITIZENS],
)
class Contact(Node):
    record: ClassVar[type] = records.Contact

    channel: Channel | None = field("The channel it came over.")
    direction: Direction = field("Who took the initiative.")
    subject: str | None = field("What it was about, in a few words.")
    body: str | None = field("What was said or written, as the back-end keeps it.")
    occurred_at: datetime = field("When it took place.")
    phone: str | None = field("The caller's number in E.164, whether the caller is known or not.")
    handled_by: Agent | None = field("The employee who handled it. Null while nobody does.")
    location: Location | None = field("Where the citizen was, when the channel told.")
    attachments: list[Attachment] | None = batched(
        contacts.attachments, "Files that came with it.", directives=[ListSize(assumed_size=3)]
    )
    citizen: Citizen | None = batched(
        contacts.citizen, "The citizen. Null for an unknown caller.", reads=["citizen_bsn"]
    )
    journey: Annotated["Journey", strawberry.lazy("schema.journeys")] | None = batched(
        contacts.journey, "The journey that it is part of. Null while it is in none."
    )
    reports: Connection[Annotated["Report", strawberry.lazy("schema.reports")]] | None = connection(
        contacts.reports, "ContactReport", "The reports that it was about, in the order in which they were linked."
    )

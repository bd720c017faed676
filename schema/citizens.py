"""Citizens: the people in contact with the police, as the persons register knows them."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar

import strawberry

from engine.batching import Argument
from resolvers import citizens
from schema.access import CITIZENS, HOMES
from schema.enums import JourneyState, ReportStatus
from schema.fields import connection, field, guarded
from schema.nodes import Node
from schema.paging import Connection
from schema.places import Address
from schema.scalars import BSN, PartialDate
from schema.searching import by
from sources import filters, records

if TYPE_CHECKING:
    from schema.contacts import Contact
    from schema.journeys import Journey
    from schema.reports import Report


@strawberry.input(one_of=True, description="Which citizen. Give exactly one.")
class CitizenBy:
    stands_for: ClassVar[type] = citizens.CitizenBy

    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The citizen's global id.", metadata=by()
    )
    bsn: BSN | None = strawberry.field(
        default=strawberry.UNSET, description="The citizen service number.", metadata=by("Citizen.bsn")
    )


@strawberry.input(description="A name to search for.")
class NameMatch:
    stands_for: ClassVar[type] = filters.NameMatch

    family_name: str = strawberry.field(
        description="The family name in full, without prefix (voorvoegsel); upper and lower case are the same.",
        metadata=by("Citizen.familyName"),
    )
    given_names: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The beginning of the given names: `Jo` finds Johan and Josephine.",
        metadata=by("Citizen.givenNames"),
    )
    birth_date: date | None = strawberry.field(
        default=strawberry.UNSET,
        description="The birth date; people of whom only a year is known are not found by it.",
        metadata=by("Citizen.birthDate"),
    )


@strawberry.input(one_of=True, description="Whom to search for. Give exactly one.")
class CitizenMatch:
    stands_for: ClassVar[type] = filters.CitizenMatch

    bsn: BSN | None = strawberry.field(
        default=strawberry.UNSET, description="The citizen service number.", metadata=by("Citizen.bsn")
    )
    phone: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="A phone number, best in E.164; found however it was typed.",
        metadata=by("Citizen.phone"),
    )
    email: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="An e-mail address; upper and lower case are the same.",
        metadata=by("Citizen.email"),
    )
    name: NameMatch | None = strawberry.field(default=strawberry.UNSET, description="A name.", metadata=by())


@strawberry.federation.type(
    keys=["id"], description="A person in contact with the police (burger).", directives=[CITIZENS]
)
class Citizen(Node):
    record: ClassVar[type] = records.Citizen

    bsn: BSN | None = field("The citizen service number.")
    given_names: str | None = field("All given names (voornamen). Null for people with a single name.")
    family_name_prefix: str | None = field("What stands before the family name (voorvoegsel): `van der`.")
    family_name: str | None = field("The family name, without prefix. Null for people with a single name.")
    full_name: str = field(
        "The whole name as it is written, with prefix and title. Empty when the register knows none."
    )
    birth_date: PartialDate | None = field("The birth date, as precisely as it is known.")
    deceased_on: PartialDate | None = field(
        "The date of death, as precisely as it is known; `XXXX` when the citizen died on a date that is not known."
    )
    address: Address | None = guarded(
        "address",
        "Where the citizen lives. Null when unknown; of people under secrecy (geheimhouding) for few to see.",
        access=HOMES,
    )
    email: str | None = field("The e-mail address that the citizen gave.")
    phone: str | None = field("The phone number that the citizen gave, in E.164: +31612345678.")
    contacts: Connection[Annotated["Contact", strawberry.lazy("schema.contacts")]] | None = connection(
        citizens.contacts,
        "Contact",
        "The citizen's contacts, newest first.",
        arguments={"channel": Argument(list[str] | None, "Only contacts over channels with these codes; at most 100.")},
        searches={"channel": ["Contact.channel"]},
    )
    reports: Connection[Annotated["Report", strawberry.lazy("schema.reports")]] | None = connection(
        citizens.reports,
        "Report",
        "The reports that the citizen made, newest first.",
        arguments={
            "status": Argument(list[ReportStatus] | None, "Only reports that stand like this; at most 100 values.")
        },
        searches={"status": ["Report.status"]},
    )
    journeys: Connection[Annotated["Journey", strawberry.lazy("schema.journeys")]] | None = connection(
        citizens.journeys,
        "Journey",
        "The citizen's journeys, last active first.",
        arguments={
            "state": Argument(list[JourneyState] | None, "Only journeys that stand like this; at most 100 values.")
        },
        searches={"state": ["Journey.state"]},
    )

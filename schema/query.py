"""The root of all questions."""

import strawberry

from engine.batching import Argument
from engine.cost import Cost, ListSize
from resolvers import channels, citizens, contacts, health, journeys, live, nodes, reports, viewer
from schema.access import ANY_TYPES, CITIZENS, EVERYBODY, OF_REPORTS, OPERATORS, PERSONAL
from schema.channels import Channel
from schema.citizens import Citizen, CitizenBy, CitizenMatch
from schema.contacts import Contact, ContactFilter
from schema.federation import EACH_SUBGRAPHS_OWN, Entity, Service, entities_field, service_field
from schema.fields import FORWARD_ARGUMENTS, batched, connection
from schema.health import SourceHealth
from schema.journeys import Journey, JourneyFilter
from schema.nodes import Node
from schema.paging import Connection
from schema.reports import Report, ReportBy, ReportFilter
from schema.viewer import Viewer

_ID = Argument(strawberry.ID, "The global id.")


@strawberry.type(
    description="What may be asked. What you may not see, and what does not exist, is null alike.",
    directives=[EVERYBODY],
)
class Query:
    node: Node | None = batched(
        nodes.node,
        "Any object by its global id. Null when there is none that you may see; FORBIDDEN when your role may not "
        "look for objects of its type.",
        arguments={"id": _ID},
        access=ANY_TYPES,
        directives=EACH_SUBGRAPHS_OWN,
    )
    nodes: list[Node | None] = batched(
        nodes.nodes,
        "The objects of several global ids, in order: at most 100; a server's settings may say otherwise.",
        arguments={"ids": Argument(list[strawberry.ID], "The global ids.")},
        access=ANY_TYPES,
        directives=[*EACH_SUBGRAPHS_OWN, ListSize(assumed_size=100, slicing_arguments=["ids"])],
    )
    viewer: Viewer = batched(viewer.viewer, "On whose behalf this question is asked.")
    citizen: Citizen | None = batched(
        citizens.citizen,
        "One citizen.",
        arguments={"by": Argument(CitizenBy, "Which citizen.")},
        access=CITIZENS,
    )
    citizens: Connection[Citizen] | None = connection(
        citizens.citizens,
        "Citizen",
        "Citizens who match, in an order of their own that never changes.",
        arguments={"match": Argument(CitizenMatch, "Whom to search for.")},
        paging=FORWARD_ARGUMENTS,
        access=CITIZENS,
    )
    contact: Contact | None = batched(
        contacts.contact, "One contact by its global id.", arguments={"id": _ID}, access=CITIZENS
    )
    contacts: Connection[Contact] | None = connection(
        contacts.contacts,
        "Contact",
        "Contacts, newest first.",
        arguments={"filter": Argument(ContactFilter | None, "Which contacts.")},
        access=CITIZENS,
    )
    report: Report | None = batched(
        reports.report, "One report.", arguments={"by": Argument(ReportBy, "Which report.")}, access=OF_REPORTS
    )
    reports: Connection[Report] | None = connection(
        reports.reports,
        "Report",
        "Reports, newest first.",
        arguments={"filter": Argument(ReportFilter | None, "Which reports.")},
        access=OF_REPORTS,
    )
    journey: Journey | None = batched(
        journeys.journey, "One journey by its global id.", arguments={"id": _ID}, access=CITIZENS
    )
    journeys: Connection[Journey] | None = connection(
        journeys.journeys,
        "Journey",
        "Journeys, last active first.",
        arguments={"filter": Argument(JourneyFilter | None, "Which journeys.")},
        access=CITIZENS,
    )
    channels: list[Channel] | None = batched(
        channels.channels, "All channels, by code. For everybody.", directives=[ListSize(assumed_size=15)]
    )
    sources: list[SourceHealth] | None = batched(
        health.sources,
        "How the back-ends are doing, asked just now.",
        access=OPERATORS,
        directives=[ListSize(assumed_size=4), Cost(weight=25)],
    )
    live_cursor: str | None = batched(
        live.live_cursor,
        "The position of live updates before this operation read any source: pass it as `after` to a subscription, "
        "and nothing falls between the two.",
        access=PERSONAL,
    )
    service: Service = service_field()
    entities: list[Entity | None] = entities_field()

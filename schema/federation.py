"""What makes the schema a subgraph among others (Apollo Federation v2): entities by their keys, and its own SDL.

A gateway asks these things; front-ends do not, and the schema that is printed for them leaves these out.
"""

from typing import Annotated, Any

import strawberry
from strawberry.federation.schema import FederationAny
from strawberry.federation.schema_directives import Inaccessible, Shareable
from strawberry.types.scalar import scalar

from engine.batching import Argument
from engine.cost import ListSize
from resolvers import entities
from schema.access import ANY_TYPES, EVERYBODY
from schema.agents import Agent
from schema.channels import Channel
from schema.citizens import Citizen
from schema.contacts import Contact
from schema.fields import batched, field
from schema.journeys import Journey
from schema.reports import Report

VERSION = "2.9"
"""The edition of Federation that the subgraph names: the newest that open composition libraries know. It uses nothing
that 2.0 had not."""

EACH_SUBGRAPHS_OWN = (Shareable(), Inaccessible())
"""For fields that another subgraph has as well and answers for its own objects only: no gateway shows them."""

ANY = scalar(
    name="_Any",
    description="Which entity: an object with `__typename` and a key of that type. Other fields are ignored.",
    serialize=str,
    parse_value=entities.representation,
)

Entity = Annotated[
    Agent | Channel | Citizen | Contact | Journey | Report,
    strawberry.union("_Entity", description="What other subgraphs may refer to and extend."),
]


@strawberry.type(
    name="_Service", description="This subgraph, for whoever composes it with others.", directives=[EVERYBODY]
)
class Service:
    sdl: str = field("The subgraph in SDL, with its federation directives.")


def service_field() -> Any:
    """`_service`: for everybody, since the schema is public."""
    return batched(entities.services, "This subgraph, for whoever composes it with others.", name="_service")


def entities_field() -> Any:
    """`_entities`: for everybody; which types a role may look for is decided for each representation."""
    return batched(
        entities.entities,
        "Entities by their keys, in order, for a gateway; at most 1,000.",
        name="_entities",
        arguments={"representations": Argument(list[FederationAny], "Which entities.")},
        access=ANY_TYPES,
        directives=[ListSize(assumed_size=100, slicing_arguments=["representations"])],
    )

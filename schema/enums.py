"""The enums of the API: the records' own, with the words that a front-end developer needs."""

from enum import Enum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from sources.records import Direction, JourneyState, Medium, ReportKind, ReportStatus, Role

__all__ = ["Direction", "JourneyState", "Medium", "ReportKind", "ReportStatus", "Role"]

E = TypeVar("E", bound=Enum)


def describe(kind: type[E], description: str, values: dict[E, str]) -> None:
    """Makes a record's enum a GraphQL enum; every value has to be described."""
    strawberry.enum(kind, description=description)
    definition: StrawberryEnumDefinition = kind.__dict__["__strawberry_definition__"]
    for value in definition.values:
        value.description = values[kind[value.name]]


describe(
    Role,
    "On whose behalf a question is asked.",
    {
        Role.ANONYMOUS: "Nobody known: sees the channels and nothing personal.",
        Role.CITIZEN: "A citizen (DigiD): sees the own person and what hangs on it.",
        Role.AGENT: "An employee of a service centre or team.",
        Role.SUPERVISOR: "An employee who may see confidential reports.",
        Role.CHANNEL: "A front-end's own account: nothing personal by itself.",
        Role.DEVELOPER: "A developer of front-ends: the schema, and no personal data.",
    },
)

describe(
    Medium,
    "The kind of conversation that a channel offers.",
    {
        Medium.VOICE: "By telephone.",
        Medium.CHAT: "Short messages back and forth, as on WhatsApp.",
        Medium.MAIL: "E-mail or letter.",
        Medium.FORM: "A form on a site or in the app.",
        Medium.SOCIAL: "Posts and messages on a social network.",
        Medium.FACE_TO_FACE: "At a counter or in the neighbourhood.",
        Medium.VIDEO: "Face to face over video, as at the 3D counter.",
    },
)

describe(
    Direction,
    "Who took the initiative for a contact.",
    {
        Direction.INBOUND: "The citizen turned to the police.",
        Direction.OUTBOUND: "The police turned to the citizen.",
    },
)

describe(
    ReportKind,
    "What a citizen reported.",
    {
        ReportKind.NOTIFICATION: "A notification (melding): nuisance, danger, something seen.",
        ReportKind.CRIME_REPORT: "A crime report (aangifte), the formal request to prosecute.",
        ReportKind.TIP: "A tip about a crime or a wanted person.",
        ReportKind.MISSING_PERSON: "A missing person (vermissing).",
        ReportKind.LOST_PROPERTY: "Lost or found property (gevonden of verloren voorwerp).",
        ReportKind.COMPLAINT: "A complaint about the police (klacht).",
        ReportKind.OTHER: "Anything that the back-end has a code for and this list has not.",
    },
)

describe(
    ReportStatus,
    "Where the handling of a report stands. `statusLabel` has the back-end's own words.",
    {
        ReportStatus.RECEIVED: "Received, nobody has looked at it yet.",
        ReportStatus.UNDER_ASSESSMENT: "Being assessed: what is it, and who takes it.",
        ReportStatus.AWAITING_INFORMATION: "Waiting for the citizen: the next step is theirs.",
        ReportStatus.IN_INVESTIGATION: "Under investigation.",
        ReportStatus.SUSPENDED: "On hold, for lack of leads or capacity.",
        ReportStatus.TRANSFERRED: "Handed over to another organisation or unit.",
        ReportStatus.CLOSED: "Done.",
        ReportStatus.WITHDRAWN: "Withdrawn by the citizen.",
        ReportStatus.OTHER: "Anything that the back-end has a code for and this list has not.",
    },
)

describe(
    JourneyState,
    "Where a journey stands.",
    {
        JourneyState.OPEN: "Something is going on, and the next step is the police's.",
        JourneyState.WAITING: "The next step is the citizen's.",
        JourneyState.CLOSED: "Every report is closed, and nothing has happened for a while.",
    },
)

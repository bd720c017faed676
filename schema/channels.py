"""Channels: data, not schema. Adding one is a row in a back-end, and no front-end breaks."""

from typing import ClassVar

import strawberry

from schema.access import EVERYBODY
from schema.enums import Medium
from schema.fields import field
from schema.nodes import Node
from sources import records


@strawberry.federation.type(
    keys=["code"],
    description="A way to reach the police: 0900-8844, the app, a counter, WhatsApp.",
    directives=[EVERYBODY],
)
class Channel(Node):
    record: ClassVar[type] = records.Channel

    code: str = field("The back-end's code, stable: `0900-8844`, `WHATSAPP`.")
    name: str = field("The name as citizens know it, in Dutch.")
    medium: Medium = field("The kind of conversation it offers.")
    urgent: bool = field("Whether it is for emergencies.")
    open: bool = field("Whether it takes contacts now.")

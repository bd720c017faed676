"""Agents: the employees who handle contacts and reports."""

from typing import ClassVar

import strawberry

from schema.access import STAFF
from schema.fields import field, guarded
from schema.nodes import Node
from sources import records


@strawberry.federation.type(keys=["id"], description="An employee of the police (medewerker).")
class Agent(Node):
    record: ClassVar[type] = records.Agent

    name: str | None = guarded("name", "The employee's name; for colleagues only.", roles=STAFF)
    unit: str | None = field("The unit (eenheid) that the employee works for.")

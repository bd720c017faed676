"""Agents: the employees who handle contacts and reports."""

from typing import ClassVar

import strawberry

from schema.access import COLLEAGUES, EMPLOYEES
from schema.fields import field
from schema.nodes import Node
from sources import records


@strawberry.federation.type(keys=["id"], description="An employee of the police (medewerker).", directives=[EMPLOYEES])
class Agent(Node):
    record: ClassVar[type] = records.Agent

    name: str | None = field("The employee's name; for colleagues only.", COLLEAGUES)
    unit: str | None = field("The unit (eenheid) that the employee works for.")

"""Who asks."""

import strawberry

from resolvers import viewer
from schema.access import ANYBODYS_OWN, THE_CITIZEN
from schema.citizens import Citizen
from schema.enums import Role
from schema.fields import batched, field


@strawberry.type(description="On whose behalf this question is asked.", directives=[ANYBODYS_OWN])
class Viewer:
    role: Role = field("The role that the token gives.")
    principal: str = field("The token's subject: who it is, in the words of the issuer.")
    unit: str | None = field("The unit (eenheid) of an employee.")
    citizen: Citizen | None = batched(viewer.citizen, "The own person; for citizens only.", access=THE_CITIZEN)

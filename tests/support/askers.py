"""Everybody who asks in the tests of who may see what."""

from dataclasses import dataclass

from omniloket.identity import make_token
from resolvers.context import Viewer
from sources.records import Role

KEY = bytes(range(32))
"""The development key of the houses that they ask."""


@dataclass(frozen=True)
class Asker:
    """Who asks. `person` is a citizen's name in the small world, `actor` a front-end that asks for the citizen.

    `purpose` is what an employee asks for.
    """

    role: str
    person: str | None = None
    unit: str | None = None
    clearance: bool = False
    purpose: str | None = None
    actor: str | None = None

    def token(self, bsn: str | None) -> str | None:
        """A token that says so; nobody known has none."""
        if self.role == "ANONYMOUS":
            return None
        viewer = Viewer(
            Role[self.role], "somebody", unit=self.unit, bsn=bsn, clearance=self.clearance, actor=self.actor
        )
        return make_token(KEY, viewer, valid_seconds=10 * 365 * 24 * 3600)


ASKERS = {
    "anna": Asker("CITIZEN", person="anna"),
    "bram": Asker("CITIZEN", person="bram"),
    "portal for anna": Asker("CITIZEN", person="anna", unit="PL1700", clearance=True, purpose="intake", actor="portal"),
    "agent": Asker("AGENT", unit="PL1800", purpose="intake"),
    "agent with clearance": Asker("AGENT", unit="PL1700", clearance=True, purpose="intake"),
    "agent without unit": Asker("AGENT", purpose="intake"),
    "agent without purpose": Asker("AGENT", unit="PL1700", clearance=True),
    "agent with a purpose of their own": Asker("AGENT", unit="PL1700", clearance=True, purpose="curiosity"),
    "supervisor": Asker("SUPERVISOR", unit="PL1800", purpose="intake"),
    "channel": Asker("CHANNEL"),
    "developer": Asker("DEVELOPER"),
    "anonymous": Asker("ANONYMOUS"),
}

"""The house, put together in the test's own process, and what a viewer gets from it."""

import base64
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from omniloket.house import House
from omniloket.opening import open_house
from omniloket.reading_settings import read
from omniloket.settings import Settings
from resolvers.context import ANONYMOUS, Context, Viewer
from sources.records import Role
from support.back_ends import Urls

QUERIES = Path(__file__).resolve().parents[2] / "docs" / "queries"
AGENT = Viewer(Role.AGENT, "agent", unit="PL1700", clearance=True, purpose="intake")
AGENT_WITHOUT_CLEARANCE = Viewer(Role.AGENT, "agent", unit="PL1700", purpose="intake")
DEVELOPER = Viewer(Role.DEVELOPER, "developer")
KEYS = {1: base64.b64encode(bytes(range(64))).decode(), 2: base64.b64encode(bytes(range(64, 128))).decode()}

__all__ = ["AGENT", "AGENT_WITHOUT_CLEARANCE", "ANONYMOUS", "DEVELOPER", "Asking", "citizen", "document", "opened"]


def document(name: str) -> str:
    """A document from the docs."""
    return (QUERIES / f"{name}.graphql").read_text()


def citizen(bsn: str) -> Viewer:
    return Viewer(Role.CITIZEN, "citizen", bsn=bsn)


def settings(urls: Urls, **more: Any) -> Settings:
    """Settings over some databases, with the keys that tests seal with. Nothing is linked: many tests share them."""
    # Time enough for a machine that is busy with other tests.
    sources = {name: {"url": url, "timeout_seconds": 60} for name, url in urls.items()}
    return read(
        None,
        **{
            "sources": sources,
            "sealing": {"current": 2, "keys": KEYS},
            "linking": {"run": False},
            "overload": {"deadline_seconds": 60},
            "access_log": False,
            **more,
        },
    )


class Asking:
    """Asks a house, and counts the statements that each answer took."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def __call__(self, query: str, viewer: Viewer = AGENT, **variables: Any) -> dict[str, Any]:
        """The whole response."""
        context = Context(services=self.house.services, viewer=viewer)
        prepared = self.house.executor.prepare(query)
        before = self._sent()
        await self.house.before(prepared, variables, context)
        response = await self.house.executor.execute(prepared, variables, context)
        self.statements = {name: sent - before[name] for name, sent in self._sent().items() if sent != before[name]}
        return response

    async def data(self, query: str, viewer: Viewer = AGENT, **variables: Any) -> Any:
        """The data of an answer without errors."""
        response = await self(query, viewer, **variables)
        assert "errors" not in response, response["errors"]
        return response["data"]

    async def codes(self, query: str, viewer: Viewer = AGENT, **variables: Any) -> list[str]:
        """The codes of the errors of an answer."""
        return [error["extensions"]["code"] for error in (await self(query, viewer, **variables)).get("errors", [])]

    def _sent(self) -> dict[str, int]:
        back_ends: Any = self.house.services.sources.back_ends
        return {database.name: database.statements_sent for database in back_ends}


@asynccontextmanager
async def opened(urls: Urls, **more: Any) -> Any:
    """A house to ask."""
    async with open_house(settings(urls, **more)) as house:
        yield Asking(house)

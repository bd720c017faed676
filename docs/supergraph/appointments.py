"""Another team's subgraph: appointments at a counter, which know citizens by id and reports by number.

    python appointments.py http://127.0.0.1:8000/graphql TOKEN

serves two of the citizen whose token it is, one of them about the newest report; the ids are asked of Omniloket there.
PORT is the TCP port, 8001 unless told. It has a Node and a PageInfo of its own. As `appointments:app`, which any ASGI
server takes, its data are JSON in the environment variable APPOINTMENTS.
"""

import json
import os
import sys

import httpx
import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL

ROWS = json.loads(os.environ.get("APPOINTMENTS", "[]"))
KNOWN = "{ viewer { citizen { id reports(first: 1) { edges { node { number } } } } } }"


@strawberry.interface
class Node:
    id: strawberry.ID


@strawberry.federation.type(shareable=True)
class PageInfo:
    has_next_page: bool = False
    has_previous_page: bool = False
    start_cursor: str | None = None
    end_cursor: str | None = None


@strawberry.type
class Appointment(Node):
    at: str
    citizen: "Citizen | None"
    report: "Report | None"


@strawberry.type
class AppointmentEdge:
    node: Appointment
    cursor: str = ""


@strawberry.type
class AppointmentConnection:
    edges: list[AppointmentEdge]
    page_info: PageInfo


@strawberry.federation.type(keys=["id"])
class Citizen(Node):
    @strawberry.field
    def appointments(self) -> AppointmentConnection:
        return connection([row for row in ROWS if row["citizen"] == self.id])

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> "Citizen":
        return cls(id=id)


@strawberry.federation.type(keys=["number"])
class Report:
    number: str

    @strawberry.field
    def appointments(self) -> list[Appointment]:
        return [appointment(row) for row in ROWS if row["report"] == self.number]

    @classmethod
    def resolve_reference(cls, number: str) -> "Report":
        return cls(number=number)


@strawberry.type
class Query:
    @strawberry.federation.field(shareable=True, inaccessible=True)
    def node(self, id: strawberry.ID) -> Node | None:
        return next((appointment(row) for row in ROWS if row["id"] == id), None)

    @strawberry.federation.field(shareable=True, inaccessible=True)
    def nodes(self, ids: list[strawberry.ID]) -> list[Node | None]:
        return [self.node(each) for each in ids]

    @strawberry.field
    def appointments(self) -> AppointmentConnection:
        return connection(ROWS)


def appointment(row: dict[str, str]) -> Appointment:
    return Appointment(
        id=strawberry.ID(row["id"]),
        at=row["at"],
        citizen=Citizen(id=strawberry.ID(row["citizen"])),
        report=Report(number=row["report"]) if row["report"] else None,
    )


def connection(rows: list[dict[str, str]]) -> AppointmentConnection:
    return AppointmentConnection(edges=[AppointmentEdge(node=appointment(row)) for row in rows], page_info=PageInfo())


app = Starlette(
    routes=[Route("/graphql", GraphQL(strawberry.federation.Schema(query=Query, federation_version="2.7")))]
)


def sample(url: str, token: str) -> list[dict[str, str | None]]:
    """Two appointments of the citizen whose token it is."""
    headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
    citizen = httpx.post(url, json={"query": KNOWN}, headers=headers).json()["data"]["viewer"]["citizen"]
    numbers = [edge["node"]["number"] for edge in citizen["reports"]["edges"]]
    return [
        {"id": "a1", "at": "2026-11-02T09:00:00Z", "citizen": citizen["id"], "report": numbers[0] if numbers else None},
        {"id": "a2", "at": "2026-11-03T09:00:00Z", "citizen": citizen["id"], "report": None},
    ]


if __name__ == "__main__":
    ROWS.extend(sample(*sys.argv[1:]))
    uvicorn.run(app, port=int(os.environ.get("PORT", "8001")))

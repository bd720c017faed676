"""Subscriptions as Strawberry has them: each stream executes by itself, and hears of changes from a queue in memory.

.venv/bin/python benchmarks/peers/plain_strawberry.py

The same field as Omniloket's with the same selection, and without any source: what an event shows stands in memory. No
cursor, no identity and no rules; a queue has no bound. POST /publish tells of changes of reports.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import orjson
import strawberry
import uvicorn
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

queues: dict[str, set[asyncio.Queue[datetime]]] = defaultdict(set)


@strawberry.enum
class ReportStatus(Enum):
    IN_INVESTIGATION = "IN_INVESTIGATION"
    CLOSED = "CLOSED"


@strawberry.input
class ReportBy:
    number: str


@strawberry.type
class StatusChange:
    status: ReportStatus
    label: str
    at: datetime


@strawberry.type
class Report:
    status: ReportStatus
    updated_at: datetime


@strawberry.type
class ReportStatusEvent:
    cursor: str
    change: StatusChange
    report: Report


@strawberry.type
class Query:
    here: bool = True


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def report_status_changed(
        self, report: ReportBy, after: str | None = None
    ) -> AsyncGenerator[ReportStatusEvent, None]:
        queue: asyncio.Queue[datetime] = asyncio.Queue()
        queues[report.number].add(queue)
        try:
            while True:
                at = await queue.get()
                change = StatusChange(status=ReportStatus.IN_INVESTIGATION, label="In onderzoek", at=at)
                now = Report(status=ReportStatus.IN_INVESTIGATION, updated_at=at)
                yield ReportStatusEvent(cursor="x" * 60, change=change, report=now)
        finally:
            queues[report.number].discard(queue)


class Utc(datetime):
    """An instant that is written as Omniloket writes it."""

    def isoformat(self, *_: Any, **__: Any) -> str:
        return self.strftime("%Y-%m-%dT%H:%M:%SZ")


class Application:
    """Strawberry's own ASGI application, and beside it the way in for changes."""

    def __init__(self) -> None:
        schema = strawberry.Schema(Query, subscription=Subscription)
        self._graphql = GraphQL[Any, Any](schema, subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._publish(receive, send)
        else:
            await self._graphql(scope, receive, send)

    async def _publish(self, receive: Any, send: Any) -> None:
        body, message = b"", {"more_body": True}
        while message["more_body"]:
            message = await receive()
            body += message["body"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        told = orjson.loads(body)
        at = Utc.strptime(told["at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        for number in told["numbers"]:
            for queue in queues[number]:
                queue.put_nowait(at)


if __name__ == "__main__":
    uvicorn.run(
        Application(),
        port=0,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        timeout_keep_alive=300,
        access_log=False,
    )

"""Who uses which part of the schema: counts by client and schema coordinate, so that it is known what may be removed.

Each process keeps a file of its own in one directory, and writes it anew while it counts. Coordinates are those of the
GraphQL specification's section 3.14: `Report.status`, `Query.reports(first:)`, `ReportFilter.status`.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import structlog
from graphql import GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema

from engine.prepared import Prepared

WRITE_SECONDS = 10.0

OTHER = "other"
"""The client of documents that no manifest has."""

_WITH_FIELDS = (GraphQLObjectType, GraphQLInterfaceType, GraphQLInputObjectType)

log = structlog.get_logger("omniloket")


class Recorded(msgspec.Struct):
    """What one process has counted between two instants, by client and coordinate."""

    since: datetime
    until: datetime
    clients: dict[str, dict[str, int]]


class Usage:
    """The counts of this process. `keep` writes them, as long as it runs."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._file = directory / f"{os.getpid()}-{time.time_ns()}.json"
        self._since = datetime.now(UTC)
        self._counts: dict[str, Counter[str]] = {}
        self._is_changed = False
        self._written: Recorded | None = None

    def count(self, prepared: Prepared, variables: Mapping[str, Any], document: str | None) -> None:
        """One use of an operation, of a trusted document by its name or of another.

        Where it cannot be told which of several clients asked, they count as one: `portal+screen`.
        """
        client = OTHER if document is None else document.partition("/")[0]
        counts = self._counts.get(client)
        if counts is None:
            counts = self._counts[client] = Counter()
        for coordinate in prepared.uses.by(variables):
            counts[coordinate] += 1
        self._is_changed = True

    async def keep(self) -> None:
        """Writes what was counted, now and then. A file that cannot be written is told of, and tried again."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            self.write()

    def write(self) -> None:
        """Writes what was counted since it was last written, if anything was."""
        if not self._is_changed:
            return
        draft = self._file.with_suffix(".draft")
        try:
            self._begin_anew()
            clients = {client: dict(counts) for client, counts in self._counts.items()}
            written = Recorded(self._since, datetime.now(UTC), clients)
            draft.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(msgspec.json.encode(written))
            draft.replace(self._file)
            self._written, self._is_changed = written, False
        except OSError as error:
            log.error("the use of the schema could not be written", error=error)

    def _begin_anew(self) -> None:
        """Forgets what was written, if somebody has removed it since."""
        if self._written is None or self._file.exists():
            return
        before, self._written = self._written, None
        self._since = before.until
        self._counts = {
            client: counts - Counter(before.clients.get(client, {})) for client, counts in self._counts.items()
        }


@dataclass
class Used:
    """All that was recorded: from when to when, and how often each coordinate was used by each client."""

    since: datetime | None = None
    until: datetime | None = None
    counts: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])


def recorded(directory: Path) -> Used:
    """What all processes have recorded in a directory. Raises OSError, and ValueError for a file that is another's."""
    used = Used()
    for file in sorted(directory.glob("*.json")):
        try:
            each = msgspec.json.decode(file.read_bytes(), type=Recorded)
        except msgspec.MsgspecError as error:
            raise ValueError(f"{file}: not what a server has recorded: {error}") from None
        used.since = each.since if used.since is None else min(used.since, each.since)
        used.until = each.until if used.until is None else max(used.until, each.until)
        for client, counts in each.clients.items():
            for coordinate, count in counts.items():
                used.counts.setdefault(coordinate, Counter())[client] += count
    return used


def coordinates(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Every field, argument and input field of a schema, and why it is deprecated, if it is."""
    for type_ in schema.type_map.values():
        if not isinstance(type_, _WITH_FIELDS) or type_.name.startswith("__"):
            continue
        for name, each in type_.fields.items():
            yield f"{type_.name}.{name}", each.deprecation_reason
            for argument, given in getattr(each, "args", {}).items():
                yield f"{type_.name}.{name}({argument}:)", given.deprecation_reason

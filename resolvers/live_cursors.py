"""Cursors of live updates: where a stream stands in the sources' logs, sealed for one field and one subject.

A cursor carries no right, and tells nothing to who holds it. `liveCursor` gives one for every field and subject.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from resolvers.errors import CursorRejected
from resolvers.paging import open_cursor, seal_cursor
from sources.records import Key
from sources.sealing import Sealer
from subscriptions.hub import Standing

_EVERY_FIELD = "live"


@dataclass(frozen=True)
class StreamKind:
    """A subscription field, the log that it follows, and the subject that it was resolved to, if it is about one."""

    name: str
    log: str
    subject: Key | None = None

    def sealed(self, sealer: Sealer, standing: Standing) -> str:
        return _sealed(sealer, self._purpose, standing)

    def opened(self, sealer: Sealer, after: str | None) -> Standing:
        """Where a stream begins; raises CursorRejected for a cursor of another field or subject, or of none."""
        if after is None:
            return Standing({self.log: None})
        found: Any = open_cursor(sealer, self._purpose, after) or open_cursor(sealer, _EVERY_FIELD, after)
        if not isinstance(found, list) or self.log not in found[0]:
            raise CursorRejected("after")
        positions, shown = cast("list[Mapping[str, Any]]", found)
        return Standing({self.log: positions[self.log]}, {self.log: [tuple(each) for each in shown.get(self.log, ())]})

    @property
    def _purpose(self) -> str:
        return f"{_EVERY_FIELD}:{self.name}:{'' if self.subject is None else self.subject}"


def sealed_for_every_field(sealer: Sealer, standing: Standing) -> str:
    return _sealed(sealer, _EVERY_FIELD, standing)


def _sealed(sealer: Sealer, purpose: str, standing: Standing) -> str:
    shown = {log: places for log, places in standing.shown.items() if places}
    return seal_cursor(sealer, purpose, [standing.positions, shown])

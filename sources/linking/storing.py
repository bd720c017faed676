"""Where journeys are written: by one process at a time, together with how far the logs have been read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sources.linking.gathering import Fact
from sources.linking.matching import Changes
from sources.linking.rules import StatusLine
from sources.ports import Mark


class NotTheLinker(Exception):
    """Another process is the linker now; nothing was written."""


@dataclass(frozen=True)
class LogPosition:
    """How far a log has been read.

    What stood there when it was first met, at `mark`, is history: it is read by serial, and `history` is the last one
    read. None once all of it has been: then `mark` moves on. `anew`: what is on a journey already is judged as well.
    """

    mark: Mark
    history: int | None = None
    anew: bool = False


class JourneyStore(Protocol):
    """The writing side of the journey database. Every call raises SourceUnavailable when it does not answer.

    Only the holder writes: the others' writes raise NotTheLinker, however late they come.
    """

    async def hold(self, holder: str, now: datetime, until: datetime) -> bool:
        """Makes `holder` the linker until then, unless another one still is; whether it is."""
        ...

    async def renew(self, holder: str, until: datetime) -> None:
        """Lets `holder` be the linker until then, if no other one has become it meanwhile."""
        ...

    async def release(self, holder: str, now: datetime) -> None:
        """Lets another process take over at once."""
        ...

    async def positions(self) -> Mapping[str, LogPosition]:
        """How far each log has been read, by its name; without those that were never met."""
        ...

    async def placed(self, facts: Iterable[Fact]) -> set[Fact]:
        """Those of the facts that are on a journey."""
        ...

    async def write(
        self, holder: str, changes: Changes, positions: Mapping[str, LogPosition], lines: Sequence[StatusLine] = ()
    ) -> None:
        """All of it, or nothing. Those lines of reports on journeys that were not told there yet are told."""
        ...

    async def close_quiet(self, holder: str, now: datetime) -> int:
        """Closes the journeys whose time has come; how many."""
        ...

    async def contacts_of_nobody(self, since: datetime, after: int, limit: int) -> Sequence[tuple[int, Fact]]:
        """Contacts on journeys without a citizen that were active since; each with its place in the list."""
        ...

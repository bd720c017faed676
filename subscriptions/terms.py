"""How streams are served: what some have in common, what they get, and what is done when one cannot go on."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.prepared import Prepared


@dataclass(eq=False)
class Payload:
    """One event's answer as JSON. `cursor`: the position to resume after, where the event has one.

    `place` tells the event from others of its stream. `number` counts what the group was offered. `sent` is what a
    transport made of it, and for which operation, for the next who needs the same.
    """

    json: bytes
    cursor: str | None
    place: object = None
    number: int = 0
    sent: tuple[str, bytes] = field(default=("", b""), repr=False)


Deliver = Callable[[Payload], Awaitable[None] | None]
"""Hands a payload to a client. None: that is done; else what has to be awaited until it is."""


Record = Callable[[Prepared, object, Sequence[object]], Awaitable[None]]
"""Told of an answer before it leaves: the context that it was made in, and those of whom it goes to."""


@dataclass(frozen=True)
class Common:
    """What streams must have in common to be served together. `make_context`: a context that knows that alone."""

    key: Hashable
    make_context: Callable[[], object]


async def _for_nothing(_prepared: Prepared, _variables: Mapping[str, Any], _context: object) -> None:
    pass


def _hold_nothing(_prepared: Prepared, _variables: Mapping[str, Any], _context: object) -> Callable[[], None]:
    return lambda: None


@dataclass(frozen=True)
class Terms:
    """How all streams are served.

    `common` tells what the streams of an operation must have in common, from a context of one of them. `queue_size`
    bounds what may wait for a client, or for a group; beyond it, it ends as `too_slow` says of its last cursor, or of
    where it began. `rights_changed` ends a stream whose client has other rights than it began with. `failure` is an
    error as the end of a stream, or of several. `pay` is waited for before each answer that a stream gets alone. `hold`
    is asked before a stream begins, and gives what is called when it has ended; it may raise RequestRefused.
    """

    record: Record
    common: Callable[[Prepared, Any], Common]
    too_slow: Callable[[str | None], Exception]
    rights_changed: Callable[[], Exception]
    failure: Callable[[Exception], Exception]
    queue_size: int = 1000
    pay: Callable[[Prepared, Mapping[str, Any], Any], Awaitable[None]] = _for_nothing
    hold: Callable[[Prepared, Mapping[str, Any], Any], Callable[[], None]] = _hold_nothing

"""How far a request has come in, and by when it has to be further."""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable

from omniloket.bounds import Bounds


class Arrival:
    """That of one connection's requests, each in its turn: first its head is awaited, then its body, then nothing.

    `bytes_beside` counts what came of a request that is not its content. What `missed` does is told with each wait and
    not kept, or else a connection that is gone would hold itself.
    """

    __slots__ = ("_bounds", "_deadline", "_loop", "bytes_beside", "is_in_body", "is_in_head")

    def __init__(self, loop: AbstractEventLoop, bounds: Bounds) -> None:
        self._loop = loop
        self._bounds = bounds
        self._deadline: TimerHandle | None = None
        self.is_in_head = True
        self.is_in_body = False
        self.bytes_beside = 0

    @property
    def is_awaited(self) -> bool:
        """Whether there is a time by which more must have come."""
        return self._deadline is not None

    def await_head(self, missed: Callable[[], None]) -> None:
        """From now on, the head of the next request."""
        self.end()
        self.is_in_head, self.bytes_beside = True, 0
        self._deadline = self._loop.call_later(self._bounds.head_seconds, missed)

    def begin_body(self) -> None:
        """The head is there, and good. Most bodies come with it: who waits for the rest says so."""
        self.is_in_body = True

    def await_body(self, missed: Callable[[], None]) -> None:
        """The rest of the body, if it is not awaited already."""
        if self._deadline is None:
            self._deadline = self._loop.call_later(self._bounds.body_seconds, missed)

    def end(self) -> None:
        """Nothing is awaited any more, until more is said."""
        self.is_in_head = self.is_in_body = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

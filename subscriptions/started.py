"""Running a coroutine at once, as far as it goes without waiting: a task costs more than most sends take."""

from collections.abc import Awaitable, Coroutine, Generator
from functools import partial
from typing import Any


def started(coroutine: Coroutine[Any, None, None]) -> Awaitable[None] | None:
    """None when the coroutine is done; else what has to be awaited for its rest.

    Another task than the one that started it may do that, so nothing in the coroutine may depend on the current task,
    as timeouts and cancel scopes do. Raises what it raised.
    """
    try:
        waits_for = coroutine.send(None)
    except StopIteration:
        return None
    return _Rest(coroutine, waits_for)


class _Rest:
    """A coroutine from where it waits."""

    def __init__(self, coroutine: Coroutine[Any, None, None], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        waits_for = self._waits_for
        while True:
            try:
                sent = yield waits_for
            except BaseException as error:
                step = partial(self._coroutine.throw, error)
            else:
                step = partial(self._coroutine.send, sent)
            try:
                waits_for = step()
            except StopIteration:
                return

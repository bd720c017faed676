"""Telling those who follow a back-end's logs to look, at once instead of at their next reading.

A wake-up carries nothing and nothing depends on it: a lost one costs the wait for the next reading.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager


class Bell:
    """Wakes everybody who hears it. However often it rings while somebody is awake, that one looks once more."""

    def __init__(self) -> None:
        self._hearers: list[asyncio.Event] = []

    @property
    def is_heard(self) -> bool:
        return bool(self._hearers)

    @contextmanager
    def heard(self, woken: asyncio.Event) -> Generator[None]:
        """Sets `woken` at every ring."""
        self._hearers.append(woken)
        try:
            yield
        finally:
            self._hearers.remove(woken)

    def ring(self) -> None:
        for hearer in self._hearers:
            hearer.set()

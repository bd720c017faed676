"""What is known of tokens, by their digests: of those asked for last, and of none for too long."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")

MOST = 10_000
"""Tokens remembered, in each process."""


class Remembered(Generic[V]):
    """Values of some kind, each until an instant of `clock`, in seconds. Of too many, the oldest gives way."""

    def __init__(self, most: int = MOST, clock: Callable[[], float] = time.time) -> None:
        self._most = most
        self._clock = clock
        self._by_digest: OrderedDict[bytes, tuple[V, float]] = OrderedDict()

    def get(self, token: str) -> V | None:
        digest = _digest(token)
        found = self._by_digest.get(digest)
        if found is None:
            return None
        value, until = found
        if until <= self._clock():
            del self._by_digest[digest]
            return None
        self._by_digest.move_to_end(digest)
        return value

    def put(self, token: str, value: V, until: float) -> None:
        digest = _digest(token)
        self._by_digest[digest] = (value, until)
        self._by_digest.move_to_end(digest)
        if len(self._by_digest) > self._most:
            self._by_digest.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

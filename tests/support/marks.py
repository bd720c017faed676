"""Markers: values that nobody guesses, in the forms that back-ends want, each for the one place where it stands."""

import hashlib
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
START = datetime.fromisoformat("2026-05-04 09:00")
"""When everything begins, in local time."""

_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)


@dataclass
class Marks:
    """Makes markers, and remembers the one of each place, such as "contact:anna-call.tekst".

    `changed`: places that get another one than usual.
    """

    changed: AbstractSet[str] = frozenset()
    made: dict[str, str] = field(default_factory=dict[str, str])

    def text(self, place: str) -> str:
        return self._made(place, self._digest(place).hexdigest()[:12])

    def digits(self, place: str, length: int) -> str:
        """Does not begin with a zero."""
        number = int.from_bytes(self._digest(place).digest()[:8])
        return self._made(place, str(10 ** (length - 1) + number % (9 * 10 ** (length - 1))))

    def number(self, place: str, length: int = 12) -> int:
        return int(self.digits(place, length))

    def bsn(self, person: str) -> str:
        """Nine digits that pass the eleven-test."""
        place = f"person:{person}.bsn"
        start = int.from_bytes(self._digest(place).digest()[:4]) % 800_000_000 + 100_000_000
        return self._made(place, next(str(each) for each in count(start) if _passes(str(each))))

    def phone(self, place: str) -> str:
        return "06-" + self.digits(place, 8)

    def day(self, place: str) -> str:
        number = int.from_bytes(self._digest(place).digest()[:4])
        year, month, day = 1930 + number % 70, 1 + number // 70 % 12, 1 + number // 840 % 28
        self._made(place, f"{year}-{month:02}-{day:02}")
        return f"{year}{month:02}{day:02}"

    def degrees(self, place: str, whole: int) -> float:
        return float(self._made(place, f"{whole}.{int.from_bytes(self._digest(place).digest()[:3]):08}1"))

    def instant(self, place: str, days: float) -> datetime:
        """So many days after the start, on a microsecond of its own; the same in every world."""
        number = int.from_bytes(hashlib.sha256(place.encode()).digest()[:8])
        local = START + timedelta(days=days, microseconds=100_001 + number % 899_998)
        self._made(f"{place} at", local.replace(tzinfo=AMSTERDAM).astimezone(UTC).isoformat()[:26])
        return local

    def _digest(self, place: str) -> "hashlib._Hash":
        return hashlib.sha256(f"{place}{' changed' if place in self.changed else ''}".encode())

    def _made(self, place: str, marker: str) -> str:
        self.made[place] = marker
        return marker


def _passes(digits: str) -> bool:
    return sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True)) % 11 == 0

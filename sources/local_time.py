"""Between the naive local time that back-ends write (Europe/Amsterdam) and UTC.

When the clock goes back, an hour is written twice: it is read as its first occurrence. When it goes forward, an
hour does not exist: a time in it moves forward, 02:30 to 03:30 summer time.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

_BEGIN_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_BEGIN = _BEGIN_UTC.replace(tzinfo=None)
_offset: Callable[[datetime], timedelta] = cast("Any", AMSTERDAM.utcoffset)


def utc_of_naive(written: datetime) -> datetime:
    """The instant of a naive time in UTC. Every row has some: by difference is seven times as fast as by `replace`."""
    return _BEGIN_UTC + (written - _BEGIN)


def utc_of_local(written: datetime) -> datetime:
    """The instant of a naive local time. The offset before a transition (`fold` 0) gives both rules above."""
    return _BEGIN_UTC + (written - _BEGIN - _offset(written))


def local_of_utc(instant: datetime) -> datetime:
    """How a back-end writes an instant: naive local time."""
    return instant.astimezone(AMSTERDAM).replace(tzinfo=None, fold=0)


def local_bound(instant: datetime) -> datetime:
    """The naive local time that splits written times into those before an instant and the others.

    In the second occurrence of the hour written twice, all of that hour's written times count as before.
    """
    local = instant.astimezone(AMSTERDAM)
    if local.fold:
        local = local.replace(minute=0, second=0, microsecond=0, fold=0) + timedelta(hours=1)
    return local.replace(tzinfo=None, fold=0)

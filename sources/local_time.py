"""Between the naive local time that back-ends write (Europe/Amsterdam) and UTC.

When the clock goes back, an hour is written twice: it is read as its first occurrence. When it goes forward, an
hour does not exist: a time in it moves forward, 02:30 to 03:30 summer time.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def utc_of_local(written: datetime) -> datetime:
    """The instant of a naive local time. The offset before a transition (`fold` 0) gives both rules above."""
    return written.replace(tzinfo=AMSTERDAM, fold=0).astimezone(UTC)


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

"""What is the same in the hand-written peers: the back-ends' codes and local time, as Omniloket answers them."""

from sources.sql.incidents import STATUSES

STATUS = {code: status.value for code, status in STATUSES.items()}
"""A code that is not here is OTHER."""


def instant(column: str) -> str:
    """In SQL, the instant of a naive local time: of an hour that was written twice, the first.

    PostgreSQL takes the second; an hour back and forth gives the first, and is an hour late after the clock went
    forward.
    """
    early = f"(({column} - interval '1 hour') AT TIME ZONE 'Europe/Amsterdam' + interval '1 hour')"
    return f"least({column} AT TIME ZONE 'Europe/Amsterdam', {early})"

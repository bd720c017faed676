"""Which table or column a database lacks, by its driver's error.

The statements are ours, with each value a parameter: such a name is never personal data.
"""

import re
import sqlite3

from asyncpg.exceptions import UndefinedColumnError, UndefinedTableError
from sqlalchemy.exc import DBAPIError

_MISSING = re.compile(
    r'(?:no such (?:table|column): |relation |column )"?(?P<name>[A-Za-z_][\w.]*)"?(?: does not exist)?'
)


def root_of(error: BaseException) -> BaseException:
    """The exception that began it: the driver's own, where one is at the root."""
    while True:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error.__cause__
        if cause is None:
            return error
        error = cause


def missing(error: BaseException) -> str | None:
    """The table or column that a driver's exception says is not there; None for any other."""
    lines = str(error).splitlines()
    is_missing = isinstance(error, UndefinedColumnError | UndefinedTableError | sqlite3.OperationalError)
    found = _MISSING.fullmatch(lines[0]) if is_missing and lines else None
    return found["name"] if found else None

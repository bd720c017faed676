"""The addresses of databases: which there can be, found out before anything connects to one."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

_FORMS = "must be sqlite+aiosqlite:///path or postgresql+asyncpg://user:password@host:port/database"
_FILE = "must name a file after three slashes, as sqlite+aiosqlite:///path, and nothing else"
_PORT = "must have a port from 1 to 65535, or none"

_PARAMETERS = frozenset(
    {
        "database",
        "host",
        "krbsrvname",
        "passfile",
        "password",
        "port",
        "prepared_statement_cache_size",
        "ssl",
        "target_session_attrs",
        "user",
    }
)
"""What asyncpg takes as a string, and SQLAlchemy turns into a number for it."""


def checked(url: str) -> str:
    """The address as it was given. Raises ValueError, which never quotes it: it may hold a password."""
    try:
        parts = sa.make_url(url)
    except ArgumentError:
        raise ValueError(_FORMS) from None
    except ValueError:  # of int() for the port
        raise ValueError(_PORT) from None
    if parts.drivername == "sqlite+aiosqlite":
        _check_file(parts)
    elif parts.drivername == "postgresql+asyncpg":
        _check_server(parts)
    else:
        raise ValueError(_FORMS)
    return url


def anchored(url: str, directory: Path) -> str:
    """The address with a path that is relative to a directory made absolute. What is no such address stays."""
    scheme, mark, path = url.partition("sqlite+aiosqlite:///")
    is_relative = mark and not scheme and path and not path.startswith(("/", ":memory:"))
    return f"{mark}{directory / path}" if is_relative else url


def _check_file(parts: sa.URL) -> None:
    has_more = parts.host or parts.username or parts.password or parts.port or parts.query
    if has_more or not parts.database or parts.database == ":memory:":
        raise ValueError(_FILE)


def _check_server(parts: sa.URL) -> None:
    if parts.port is not None and not 1 <= parts.port <= 65535:
        raise ValueError(_PORT)
    if not parts.query.keys() <= _PARAMETERS:
        raise ValueError(f"may have no other parameters than {', '.join(sorted(_PARAMETERS))} (ssl, not sslmode)")
    try:
        parts.get_dialect()().create_connect_args(parts)
    except (ArgumentError, ValueError):  # of several hosts, or of what is to be a number
        raise ValueError(_FORMS) from None

"""`omniloket sources install` and `uninstall`: the wake-up triggers, which a source's owner consents to."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from sqlalchemy.exc import ArgumentError

from omniloket.settings import Settings
from omniloket.variables import OWNERS_URL
from sources.sql import journeys
from sources.sql.connections import FAILURES
from sources.sql.opening import SERVES
from sources.sql.triggers import LOGS, apply

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[SOURCE]...", help=f"Of {', '.join(LOGS)}; with --dry-run, none is all.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the SQL, for the owner to read, and change nothing.")]
OwnersUrl = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar=OWNERS_URL,
        help="The address of one source, postgresql+asyncpg://..., with the role of its owner.",
    ),
]


class WakeUpError(Exception):
    """The triggers cannot be made or taken away; the message says why, and never holds an address."""


def sql(names: Sequence[str], statements: Callable[[str], Sequence[str]]) -> str:
    """The SQL for some sources, or for all of them, as a script for each; raises WakeUpError."""
    return "\n\n".join(
        "\n".join([f"-- {name}", *(f"{statement};" for statement in statements(name))])
        for name in _checked(names or list(LOGS))
    )


def execute(
    names: Sequence[str], statements: Callable[[str], Sequence[str]], settings: Settings, url: str | None
) -> None:
    """Executes the SQL for the sources that are named, whether it was executed before or not; raises WakeUpError."""
    if not names:
        raise WakeUpError(f"Name the sources whose owners have consented, of {', '.join(LOGS)}.")
    if url is not None and len(names) != 1:
        raise WakeUpError("--url is the address of one source: name that one alone.")
    addresses = {name: url or getattr(settings.sources, name).url for name in _checked(names)}
    for name, address in addresses.items():
        if not address.startswith("postgresql+asyncpg://"):
            raise WakeUpError(f"{name}: not on PostgreSQL (postgresql+asyncpg://...). It is polled.")
    for name, address in addresses.items():
        try:
            asyncio.run(apply(address, statements(name)))
        except (*FAILURES, TimeoutError, ArgumentError) as error:
            raise WakeUpError(f"{name}: {_reason(error)}") from error


def _checked(names: Sequence[str]) -> Sequence[str]:
    for name in names:
        if name == journeys.SOURCE:
            raise WakeUpError(f"{name}: is Omniloket's own, and wakes without a trigger.")
        if name not in SERVES:
            raise WakeUpError(f"A source is one of {', '.join(LOGS)}, but got: {name}")
        if name not in LOGS:
            raise WakeUpError(f"{name}: keeps no log that is followed.")
    return names


def _reason(error: BaseException) -> str:
    """What the database said, without the statement and the address that SQLAlchemy adds."""
    original = getattr(error, "orig", None)
    cause = getattr(original, "__cause__", None) or original or error
    return f"{type(cause).__name__}: {cause}"

"""`omniloket demo`: made-up back-ends, development keys, live changes, and a server over them."""

import asyncio
import base64
import hashlib
import multiprocessing
import os
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
import sqlalchemy as sa
import typer

from omniloket import logs
from omniloket.configured import databases
from omniloket.hosts import THIS_MACHINE
from omniloket.identity import make_key, make_token, read_key
from omniloket.linking import link_history
from omniloket.progress import progress_bar
from omniloket.reading_settings import read
from omniloket.serving import authority, listen, port_of
from omniloket.serving import serve as serve_settings
from omniloket.settings import Settings
from resolvers.context import Viewer
from sources.demo import live
from sources.demo.brp import PersonsFileError, read_persons
from sources.demo.loading import DemoError, PostgresDatabases, SqliteFiles, Target, load
from sources.demo.people import Row
from sources.demo.population import Population
from sources.paging import PageRequest
from sources.ports import Sources
from sources.records import Role
from sources.scope import EVERYTHING
from sources.sql import persons as register
from sources.sql.opening import open_sources
from subscriptions.linker import Progress

LIVE_EVERY_SECONDS = 3.0
_FEWEST, _MOST = 1, 1_000_000
_SEALING_KEY_BYTES = 64


@dataclass(frozen=True)
class Wanted:
    """Which population, and where: SQLite files in `directory`, or databases on a PostgreSQL server.

    The keys and the settings file are in `directory` in either case.
    """

    citizens: int
    seed: int
    persons: Path | None
    postgres: str | None
    directory: Path

    @property
    def settings_file(self) -> Path:
        return self.directory / "omniloket.toml"


@dataclass(frozen=True)
class Shown:
    """Whom the demo shows first: a citizen, and the newest of their reports, if there is one."""

    bsn: str
    report: str | None


def key_file(directory: Path) -> Path:
    """Where the key of development tokens is kept."""
    return directory / "development.key"


def prepare(wanted: Wanted) -> None:
    """Loads the population, unless it is there already; raises DemoError, SettingsError."""
    target = _target(wanted)
    description, rows = _described(wanted)
    loaded = asyncio.run(target.loaded())
    if loaded is not None and loaded != description:
        raise DemoError(
            f"Another population is there already ({loaded}), and you want {description}. "
            "Name another --directory, or remove what is there."
        )
    _write_settings(wanted, target)
    _check_settings(wanted, target)
    make_key(key_file(wanted.directory))
    if loaded is None:
        _load(target, Population(wanted.citizens, wanted.seed, rows), description)
        _link(wanted)


def serve(wanted: Wanted, *, host: str, port: int) -> None:
    """Serves the population, with live changes, until it is interrupted; or raises AddressTaken at once."""
    settings = read(wanted.settings_file, host=host, port=port)
    logs.configure(settings.log_level)
    sockets = listen(settings.host, settings.port)
    urls = {name: source.url for name, source in settings.sources}
    shown = asyncio.run(_shown(settings))
    pace = live.Pace(LIVE_EVERY_SECONDS, shown.report, wanted.seed)
    given = (urls, pace, os.getpid())
    changes = multiprocessing.get_context("spawn").Process(target=live.run, args=given, daemon=True)
    changes.start()
    try:
        _tell(settings, authority(settings.host, port_of(sockets)), shown)
        serve_settings(settings, wanted.settings_file, sockets)
    finally:
        changes.terminate()
        changes.join()


def _target(wanted: Wanted) -> Target:
    return SqliteFiles(wanted.directory) if wanted.postgres is None else PostgresDatabases(wanted.postgres)


def _described(wanted: Wanted) -> tuple[str, list[Row] | None]:
    """What tells one population from another, and the rows of a persons file."""
    if wanted.persons is None:
        if not _FEWEST <= wanted.citizens <= _MOST:
            raise DemoError(f"--citizens takes a number from {_FEWEST} to {_MOST}, but got: {wanted.citizens}")
        return f"{wanted.citizens} citizens, seed {wanted.seed}", None
    try:
        rows = read_persons(wanted.persons)
    except PersonsFileError as error:
        raise DemoError(str(error)) from None
    digest = hashlib.sha256(wanted.persons.read_bytes()).hexdigest()[:12]
    return f"{len(rows)} persons of a file {digest}, seed {wanted.seed}", rows


def _load(target: Target, population: Population, description: str) -> None:
    with progress_bar("Making up citizens") as progress:
        asyncio.run(load(target, population, description, lambda done: progress(done, len(population))))


def _link(wanted: Wanted) -> None:
    """The journeys come about as anywhere: from what the back-ends hold, by the linker."""
    with progress_bar("Linking journeys") as progress:
        asyncio.run(_link_history(read(wanted.settings_file), lambda each: progress(each.done, each.total)))


async def _link_history(settings: Settings, progress: Callable[[Progress], None]) -> None:
    async with open_sources(databases(settings), settings.sealer()) as sources:
        await link_history(settings, sources, progress)


def _write_settings(wanted: Wanted, target: Target) -> None:
    """A settings file that `omniloket serve --config` takes as well. It holds the sealing key: for its owner only.

    One that is there is its owner's to change, and stays as it is.
    """
    file = wanted.settings_file
    wanted.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = _sealing_key(wanted.directory)
    if file.exists():
        return
    lines = ["access_log = false", f'development_key_file = "{key_file(wanted.directory).name}"']
    lines += ["", "[sealing]", "current = 1"]
    lines += [f'keys = {{ 1 = "{base64.b64encode(key).decode()}" }}']
    lines += ["", "[requests]", f"hosts = {orjson.dumps(THIS_MACHINE).decode()}"]
    for name, url in target.urls.items():
        lines += ["", f"[sources.{name}]", f'url = "{_beside(file, url)}"']
    file.touch(mode=0o600)
    file.write_text("\n".join(lines) + "\n")


def _beside(file: Path, url: str) -> str:
    """The address as the settings file has it: that of a database beside it goes along when the directory is moved."""
    return url.replace(f"{file.parent.resolve()}/", "", 1) if url.startswith("sqlite") else url


def _check_settings(wanted: Wanted, target: Target) -> None:
    """That what is served is what is loaded: the file may be of a demo elsewhere, and a variable wins over it."""
    settings = read(wanted.settings_file)
    for name, source in settings.sources:
        if not _is_same(source.url, target.urls[name]):
            raise DemoError(
                f"{wanted.settings_file} or the environment names another database for {name} than this demo's: "
                "remove the file, or name another --directory."
            )


def _is_same(url: str, other: str) -> bool:
    one, another = sa.make_url(url), sa.make_url(other)
    if one.get_backend_name() == "sqlite" == another.get_backend_name():
        return Path(str(one.database)).resolve() == Path(str(another.database)).resolve()
    return one == another


def _sealing_key(directory: Path) -> bytes:
    """Made on first use; the journeys that were loaded are sealed under it."""
    file = directory / "sealing.key"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(base64.b64encode(secrets.token_bytes(_SEALING_KEY_BYTES)).decode())
    try:
        key = base64.b64decode(file.read_text(), validate=True)
    except ValueError:
        key = b""
    if len(key) != _SEALING_KEY_BYTES:
        raise DemoError(f"{file} holds no key any more: remove {directory}, and what was loaded under the key.")
    return key


async def _shown(settings: Settings) -> Shown:
    return await _ask(settings, _first_citizen)


async def _ask(settings: Settings, question: Callable[[Sources], Awaitable[Shown]]) -> Shown:
    async with open_sources(databases(settings), settings.sealer()) as sources:
        return await question(sources)


async def _first_citizen(sources: Sources) -> Shown:
    """The first citizen with a report, or else the first."""
    page = await sources.citizens.page(PageRequest(limit=100), EVERYTHING)
    bsns = [citizen.bsn for citizen in page.rows]
    if not bsns:
        raise DemoError(f"The {register.SOURCE} register holds nobody.")
    newest = await sources.reports.of_parents("citizen", bsns, PageRequest(limit=1), EVERYTHING)
    found = ((bsn, page.rows[0].number) for bsn, page in zip(bsns, newest, strict=True) if page.rows)
    bsn, number = next(found, (bsns[0], None))
    return Shown(bsn, number)


def _tell(settings: Settings, at: str, shown: Shown) -> None:
    """Where to look, and tokens to try."""
    assert settings.development_key_file is not None  # noqa: S101 - the demo's settings have one
    key = read_key(settings.development_key_file)
    citizen = make_token(key, Viewer(Role.CITIZEN, "demo-citizen", bsn=shown.bsn))
    agent = make_token(key, Viewer(Role.AGENT, "demo-agent", unit="PL1700", clearance=True))
    address = f"http://{at}"
    number = shown.report or "PL1700-2026000001"
    query = f'{{ report(by: {{ number: \\"{number}\\" }}) {{ status updatedAt }} }}'
    lines = [
        "",
        "Omniloket, with made-up back-ends. DEVELOPMENT KEYS: anybody who can read them can be anybody here.",
        "",
        f"  GraphiQL    {address}/  (in a browser; the link below fills in the tokens)",
        f"  GraphQL     {address}/graphql",
        f"  WebSocket   ws://{at}/graphql  (graphql-transport-ws)",
        f"  Health      {address}/healthz  {address}/readyz",
        "",
        f"  A citizen's token:\n{citizen}",
        "",
        f"  An agent's token:\n{agent}",
        "  It goes with the header 'Omniloket-Purpose: intake': what an agent asks personal data for.",
        "",
        f"  GraphiQL with both, and with queries that are ready to run:\n{address}/#citizen={citizen}&agent={agent}",
        "",
        f"  All status changes as they happen, through any number of reloads:\n{address}/live#agent={agent}",
        "",
        f"  The citizen's report {number} gets another status every few seconds. Try:",
        "",
        f"  curl {address}/graphql -H 'Content-Type: application/json' -H 'Authorization: Bearer TOKEN' \\",
        f'    -d \'{{"query": "{query}"}}\'',
        "",
    ]
    typer.echo("\n".join(lines))

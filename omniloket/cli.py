"""The command line: `omniloket --help`."""

import asyncio
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NoReturn

import structlog
import typer
from graphql import GraphQLError, GraphQLSchema, build_schema
from rich.console import Console
from rich.table import Table

from omniloket import demo as demonstration
from omniloket import logs, serving, settings_table, variables, wake_ups
from omniloket.configured import checked_schema, databases, hidden, issuers, verify, warnings
from omniloket.identity import make_token, read_key
from omniloket.linking import LinkError, link_history, rows_to_link
from omniloket.progress import progress_bar
from omniloket.reading_settings import read
from omniloket.settings import Settings, SettingsError
from omniloket.trusted import findings, read_manifests
from omniloket.usage import coordinates, recorded
from resolvers.context import Viewer
from schema.access_table import table
from schema.building import executable, printed, subgraph
from sources.bsn import is_bsn
from sources.errors import SourceError
from sources.ports import Health, HeldBack, Log, Sources
from sources.records import Role
from sources.sql.opening import SERVES, open_sources, wrong_with
from sources.sql.triggers import installing, uninstalling

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

sources_app = typer.Typer()
app.add_typer(sources_app, name="sources")
documents_app = typer.Typer(no_args_is_help=True, help="Trusted documents: those of the clients' manifests.")
app.add_typer(documents_app, name="documents")

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="The TOML file with the settings; environment variables win over it.")
]
Directory = Annotated[Path, typer.Option(help="Where the demo keeps its databases, keys and settings.")]

log = structlog.get_logger("omniloket")

DEMO_DIRECTORY = Path(".omniloket")
TOKEN_ROLES = [role.value.lower() for role in Role if role is not Role.ANONYMOUS]


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"omniloket {version('omniloket')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version, and stop.")
    ] = False,
) -> None:
    """One GraphQL schema over citizens, contacts, reports and journeys. Try: omniloket demo."""


@app.command()
def serve(
    config: ConfigFile = None,
    host: Annotated[str | None, typer.Option(help="The address to bind to, instead of the setting.")] = None,
    port: Annotated[int | None, typer.Option(help="The TCP port, instead of the setting.")] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes, instead of the setting.")] = None,
) -> None:
    """Serves GraphQL over the back-ends that the settings name."""
    with _plainly():
        settings = read(config, host=host, port=port, workers=workers)
        verify(settings)
        logs.configure(settings.log_level)
        for warning in warnings(config):
            log.warning(warning)
        serving.serve(settings, config)


@app.command()
def demo(
    citizens: Annotated[int, typer.Option(help="How many citizens to make up, at most 1,000,000.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed and number make the same people.")] = 1,
    persons: Annotated[
        Path | None, typer.Option(help="Citizens from a JSON array of persons, in the BRP API's answer form.")
    ] = None,
    postgres: Annotated[
        str | None,
        typer.Option(
            envvar=variables.DEMO_POSTGRES,
            help="A PostgreSQL server to load into (postgresql://...); makes four databases there.",
        ),
    ] = None,
    directory: Directory = DEMO_DIRECTORY,
    load_only: Annotated[bool, typer.Option("--load-only", help="Load the data and stop.")] = False,
    host: Annotated[str, typer.Option(help="The address to bind to: a loopback one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The TCP port.")] = 8000,
) -> None:
    """Serves a made-up population, with live changes and ready-made tokens. Loads it on the first start."""
    wanted = demonstration.Wanted(citizens, seed, persons, postgres, directory)
    with _plainly():
        demonstration.prepare(wanted)
        if not load_only:
            demonstration.serve(wanted, host=host, port=port)


@app.command()
def token(
    role: Annotated[str, typer.Option(help=f"One of {', '.join(TOKEN_ROLES)}.")],
    bsn: Annotated[str | None, typer.Option(help="The citizen's BSN, for the role citizen.")] = None,
    unit: Annotated[str | None, typer.Option(help="The unit (eenheid) of an agent or supervisor.")] = None,
    clearance: Annotated[bool, typer.Option("--clearance", help="May see confidential reports.")] = False,
    actor: Annotated[str | None, typer.Option(help="Who acts for the citizen: a front-end's own account.")] = None,
    directory: Directory = DEMO_DIRECTORY,
) -> None:
    """Makes a development token; the last line is the token alone. It holds for servers with the same key only."""
    if role not in TOKEN_ROLES:
        _stop(f"--role takes one of {', '.join(TOKEN_ROLES)}, but got: {role}")
    if (role == "citizen") != (bsn is not None):
        _stop("--bsn goes with --role citizen, and a citizen needs one")
    if bsn is not None and not is_bsn(bsn):
        _stop("--bsn takes nine digits that pass the eleven-test")
    if actor is not None and (role != "citizen" or not actor):
        _stop("--actor goes with --role citizen, and takes a name")
    viewer = Viewer(Role[role.upper()], f"development-{role}", unit=unit, bsn=bsn, clearance=clearance, actor=actor)
    with _plainly():
        key = read_key(demonstration.key_file(directory))
    typer.echo(f"A development token for the role {role}, for 8 hours:")
    typer.echo(make_token(key, viewer))


@app.command()
def schema(
    federation: Annotated[
        bool, typer.Option("--federation", help="As a subgraph (Apollo Federation v2), for whoever runs a gateway.")
    ] = False,
) -> None:
    """Prints the schema in GraphQL's schema definition language."""
    typer.echo(subgraph() if federation else printed(), nl=False)


@app.command()
def access(config: ConfigFile = None) -> None:
    """Prints who may see what: each field by role, in Markdown. With settings, also what they hide."""
    with _plainly():
        if config is None:
            told = table(executable())
        else:
            settings = read(config)
            told = table(checked_schema(settings), hidden(settings))
        typer.echo(told, nl=False)


@app.command("settings")
def known_settings() -> None:
    """Prints what can be set: each setting with its default and what it is, in Markdown."""
    typer.echo(settings_table.table(), nl=False)


@app.command()
def check(config: ConfigFile = None) -> None:
    """Checks the settings and asks every source and issuer; each with its reason. Exits with 1 when one is wrong."""
    with _plainly():
        settings = read(config)
        verify(settings)
    for warning in warnings(config):
        typer.echo(f"warning: {warning}", err=True)
    typer.echo("settings: good")
    found = {**asyncio.run(wrong_with(databases(settings))), **asyncio.run(_issuers_asked(settings))}
    for name, reason in found.items():
        typer.echo(f"{name}: {reason or 'good'}")
    if any(found.values()):
        raise typer.Exit(1)


@app.command()
def link(
    config: ConfigFile = None,
    again: Annotated[
        bool, typer.Option("--again", help="Judge everything anew: after a change of the linking rules.")
    ] = False,
) -> None:
    """Links the back-ends' whole history into journeys, before a first start. Goes on where it was broken off."""
    with _plainly():
        settings = read(config)
        logs.configure(settings.log_level)
        asyncio.run(_link(settings, again=again))


@sources_app.callback(invoke_without_command=True)
def sources(context: typer.Context, config: ConfigFile = None) -> None:
    """Lists the back-ends: what each serves, whether it answers, how fast, and what is still to be linked."""
    if context.invoked_subcommand is not None:
        return
    with _plainly():
        settings = read(config)
    listed = Table("source", "serves", "answers", "latency", "to be linked", "held back")
    for health, rows, held_back in asyncio.run(_asked_with_lag(settings)):
        latency = "" if health.latency_ms is None else f"{health.latency_ms:.1f} ms"
        behind = "" if rows is None else f"{rows} rows"
        serves, answers = ", ".join(SERVES[health.source]), "yes" if health.available else "no"
        listed.add_row(health.source, serves, answers, latency, behind, _held_back_by(held_back))
    Console().print(listed)


@sources_app.command()
def install(
    names: wake_ups.Names = None,
    dry_run: wake_ups.DryRun = False,
    url: wake_ups.OwnersUrl = None,
    config: ConfigFile = None,
) -> None:
    """Makes the triggers by which a source on PostgreSQL tells at once that its logs have grown."""
    _change_triggers(installing, names, url, config, dry_run=dry_run)


@sources_app.command()
def uninstall(
    names: wake_ups.Names = None,
    dry_run: wake_ups.DryRun = False,
    url: wake_ups.OwnersUrl = None,
    config: ConfigFile = None,
) -> None:
    """Takes those triggers away again. Changes are heard of by polling then."""
    _change_triggers(uninstalling, names, url, config, dry_run=dry_run)


@documents_app.command("check")
def check_documents(
    config: ConfigFile = None,
    candidate: Annotated[
        Path | None,
        typer.Option("--schema", help="A candidate for the schema, in SDL, to check against instead of this one."),
    ] = None,
) -> None:
    """Checks every client's trusted documents against the schema: which break, and which use what is deprecated.

    Exits with 1 when one breaks.
    """
    with _plainly():
        settings = read(config)
        found = read_manifests(settings.trusted)
        against = checked_schema(settings) if candidate is None else _schema_in(candidate)
    listed, breaks = Table("document", "", "what"), 0
    for trusted in found.by_text.values():
        for finding in findings(trusted, against):
            breaks += finding.is_wrong
            listed.add_row("\n".join(trusted.names), "breaks" if finding.is_wrong else "deprecated", finding.message)
    if listed.row_count:
        Console(width=160).print(listed)
    typer.echo(f"{len(found.by_text)} documents, {breaks} findings that break")
    if breaks:
        raise typer.Exit(1)


@documents_app.command("usage")
def documents_usage(
    config: ConfigFile = None,
    unused: Annotated[bool, typer.Option("--unused", help="What nobody has used, instead of who used what.")] = False,
    deprecated: Annotated[bool, typer.Option("--deprecated", help="Only what is deprecated.")] = False,
) -> None:
    """Tells which clients have used which fields and arguments, and how often: what `usage_directory` holds."""
    with _plainly():
        settings = read(config)
        if settings.usage_directory is None:
            raise SettingsError("usage_directory is not set: nothing is recorded.")
        try:
            used = recorded(settings.usage_directory)
        except ValueError as error:
            raise SettingsError(str(error)) from None
        known = {name: reason for name, reason in coordinates(checked_schema(settings)) if reason or not deprecated}
    if used.since is None or used.until is None:
        typer.echo("Nothing has been recorded yet.")
        return
    if unused:
        typer.echo("\n".join(name for name in known if name not in used.counts))
    else:
        listed = Table("what", "client", "times", "deprecated")
        for name, reason in known.items():
            for client, count in used.counts.get(name, Counter()).most_common():
                listed.add_row(name, client, f"{count:,}", reason or "")
        Console(width=160).print(listed)
    typer.echo(f"Recorded from {used.since:%Y-%m-%d %H:%M} to {used.until:%Y-%m-%d %H:%M} UTC.")


def _schema_in(file: Path) -> GraphQLSchema:
    try:
        return build_schema(file.read_text())
    except (GraphQLError, TypeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: no schema: {error}") from None


def _change_triggers(
    statements: Callable[[str], Sequence[str]],
    names: list[str] | None,
    url: str | None,
    config: Path | None,
    *,
    dry_run: bool,
) -> None:
    with _plainly():
        if dry_run:
            typer.echo(wake_ups.sql(names or [], statements))
        else:
            wake_ups.execute(names or [], statements, read(config), url)


async def _link(settings: Settings, *, again: bool) -> None:
    async with open_sources(databases(settings), settings.sealer()) as opened:
        with progress_bar("Linking journeys") as progress:
            await link_history(settings, opened, lambda each: progress(each.done, each.total), again=again)


async def _issuers_asked(settings: Settings) -> Mapping[str, str | None]:
    async with aclosing(issuers(settings)) as providers:
        return await providers.reasons()


async def _asked_with_lag(settings: Settings) -> list[tuple[Health, int | None, HeldBack | None]]:
    async with open_sources(databases(settings), settings.sealer()) as opened:
        found = await asyncio.gather(*(back_end.health() for back_end in opened.back_ends))
        return [
            (health, await rows_to_link(settings, opened, health.source), await _held_back(opened, health))
            for health in found
        ]


async def _held_back(opened: Sources, health: Health) -> HeldBack | None:
    """What holds back the logs of a source, if it has any and answers."""
    followed: Sequence[Log[Any]] = (opened.contact_log, opened.status_log, opened.journey_log)
    found = next((each for each in followed if each.source == health.source), None)
    with suppress(SourceError):
        return await found.held_back() if found is not None and health.available else None
    return None


def _held_back_by(held_back: HeldBack | None) -> str:
    if held_back is None:
        return ""
    who = "a prepared transaction" if held_back.pid is None else f"process {held_back.pid}"
    return f"by {who}" if held_back.seconds is None else f"{held_back.seconds:.1f} s by {who}"


@contextmanager
def _plainly() -> Generator[None]:
    """What stops a command is told in a sentence, without a traceback."""
    try:
        yield
    except (demonstration.DemoError, LinkError, SettingsError, serving.AddressTaken, wake_ups.WakeUpError) as error:
        _stop(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        _stop(f"{error.filename}: {error.strerror}.")


def _stop(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)

"""What the settings name, in the form in which the rooms take it."""

from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryFile

import structlog
from graphql import GraphQLSchema

from omniloket.bounds import Bounds
from omniloket.identity import read_key
from omniloket.oidc import Issuers
from omniloket.revocation import RevocationList
from omniloket.settings import Settings, SettingsError
from omniloket.trusted import findings, read_manifests
from schema.building import executable
from schema.rules import Hidden, RulesBroken
from sources.breaker import Patience
from sources.sql.opening import DatabaseSettings

log = structlog.get_logger("omniloket")


def verify(settings: Settings) -> None:
    """Finds what would stop the start, before it: raises SettingsError, or OSError for a file that cannot be read."""
    schema = checked_schema(settings)
    revocations(settings)
    if settings.development_key_file is not None:
        read_key(settings.development_key_file)
    if settings.usage_directory is not None:
        _check_writable(settings.usage_directory)
    for trusted in read_manifests(settings.trusted).by_text.values():
        for finding in findings(trusted, schema):
            if finding.is_wrong:
                raise SettingsError(f"trusted.manifests: '{', '.join(trusted.names)}' is wrong: {finding.message}")


def _check_writable(directory: Path) -> None:
    """That a directory can be written, or be made: it is left to a server to do so, whose user may be another."""
    there = next(each for each in (directory, *directory.absolute().parents) if each.exists())
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        told = "cannot be written" if there == directory else f"cannot be made in {there}"
        raise SettingsError(f"usage_directory: {directory} {told}: {error.strerror}.") from None


def warnings(settings_file: Path | None) -> list[str]:
    """What is no reason not to start, and yet should not be so."""
    if settings_file is None or not settings_file.stat().st_mode & 0o077:
        return []
    return [f"{settings_file} may hold sealing keys and passwords, and others than its owner can read it: chmod 600."]


def checked_schema(settings: Settings) -> GraphQLSchema:
    """The schema, with what this deployment hides; raises SettingsError when it cannot be hidden."""
    try:
        return executable(hidden(settings))
    except RulesBroken as error:
        raise SettingsError(f"access.hidden: {error}") from None


def hidden(settings: Settings) -> Hidden:
    """The types and fields that this deployment hides from some roles."""
    return {role: frozenset(names) for role, names in settings.access.hidden.items()}


def issuers(settings: Settings) -> Issuers:
    """The configured issuers. Raises SettingsError or OSError for a list of revocations that is not as it should be."""
    return Issuers(settings.issuers, revoked=revocations(settings))


def revocations(settings: Settings) -> RevocationList | None:
    """The list of revocations, if the settings name one. Raises as `issuers`."""
    if settings.revocations_file is None:
        return None
    return RevocationList(settings.revocations_file, {each.issuer for each in settings.issuers})


def databases(settings: Settings) -> dict[str, DatabaseSettings]:
    """Where each back-end is, by its name."""
    return {
        name: DatabaseSettings(
            url=source.url,
            timeout_seconds=source.timeout_seconds,
            pool_size=source.pool_size,
            patience=Patience(source.failures, source.rest_seconds),
            listen=source.listen,
            waiting=source.waiting,
        )
        for name, source in settings.sources
    }


def bounds(settings: Settings) -> Bounds:
    requests = settings.requests
    return Bounds(
        head_bytes=requests.head_bytes,
        head_seconds=requests.head_seconds,
        body_seconds=requests.body_seconds,
        unread_seconds=requests.unread_seconds,
        connections=requests.connections_per_address,
        proxies=[ip_network(each) for each in settings.trusted_proxies],
    )


def development_key(settings: Settings) -> bytes | None:
    file = settings.development_key_file
    if file is None:
        return None
    key = read_key(file)
    log.warning("DEVELOPMENT KEY: who can read this file can be anybody here. Never over real data.", file=str(file))
    return key

"""Trusted documents: those that clients were built with, known to the server by manifests and asked for by their ids.

A manifest is in Apollo's form (`apollo-persisted-query-manifest`) or in Relay's, an object from id to text. A document
is asked for by its id there, or by the SHA-256 of its text: `sha256:` and 64 hexadecimal digits (GraphQL over HTTP,
appendix A), or the digits alone (Apollo's `persistedQuery`).
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import orjson
import structlog
from graphql import GraphQLError, GraphQLSchema, NoDeprecatedCustomRule, parse, validate

from engine.codes import FORBIDDEN, PERSISTED_QUERY_NOT_FOUND, PERSISTED_QUERY_NOT_SUPPORTED
from engine.executor import Executor
from engine.responses import RequestRefused, refusal
from omniloket.registered import is_hash
from omniloket.settings import ManifestSettings, SettingsError, TrustedSettings
from resolvers.context import Viewer
from sources.records import Role

PREFIX = "sha256:"

LOOK_SECONDS = 0.5
"""How often it is looked whether a manifest has changed."""

log = structlog.get_logger("omniloket")


@dataclass(frozen=True)
class Entry:
    """A document as a manifest has it: whose it is, what it is called there, and for which roles; None: everybody."""

    client: str
    name: str
    roles: frozenset[Role] | None

    def is_for(self, role: Role) -> bool:
        return self.roles is None or role in self.roles


@dataclass(frozen=True)
class Trusted:
    """One document, and the entries of all manifests that have it; it is for the roles of each."""

    text: str
    entries: tuple[Entry, ...]

    @property
    def names(self) -> Sequence[str]:
        """What it is called in each manifest, after the client."""
        return [f"{each.client}/{each.name}" for each in self.entries]

    @property
    def name(self) -> str:
        """One name for all: the clients and what it is called there, as in `portal+screen/MyRole`."""
        clients = "+".join(dict.fromkeys(each.client for each in self.entries))
        names = "+".join(dict.fromkeys(each.name for each in self.entries))
        return f"{clients}/{names}"

    def is_for(self, role: Role) -> bool:
        return any(each.is_for(role) for each in self.entries)

    def asked_by(self, role: Role) -> "Trusted":
        """The same with the entries that this role may have meant: those that are for it, if any is."""
        meant = tuple(each for each in self.entries if each.is_for(role))
        return Trusted(self.text, meant) if meant else self


@dataclass(frozen=True)
class TrustedDocuments:
    """All documents of all manifests. `only`: no others are executed, save for the roles that are `excepted`.

    `by_id` has the entries under that id alone, which tell who asks; `by_text` has all, which tell who may.
    `can_register`: a client that is told so sends the text of a document that is not known, with its hash.
    """

    by_id: Mapping[str, Trusted] = field(default_factory=dict[str, Trusted])
    by_text: Mapping[str, Trusted] = field(default_factory=dict[str, Trusted])
    only: bool = False
    excepted: frozenset[Role] = frozenset()
    can_register: bool = False

    def found(self, query: str | None, document_id: str, viewer: Viewer) -> tuple[str, Trusted | None]:
        """The text that is asked for, by an id where there is none, and the trusted document that it is.

        The document has the entries that may be meant, by what it was asked by and the viewer's role.
        Raises RequestRefused.
        """
        if query is None:
            trusted = self.by_id.get(document_id)
            if trusted is None:
                raise _unknown(document_id, can_register=self.can_register)
            query = trusted.text
        else:
            trusted = self.by_text.get(query)
        if trusted is None:
            if self.only and viewer.role not in self.excepted:
                raise _refused(FORBIDDEN, "This server executes trusted documents only.")
            return query, None
        if not self.by_text[query].is_for(viewer.role):
            raise _refused(FORBIDDEN, "This document is not for your role.")
        return query, trusted.asked_by(viewer.role)


def read_manifests(settings: TrustedSettings) -> TrustedDocuments:
    """The documents that the settings name. Raises SettingsError, or OSError for a file that cannot be read."""
    by_id: dict[str, Trusted] = {}
    by_text: dict[str, Trusted] = {}
    for manifest in settings.manifests:
        for identifier, given in _documents(manifest):
            for each in {identifier, *_hashes(given.text)}:
                if each in by_id and by_id[each].text != given.text:
                    raise SettingsError(f"{manifest.file}: the id of '{given.name}' is another document's already.")
                by_id[each] = _both(by_id.get(each), given)
            by_text[given.text] = _both(by_text.get(given.text), given)
    return TrustedDocuments(by_id, by_text, settings.only, frozenset(settings.except_roles), settings.automatic > 0)


@dataclass(frozen=True)
class Finding:
    """What a schema says of a document: `is_wrong`, it breaks; else it uses what is deprecated."""

    message: str
    is_wrong: bool


def findings(trusted: Trusted, schema: GraphQLSchema) -> Sequence[Finding]:
    """Everything that a schema says of a trusted document."""
    try:
        document = parse(trusted.text)
    except GraphQLError as error:
        return [Finding(error.message, is_wrong=True)]
    wrong = validate(schema, document)
    if wrong:
        return [Finding(error.message, is_wrong=True) for error in wrong]
    return [Finding(each.message, is_wrong=False) for each in validate(schema, document, [NoDeprecatedCustomRule])]


class Manifests:
    """The documents of the manifests as they are now. `watch` runs as long as they may change."""

    def __init__(self, settings: TrustedSettings, executor: Executor) -> None:
        self.documents = TrustedDocuments()
        self._settings = settings
        self._executor = executor
        self._read_at: Sequence[object] = ()

    async def read(self) -> None:
        """Reads them anew; raises SettingsError, and changes nothing, where one is not as it should be."""
        self._read_at = stamps(self._settings)
        try:
            found = read_manifests(self._settings)
        except OSError as error:
            raise SettingsError(f"{error.filename}: {error.strerror}.") from None
        wrong = await self._executor.documents.pin(found.by_text)
        if wrong:
            query, errors = next(iter(wrong.items()))
            named = ", ".join(found.by_text[query].names)
            raise SettingsError(f"The trusted document '{named}' is wrong: {errors[0]['message']}")
        self.documents = found

    async def watch(self) -> None:
        """Reads the manifests again when one has changed, and is the same for two looks: it may be half written."""
        before: Sequence[object] = self._read_at
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = stamps(self._settings)
            if now == before and now != self._read_at:
                try:
                    await self.read()
                    log.info("manifests were read again", documents=len(self.documents.by_text))
                except SettingsError as error:
                    log.error("manifests are wrong, and those from before hold", reason=str(error))
            before = now


def stamps(settings: TrustedSettings) -> Sequence[object]:
    """What changes when a manifest does; None for one that is not there just now."""
    return [_stamp(each.file) for each in settings.manifests]


def _documents(manifest: ManifestSettings) -> Iterator[tuple[str, Trusted]]:
    try:
        given: Any = orjson.loads(manifest.file.read_bytes())
        entries = list(_entries(given))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise SettingsError(
            f"{manifest.file}: neither an Apollo manifest nor an object from ids to documents."
        ) from None
    roles = None if manifest.roles is None else frozenset(manifest.roles)
    for identifier, name, text in entries:
        yield identifier, Trusted(text, (Entry(manifest.client, name, roles),))


def _entries(given: Any) -> Iterator[tuple[str, str, str]]:
    """Id, name and text of each."""
    if "format" in given:
        if given["format"] != "apollo-persisted-query-manifest" or given["version"] != 1:
            raise TypeError
        for each in given["operations"]:
            yield _text(each["id"]), _text(each["name"]), _text(each["body"])
    else:
        for identifier, text in cast("dict[str, Any]", given).items():
            yield identifier, identifier, _text(text)


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise TypeError
    return given


def _hashes(text: str) -> Iterable[str]:
    digits = sha256(text.encode()).hexdigest()
    return digits, PREFIX + digits


def _both(known: Trusted | None, given: Trusted) -> Trusted:
    return given if known is None else Trusted(given.text, known.entries + given.entries)


def _stamp(file: Path) -> object:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _unknown(document_id: str, *, can_register: bool) -> RequestRefused:
    """In the words on which Apollo's clients send the text: with the hash this once, or without it from now on."""
    if is_hash(document_id) and not can_register:
        return _refused(PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")
    return _refused(PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")


def _refused(code: str, message: str) -> RequestRefused:
    return RequestRefused([refusal(message, code)])

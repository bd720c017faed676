"""Settings: everything that can be set, in parts, with its defaults and limits and a sentence for each."""

from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from engine.limits import Limits
from omniloket import variables
from omniloket.bounds import Bounds
from omniloket.setting_types import (
    Algorithm,
    ClaimName,
    DatabaseUrl,
    Host,
    HostName,
    IssuerUrl,
    Network,
    Origin,
    Purpose,
    SealingKey,
    TokenRole,
)
from sources.breaker import Patience
from sources.records import Role
from sources.sealing import Sealer
from sources.sql.opening import DatabaseSettings
from subscriptions.socket import SocketLimits


class SettingsError(Exception):
    """The settings do not hold; the message has a line for each wrong one: its name, value, and what is allowed."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceSettings(_Part):
    """How one back-end is reached."""

    url: DatabaseUrl = Field(description="Where it is: `sqlite+aiosqlite:///path` or `postgresql+asyncpg://...`.")
    timeout_seconds: float = Field(
        default=DatabaseSettings.timeout_seconds,
        gt=0,
        le=60,
        description="Seconds that one statement may take, with the wait for a connection.",
    )
    pool_size: int = Field(
        default=DatabaseSettings.pool_size, ge=1, le=100, description="Connections held open at most, in each process."
    )
    required: bool = Field(default=True, description="Whether a server without it is not ready, as `/readyz` tells.")
    waiting: int = Field(
        default=DatabaseSettings.waiting,
        ge=0,
        le=100_000,
        description="Statements that may wait for a connection; one more fails at once.",
    )
    failures: int = Field(
        default=Patience.failures,
        ge=1,
        le=1000,
        description="Statements in a row without an answer after which it is left alone for a while.",
    )
    rest_seconds: float = Field(
        default=Patience.rest_seconds,
        gt=0,
        le=60,
        description="Seconds that it is left alone before one statement tries again.",
    )
    listen: bool = Field(
        default=DatabaseSettings.listen,
        description="Whether one connection more hears wake-ups; on PostgreSQL, not through a pooler.",
    )


class SourcesSettings(_Part):
    """The four back-ends."""

    persons: SourceSettings = Field(description="The persons register.")
    servicemodule: SourceSettings = Field(description="The servicemodule: contacts, channels, employees.")
    incidents: SourceSettings = Field(description="The incident register: reports.")
    journeys: SourceSettings = Field(description="Omniloket's own database of journeys.")


class SealingSettings(_Part):
    """The keys that seal citizens' ids and cursors."""

    keys: dict[Annotated[int, Field(ge=0, le=255)], SealingKey] = Field(
        min_length=1,
        description="Keys by id (0 to 255), each base64 of 64 random bytes. Ids made under any of them stay valid.",
    )
    current: int = Field(description="The id of the key that seals from now on.")


class LiveSettings(_Part):
    """Live updates."""

    connections_per_principal: int = Field(
        default=100, ge=1, le=1_000_000, description="Sockets and event streams that one principal may have open."
    )

    poll_seconds: float = Field(default=1.0, ge=0.05, le=60, description="Seconds between two readings of a log.")
    queue_size: int = Field(
        default=1000, ge=1, le=100_000, description="Changes that may wait for one stream; beyond, it ends."
    )
    init_timeout_seconds: float = Field(
        default=SocketLimits.init_timeout_seconds,
        gt=0,
        le=120,
        description="Seconds that a new socket has to say connection_init.",
    )
    heartbeat_seconds: float = Field(
        default=SocketLimits.heartbeat_seconds,
        gt=0,
        le=300,
        description="Seconds between pings to a socket; a peer that gives no sign of life within as many is gone.",
    )
    operations_per_socket: int = Field(
        default=SocketLimits.operations, ge=1, le=10_000, description="Operations that one socket may have running."
    )
    max_message_bytes: int = Field(
        default=SocketLimits.message_bytes,
        ge=1024,
        le=16_777_216,
        description="Bytes that one message to a socket may have.",
    )
    messages_per_second: float = Field(
        default=SocketLimits.messages_per_second,
        ge=10,
        le=100_000,
        description="Messages of one socket that are read in a second, those of four seconds at once; more wait. "
        "One of max_message_bytes counts as 64.",
    )
    drain_seconds: float = Field(
        default=5.0,
        ge=0,
        le=300,
        description="Seconds over which a server that stops spreads the closing of its sockets and streams.",
    )
    origins: tuple[Origin, ...] = Field(
        default=(), description="Other sites whose pages may open a socket, as `https://www.example.nl`."
    )


class ClaimNames(_Part):
    """Under which names an issuer's tokens tell who asks."""

    subject: ClaimName = Field(default="sub", description="The claim that names who asks; a string.")
    role: ClaimName = Field(default="role", description="The claim with the role, or a list of them.")
    unit: ClaimName = Field(default="unit", description="The claim with the unit (eenheid) of an agent; a string.")
    bsn: ClaimName = Field(default="bsn", description="The claim with a citizen's BSN; a string of nine digits.")
    name: ClaimName = Field(default="name", description="The claim with the name of who asks; a string.")
    clearance: ClaimName = Field(
        default="clearance", description="The claim that is true for who may see confidential reports."
    )


class IntrospectionSettings(_Part):
    """Where an issuer tells whether a token is still active (RFC 7662)."""

    url: IssuerUrl = Field(description="The introspection endpoint.")
    client_id: str = Field(min_length=1, description="As whom Omniloket asks there, by HTTP Basic.")
    client_secret: Annotated[SecretStr, Field(min_length=1)] = Field(description="The secret that goes with it.")
    remember_seconds: float = Field(
        default=5.0, ge=0, le=60, description="Seconds for which an answer counts: how late a revocation may act."
    )
    timeout_seconds: float = Field(
        default=2.0,
        gt=0,
        le=60,
        description="Seconds within which the answer must be there; without it no token holds.",
    )


class IssuerSettings(_Part):
    """An OpenID Connect provider whose tokens hold."""

    issuer: IssuerUrl = Field(description="The provider's URL, exactly as its tokens' `iss` writes it.")
    audience: str = Field(min_length=1, description="What a token's `aud` must be, or have among others.")
    algorithms: tuple[Algorithm, ...] = Field(
        default=("RS256", "PS256", "ES256", "EdDSA"), min_length=1, description="Signatures that are taken."
    )
    leeway_seconds: float = Field(
        default=30.0, ge=0, le=300, description="Seconds that the provider's clock and ours may differ."
    )
    timeout_seconds: float = Field(
        default=2.0, gt=0, le=60, description="Seconds within which the provider's keys must be there."
    )
    refetch_seconds: float = Field(
        default=10.0, gt=0, le=3600, description="Seconds between two fetches, however many unknown key ids come."
    )
    keys_seconds: float = Field(
        default=300.0,
        gt=0,
        le=86_400,
        description="Seconds after which keys are fetched again, and a token is verified again.",
    )
    role: TokenRole | None = Field(
        default=None, description="The role of everybody from this issuer. Give this or `roles`."
    )
    roles: dict[str, TokenRole] | None = Field(
        default=None,
        min_length=1,
        description="Our role for each value of the role claim; of several, the first in this table.",
    )
    claims: ClaimNames = Field(default=ClaimNames(), description="Under which names its tokens tell who asks.")
    actors: tuple[str, ...] = Field(
        default=(), description="Who may act for a citizen: each `act.sub` that a delegated token may have."
    )
    introspection: IntrospectionSettings | None = Field(
        default=None, description="Where it is asked whether a token is still active. None: nobody is asked."
    )

    @model_validator(mode="after")
    def _role_or_roles(self) -> Self:
        if (self.role is None) == (self.roles is None):
            raise ValueError("takes either role or roles")
        return self


class AccessSettings(_Part):
    """What a deployment asks beyond the schema's rules of who sees what."""

    purposes: dict[Role, Annotated[tuple[Purpose, ...], Field(min_length=1)]] = Field(
        default={Role.AGENT: ("intake",), Role.SUPERVISOR: ("intake",)},
        description="What each role may ask personal data for; a role that is not named needs no purpose.",
    )
    hidden: dict[Role, tuple[str, ...]] = Field(
        default={},
        description="Types and nullable fields (`Contact.body`) that a role may not see here, though it could.",
    )


class LinkingSettings(_Part):
    """The linker, which puts contacts and reports into journeys."""

    run: bool = Field(default=True, description="Whether this server may be the linker; one process at a time is.")
    active_days: float = Field(
        default=30.0, gt=0, le=3650, description="Days for which a journey takes in what its citizen does next."
    )
    closed_days: float = Field(
        default=30.0, gt=0, le=3650, description="Days of quiet after which a journey is closed, if its reports are."
    )
    starting_channels: tuple[str, ...] | None = Field(
        default=None, description="Codes of the channels whose contacts may begin a journey. None: all of them."
    )
    lease_seconds: float = Field(
        default=5.0,
        ge=1,
        le=300,
        description="Seconds of silence after which another process takes over from a linker.",
    )


class RequestsSettings(_Part):
    """What a request and a connection may be; see docs/limits.md."""

    head_bytes: int = Field(
        default=Bounds.head_bytes,
        ge=1_024,
        le=1_048_576,
        description="Bytes that a request's line and headers may have, including chunk framing and trailers.",
    )
    head_seconds: float = Field(
        default=Bounds.head_seconds,
        gt=0,
        le=300,
        description="Seconds that a request's line and headers may take to come.",
    )
    body_seconds: float = Field(
        default=Bounds.body_seconds, gt=0, le=300, description="Seconds that a body may take to come."
    )
    unread_seconds: float = Field(
        default=Bounds.unread_seconds,
        gt=0,
        le=300,
        description="Seconds that an answer may be left unread, once all buffers are full.",
    )
    url_bytes: int = Field(
        default=8_192, ge=256, le=65_536, description="Bytes that the URL of a GET request may have after its `?`."
    )
    batch: int = Field(
        default=0, ge=0, le=100, description="Requests that one body may hold as a list; 0: lists are refused."
    )
    connections_per_address: int = Field(
        default=Bounds.connections,
        ge=1,
        le=1_000_000,
        description="Connections that one address may have, in each process.",
    )
    origins: tuple[Origin, ...] = Field(
        default=(), description="Other sites whose pages may ask over HTTP, as `https://www.example.nl`."
    )
    hosts: tuple[HostName, ...] = Field(
        default=(), description="Names by which the server may be called, as `api.example.nl`. None: any name."
    )


class ManifestSettings(_Part):
    """The documents that one client was built with."""

    client: str = Field(pattern=r"^[a-z][a-z0-9-]{0,63}$", description="What the client is called, as in `portal`.")
    file: Path = Field(description="Its manifest, in Apollo's or Relay's form. Read again when it changes.")
    roles: tuple[Role, ...] | None = Field(
        default=None, min_length=1, description="Who may use its documents. None: everybody."
    )


class TrustedSettings(_Part):
    """Trusted documents; see docs/trusted-documents.md."""

    manifests: tuple[ManifestSettings, ...] = Field(default=(), description="The clients' manifests.")
    only: bool = Field(default=False, description="Whether no other documents are executed.")
    except_roles: tuple[Role, ...] = Field(
        default=(Role.DEVELOPER,), description="Roles for which others are executed all the same."
    )
    automatic: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Documents that clients may register by themselves, by Apollo's hashes; not with `only`.",
    )


class OverloadSettings(_Part):
    """What a server process does at a time; see docs/limits.md."""

    deadline_seconds: float = Field(
        default=10.0, gt=0, le=300, description="Seconds that one query or mutation may wait for sources in all."
    )
    running: int = Field(default=64, ge=1, le=10_000, description="Queries and mutations that run at a time.")
    waiting: int = Field(
        default=64, ge=0, le=10_000, description="Queries and mutations that wait for that; one more is refused."
    )
    waiting_seconds: float = Field(
        default=1.0, gt=0, le=60, description="Seconds that one of them waits until it is refused as well."
    )


class LimitsSettings(_Part):
    """What one document may ask, fragments counted where they are spread; see docs/limits.md."""

    characters: int = Field(default=Limits.characters, ge=100, le=1_000_000, description="Characters of a document.")
    tokens: int = Field(default=Limits.tokens, ge=100, le=100_000, description="Tokens of a document.")
    nesting: int = Field(
        default=Limits.nesting,
        ge=10,
        le=200,
        description="Brackets within brackets in a document, and in the JSON of variables.",
    )
    values: int = Field(
        default=Limits.values,
        ge=100,
        le=100_000,
        description="Values in the JSON of variables, at any depth, as often as their variable stands.",
    )
    selections: int = Field(
        default=Limits.selections,
        ge=10,
        le=100_000,
        description="Fields, fragments and values that a document has; further operations count as ten.",
    )
    depth: int = Field(default=Limits.depth, ge=5, le=60, description="Fields within fields.")
    aliases: int = Field(default=Limits.aliases, ge=0, le=10_000, description="Aliases of a document.")
    root_fields: int = Field(default=Limits.root_fields, ge=1, le=1_000, description="Fields asked of the root.")
    directives: int = Field(
        default=Limits.directives, ge=1, le=100, description="Directives at one field, fragment or operation."
    )
    repetitions: int = Field(
        default=Limits.repetitions,
        ge=1,
        le=1_000,
        description="Times that one place may ask for the same field; over the document, 50 times as many pairs of "
        "such repeats.",
    )
    fragments: int = Field(
        default=Limits.fragments,
        ge=1,
        le=1_000,
        description="Fragments at one place of a document, those in each other too.",
    )
    introspections: int = Field(
        default=Limits.introspections, ge=0, le=100, description="Uses of `__schema` and `__type`."
    )
    introspection_depth: int = Field(
        default=Limits.introspection_depth,
        ge=1,
        le=20,
        description="Lists of types or fields within each other, in introspection.",
    )
    anonymous_introspection: bool | None = Field(
        default=None,
        description="Whether requests without a token may use `__schema` and `__type`. None: only where development "
        "tokens hold.",
    )


class CostSettings(_Part):
    """Points: what an operation may cost, and how many one principal and one address have; see docs/limits.md."""

    max_operation: int = Field(default=10_000, ge=100, le=10_000_000, description="Points that one operation may cost.")
    operation: int = Field(
        default=10, ge=0, le=10_000, description="Points that each operation costs beside its price."
    )
    standing: int = Field(
        default=10_000,
        ge=100,
        le=10_000_000,
        description="Points that all open streams of one principal may cost together when each has an event.",
    )
    burst: int = Field(
        default=100_000, ge=1_000, le=1_000_000_000, description="Points that one principal has at once."
    )
    per_second: int = Field(
        default=2_000, ge=10, le=1_000_000_000, description="Points that one principal gets back in a second."
    )
    address_burst: int = Field(
        default=500_000, ge=1_000, le=1_000_000_000, description="Points that one address has at once."
    )
    address_per_second: int = Field(
        default=50_000, ge=10, le=1_000_000_000, description="Points that one address gets back in a second."
    )


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=variables.PREFIX,
        env_nested_delimiter=variables.DELIMITER,
        hide_input_in_errors=False,
    )

    host: Host = Field(default="127.0.0.1", description="The address that the server binds to.")
    port: int = Field(default=8000, ge=0, le=65535, description="The TCP port; 0 takes a free one.")
    workers: int = Field(default=1, ge=1, le=64, description="Server processes.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least serious lines that the log shows."
    )
    access_log: bool = Field(default=True, description="Whether each operation gets a line on standard output.")
    usage_directory: Path | None = Field(
        default=None, description="Where each process writes how often each part of the schema was used."
    )
    trusted_proxies: tuple[Network, ...] = Field(
        default=(),
        description="Addresses or networks of proxies whose `X-Forwarded-For` says where a request comes from.",
    )
    operators: tuple[Network, ...] = Field(
        default=("127.0.0.0/8", "::1/128"),
        description="Addresses or networks from which `/metrics` is read; it is not there for others.",
    )
    max_body_bytes: int = Field(
        default=262_144, ge=1024, le=67_108_864, description="Bytes that the body of a request may have."
    )
    documents: int = Field(
        default=1000, ge=1, le=100_000, description="Parsed and validated documents remembered, in each process."
    )
    page_size: int = Field(default=25, ge=1, le=1000, description="Items in a page when the question does not say.")
    max_page_size: int = Field(default=100, ge=1, le=1000, description="Items in a page at most.")
    development_key_file: Path | None = Field(
        default=None, description="The key of development tokens. With it the server binds to loopback only."
    )
    revocations_file: Path | None = Field(
        default=None, description="The list of revoked tokens, sessions and subjects, a JSON object a line."
    )
    cookie: str | None = Field(
        default=None,
        pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
        description="The name of a cookie that may hold the token. None: cookies count for nothing.",
    )
    issuers: tuple[IssuerSettings, ...] = Field(default=(), description="The OpenID Connect providers.")
    sources: SourcesSettings = Field(description="The back-ends.")
    sealing: SealingSettings = Field(description="The keys that seal citizens' ids and cursors.")
    live: LiveSettings = Field(default=LiveSettings(), description="Live updates.")
    access: AccessSettings = Field(
        default=AccessSettings(), description="Purposes, and what is hidden beyond the rules."
    )
    linking: LinkingSettings = Field(default=LinkingSettings(), description="The linker.")
    requests: RequestsSettings = Field(default=RequestsSettings(), description="What requests may be.")
    trusted: TrustedSettings = Field(default=TrustedSettings(), description="Trusted documents.")
    overload: OverloadSettings = Field(default=OverloadSettings(), description="What a server process does at a time.")
    limits: LimitsSettings = Field(default=LimitsSettings(), description="What one document may ask.")
    cost: CostSettings = Field(default=CostSettings(), description="What operations may cost.")

    def sealer(self) -> Sealer:
        """Seals and opens under the configured keys."""
        keys = {key_id: key.get_secret_value() for key_id, key in self.sealing.keys.items()}
        return Sealer(keys, self.sealing.current)


def part_in(kind: object) -> type[BaseModel] | None:
    """The part of the settings that a field holds, or a list of it."""
    kinds = (kind, *get_args(kind))
    return next((each for each in kinds if isinstance(each, type) and issubclass(each, BaseModel)), None)

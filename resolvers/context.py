"""Everything that the answer to one operation, or to one event, may draw on."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from engine.batching import RequestState
from resolvers.fetching import Fetching
from sources.ports import Collection, Sources
from sources.records import Key, Record, Role
from sources.scope import NOBODY, Scope
from sources.sealing import Sealer
from subscriptions.hub import Hub, Standing
from subscriptions.sharing import Membership

R = TypeVar("R")


class Viewer(Struct, frozen=True):
    """On whose behalf a question is asked. `principal` is the token's subject; `bsn` a citizen's own.

    `purpose` is what the request says it is for. `actor` is who asks for a citizen, by a delegated token; `name`, what
    the issuer calls the subject; `issuer`, whose token it is, empty for a development token: none of them decides what
    may be seen, they are for those who account for it.
    """

    role: Role
    principal: str
    unit: str | None = None
    bsn: str | None = None
    clearance: bool = False
    purpose: str | None = None
    actor: str | None = None
    name: str | None = None
    issuer: str = ""

    def __repr__(self) -> str:
        return f"<Viewer {self.role.value}>"

    @property
    def counted_as(self) -> Hashable | None:
        """Whom what is used counts for; None for a viewer of whom nothing is known but an address.

        A subject is somebody else at another issuer (OpenID Connect Core 1.0, section 2).
        """
        return None if self.role is Role.ANONYMOUS else (self.role, self.issuer, self.principal, self.actor)

    @property
    def scope(self) -> Scope:
        """The rows that this viewer may see."""
        if self.role is Role.CITIZEN:
            return Scope(bsn=self.bsn)
        if self.role is Role.AGENT:
            return Scope(everyone=True, confidential=self.clearance)
        if self.role is Role.SUPERVISOR:
            return Scope(everyone=True, confidential=True)
        return NOBODY


ANONYMOUS = Viewer(Role.ANONYMOUS, "anonymous")


async def _for_nothing(_context: "Context", _points: float) -> None:
    pass


@dataclass(frozen=True)
class Services:
    """What lives as long as the process, and every context refers to. Page sizes are in rows.

    `purposes`: those that a role may have; a role that is not in it needs none. `by_id`: for each type, why a viewer
    may not look for its objects by their ids. `hidden`: the fields that this deployment hides from a role, as
    "Type.field". `subgraph`: the schema in SDL, as a federation gateway wants it. `pay`
    takes points for what is done beyond the price of an operation, as soon as whoever asks has them.
    """

    sources: Sources
    sealer: Sealer
    hub: Hub
    page_size: int = 25
    max_page_size: int = 100
    purposes: Mapping[Role, frozenset[str]] = field(default_factory=dict[Role, frozenset[str]])
    by_id: Mapping[str, Callable[["Context"], Exception | None]] = field(default_factory=dict[str, Any])
    hidden: Mapping[Role, frozenset[str]] = field(default_factory=dict[Role, frozenset[str]])
    subgraph: str = ""
    pay: Callable[["Context", float], Awaitable[None]] = _for_nothing
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass
class Context(RequestState):
    """The context of one operation or one event: never shared, so that it never answers with old data.

    `live_standing`: where the sources' logs ended before this operation read anything, when it asks for that.
    `address`: where the question comes from, as limits count it. `document`: the trusted document that is executed, as
    its client calls it.
    `fetching`: the records of each collection, by the `id()` of the collection. `membership`: how the stream that
    begins with this context may take part in a group; None for one that is served alone.
    """

    services: Services = field(kw_only=True)
    viewer: Viewer = field(kw_only=True)
    address: str = ""
    document: str | None = None
    live_standing: Standing | Exception | None = None
    fetching: dict[int, Fetching[Any]] = field(default_factory=dict[int, Fetching[Any]])
    membership: Membership | None = None

    @property
    def asker(self) -> Hashable:
        """On whose behalf sources are asked, and as whose all counts that is held meanwhile."""
        return self.viewer.counted_as or self.address

    @property
    def sources(self) -> Sources:
        return self.services.sources

    @property
    def sealer(self) -> Sealer:
        return self.services.sealer

    @property
    def purposes(self) -> frozenset[str]:
        """The purposes that the viewer's role may have; none for a role that needs none."""
        return self.services.purposes.get(self.viewer.role, frozenset())

    @property
    def lacks_purpose(self) -> bool:
        """Whether the viewer has to say what personal data are for, and does not."""
        return bool(self.purposes) and self.viewer.purpose not in self.purposes

    @property
    def scope(self) -> Scope:
        """The rows that may be seen, none without a purpose, where one is needed; and what of them is asked for."""
        scope = NOBODY if self.lacks_purpose else self.viewer.scope
        return scope if self.reads is None else replace(scope, reads=self.reads)

    def refused_by_id(self, type_name: str) -> Exception | None:
        """Why the viewer may not look for objects of a type by their ids, whether they exist or not."""
        refuse = self.services.by_id.get(type_name)
        return None if refuse is None else refuse(self)

    def fresh(self) -> "Context":
        """A context for the same viewer that remembers nothing."""
        return Context(services=self.services, viewer=self.viewer, address=self.address)

    async def records(
        self, collection: Collection[R, Any], keys: Sequence[Key | None]
    ) -> Sequence[R | BaseException | None]:
        """The record of each key, fetched once a request over all branches; no key gives None.

        A key whose source failed gives the failure.
        """
        return await self._fetching(collection).records(keys)

    def learn(self, collection: Collection[R, Any], records: Sequence[R]) -> None:
        """Records of a page, read in this context's scope: they are not fetched again by their keys."""
        if records:
            keys = map(attrgetter(cast("Record", records[0]).key_field), records)
            self._fetching(collection).learn(dict(zip(keys, records, strict=True)))

    def _fetching(self, collection: Collection[R, Any]) -> Fetching[R]:
        fetching = self.fetching.get(id(collection))
        if fetching is None:
            # Without this context in it, which holds it: a circle would keep all records until it is collected.
            scope = self.scope
            fetching = self.fetching[id(collection)] = Fetching(lambda keys: collection.by_ids(keys, scope))
        return fetching

"""Who is connected: a connection ends when its rights end, at that moment, also while nothing happens on it."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence

import structlog

from omniloket.identity import Identity
from omniloket.oidc import Verified
from resolvers.context import Viewer
from resolvers.errors import Unauthenticated

LOOK_SECONDS = 1.0
"""How often it is looked whether the tokens of all who are connected were revoked."""

_AT_ONCE = 50
"""Sessions that are looked at in one go, and tokens that each issuer is asked about at a time."""

_LONGEST_WAIT_SECONDS = 86_400.0
"""A timer for longer than that need not be exact, and a token may name any instant."""

log = structlog.get_logger("omniloket")

ContextOf = Callable[[Viewer, str | None, str], object]
"""From a viewer, a purpose and an address to a fresh context."""


class TooManySessions(Exception):
    """A principal has as many connections as it may; `limit` is the name of the setting."""

    limit = "connections_per_principal"

    def __init__(self, most: int) -> None:
        super().__init__(f"You have {most} sockets and event streams open already, which is the most you may.")


class Sessions:
    """All connections of this process that outlive one answer. `watch` runs as long as there may be any."""

    def __init__(self, identity: Identity, context_of: ContextOf, most: int) -> None:
        self.identity = identity
        self.context_of = context_of
        self._most = most
        self._open: set[Session] = set()
        self._counts: Counter[Hashable] = Counter()

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    async def open(
        self, authorization: str | None, purpose: str | None, address: str, ended: Callable[[], None]
    ) -> "Session":
        """A session for an Authorization header, which has to be closed. `ended` is called when its rights have ended.

        Raises Unauthenticated, and TooManySessions for one more than a principal may have.
        """
        verified = await self.identity.verified(authorization)
        principal = verified.viewer.counted_as
        if principal is not None:
            if self._counts[principal] >= self._most:
                raise TooManySessions(self._most)
            self._counts[principal] += 1
        session = Session(self, authorization, purpose, address, verified, ended)
        self._open.add(session)
        return session

    def forget(self, session: "Session") -> None:
        """It is over. What counts nothing is forgotten as well."""
        if session not in self._open:
            return
        self._open.discard(session)
        principal = session.viewer.counted_as
        if principal is not None:
            self._counts[principal] -= 1
            if not self._counts[principal]:
                del self._counts[principal]

    async def watch(self) -> None:
        """Ends the sessions whose tokens were revoked. What cannot be told here, is asked of the providers.

        Each issuer is asked beside the others and beside the next look, so that a slow one delays its own alone.
        """
        asking: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                for issuer, doubtful in (await self._sweep()).items():
                    if issuer not in asking or asking[issuer].done():
                        asking[issuer] = tasks.create_task(self._ask(doubtful))

    async def _sweep(self) -> Mapping[str, "Sequence[Session]"]:
        """Ends all that have ended as far as can be told without asking anybody; those in doubt, by issuer."""
        doubtful: defaultdict[str, list[Session]] = defaultdict(list)
        everybody = tuple(self._open)
        for start in range(0, len(everybody), _AT_ONCE):
            for each in everybody[start : start + _AT_ONCE]:
                if each in self._open and not each.ends() and not each.is_certain():
                    doubtful[each.issuer].append(each)
            await asyncio.sleep(0)  # nobody waits for all of this
        return doubtful

    async def _ask(self, doubtful: "Sequence[Session]") -> None:
        """Asks about some at a time, and ends those that have ended."""
        for start in range(0, len(doubtful), _AT_ONCE):
            still = [each for each in doubtful[start : start + _AT_ONCE] if each in self._open]
            await asyncio.gather(*(each.look() for each in still if not each.is_certain()))
            await asyncio.sleep(0)


class Session:
    """The rights of one connection: whose they are, and until when."""

    def __init__(
        self,
        sessions: Sessions,
        authorization: str | None,
        purpose: str | None,
        address: str,
        verified: Verified,
        ended: Callable[[], None],
    ) -> None:
        self._sessions = sessions
        self._authorization = authorization
        self._purpose = purpose
        self._address = address
        self._verified = verified
        self._ended = ended
        self._timer: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None
        self._wait()

    @property
    def viewer(self) -> Viewer:
        return self._verified.viewer

    @property
    def issuer(self) -> str:
        return self._verified.issuer

    async def make_context(self) -> object:
        """A fresh context. Raises Unauthenticated when the rights have ended, which ends the session."""
        if not self.is_certain():
            await self._verify()
        return self._sessions.context_of(self._verified.viewer, self._purpose, self._address)

    async def refresh(self, authorization: str) -> None:
        """Goes on with a newer token, which must say the same of the same subject; raises Unauthenticated."""
        verified = await self._sessions.identity.verified(authorization)
        if (verified.issuer, verified.viewer) != (self._verified.issuer, self._verified.viewer):
            raise Unauthenticated
        self._authorization = authorization
        self._hold(verified)

    def is_certain(self) -> bool:
        """Whether the rights hold, as far as can be told without asking anybody."""
        return self._sessions.identity.is_certain(self._authorization, self._verified)

    def ends(self) -> bool:
        """Whether the rights have ended, as far as can be told without asking anybody; the session then has as well."""
        has_ended = self._sessions.identity.has_ended(self._verified)
        if has_ended:
            self._end()
        return has_ended

    async def look(self) -> None:
        """Ends the session if its rights have ended."""
        try:
            await self._verify()
        except Unauthenticated:
            return
        except Exception as error:  # the others are looked at all the same, and this one again
            log.error("a token could not be looked at", error=error)

    def close(self) -> None:
        self._sessions.forget(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._looking is not None:
            self._looking.cancel()

    async def _verify(self) -> None:
        authorization = self._authorization
        try:
            verified = await self._sessions.identity.verified(authorization)
        except Unauthenticated:
            if authorization is not self._authorization:
                return  # refreshed meanwhile
            self._end()
            raise
        if authorization is self._authorization:
            self._hold(verified)

    def _end(self) -> None:
        self._sessions.forget(self)
        self._ended()

    def _hold(self, verified: Verified) -> None:
        if verified is not self._verified:
            self._verified = verified
            self._wait()

    def _wait(self) -> None:
        """Looks at the token when it expires, or when it is to be verified again."""
        if self._timer is not None:
            self._timer.cancel()
        left = min(self._verified.until - time.time(), _LONGEST_WAIT_SECONDS)
        self._timer = asyncio.get_running_loop().call_later(max(left, 0), self._due)

    def _due(self) -> None:
        if self.is_certain():
            self._wait()
        elif not self.ends():
            self._looking = asyncio.create_task(self.look())

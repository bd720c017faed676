"""Who is at the other end of a socket: the token in connection_init, or in the handshake, and those that come later."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.websockets import WebSocket

from engine.codes import LIMIT_EXCEEDED
from engine.responses import refusal
from omniloket.addresses import address_of
from omniloket.headers import PURPOSE_HEADER
from omniloket.house import House
from omniloket.rates import RateLimited
from omniloket.sessions import Session, TooManySessions
from resolvers.errors import Unauthenticated
from subscriptions.socket import ConnectionRefused, SocketSession

AUTHORIZATION = "Authorization"


class SocketSessions:
    """Opens a session for each socket of a house."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def connect(
        self, websocket: WebSocket, payload: Mapping[str, Any], ended: Callable[[], None]
    ) -> SocketSession:
        """What connection_init says of who asks; what it leaves out, the handshake's own headers may say.

        Raises ConnectionRefused.
        """
        said = {name: _said(payload, name) for name in (AUTHORIZATION, PURPOSE_HEADER)}
        authorization, purpose = (
            websocket.headers.get(name) if given is None else given for name, given in said.items()
        )
        address = address_of(websocket.scope)
        try:
            session = await self._house.sessions.open(authorization, purpose, address, ended)
            return _SocketSession(session, lambda error: self._refused(error, address))
        except Unauthenticated as error:
            raise self._refused(error, address) from None
        except TooManySessions as error:
            self._house.refused(refusal(str(error), LIMIT_EXCEEDED, limit=error.limit))
            raise ConnectionRefused(4429, "Too many sockets and event streams") from None

    def _refused(self, error: Unauthenticated, address: str) -> ConnectionRefused:
        """What a socket is told whose token does not hold; its address pays for that, as over HTTP."""
        try:
            self._house.charging.bad_token(address)
        except RateLimited as limited:
            return ConnectionRefused(4429, str(limited.errors[0]["message"]))
        self._house.accounts.refused({"code": error.code})
        return ConnectionRefused()


class _SocketSession:
    """A session, as the payloads of a socket speak of it. `refused` is what a token leads to that does not hold."""

    def __init__(self, session: Session, refused: Callable[[Unauthenticated], ConnectionRefused]) -> None:
        self._session = session
        self._refused = refused
        self.make_context = session.make_context
        self.is_certain = session.is_certain
        self.close = session.close

    async def refresh(self, payload: Mapping[str, Any]) -> bool:
        authorization = _said(payload, AUTHORIZATION)
        if authorization is None:
            return False
        try:
            await self._session.refresh(authorization)
        except Unauthenticated as error:
            raise self._refused(error) from None
        return True


def _said(payload: Mapping[str, Any], name: str) -> str | None:
    """What a payload carries, under either spelling of the name."""
    said = payload.get(name, payload.get(name.lower()))
    if said is not None and not isinstance(said, str):
        raise ConnectionRefused
    return said

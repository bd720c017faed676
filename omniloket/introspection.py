"""Asks a provider whether a token is still active (OAuth 2.0 Token Introspection, RFC 7662)."""

import asyncio
import time
from collections.abc import Callable
from urllib.parse import quote_plus

import httpx
import structlog

from omniloket.provider_answers import Client, ProviderFailed, answer, within
from omniloket.remembered import MOST, Remembered
from omniloket.settings import IntrospectionSettings
from resolvers.errors import Unauthenticated
from sources.breaker import Breaker, Patience

log = structlog.get_logger("omniloket")


class Introspection:
    """One endpoint. An answer counts for `remember_seconds`; without one, no token holds."""

    def __init__(
        self,
        settings: IntrospectionSettings,
        client: Client,
        *,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = settings.url
        self._settings = settings
        self._client = client()
        self._clock = clock
        self._known: Remembered[bool] = Remembered(most, clock)
        self._under_way: dict[str, asyncio.Task[bool | None]] = {}
        self._breaker = Breaker(Patience(), clock=clock)

    async def admit(self, token: str) -> None:
        """Raises Unauthenticated for a token that is not active, and while nobody can tell."""
        active = self._known.get(token)
        if active is None:
            active = await asyncio.shield(self._asked(token))
        if active is None:
            raise Unauthenticated("Whether the token still holds cannot be told just now. Try again.")
        if not active:
            raise Unauthenticated

    def knows(self, token: str) -> bool:
        """Whether an answer that still counts said that the token is active."""
        return self._known.get(token) is True

    async def reason(self) -> str | None:
        """Asks about a token that nobody has: None if the endpoint tells, or why not."""
        try:
            await self._ask("a token of nobody's")
        except ProviderFailed as error:
            return str(error)
        return None

    async def aclose(self) -> None:
        """Ends what is under way."""
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        await self._client.aclose()

    def _asked(self, token: str) -> "asyncio.Task[bool | None]":
        """One request for all who wait; a task of its own, so that it does not end with the first of them."""
        task = self._under_way.get(token)
        if task is None:
            task = self._under_way[token] = asyncio.create_task(self._remember(token))
            task.add_done_callback(lambda _: self._under_way.pop(token, None))
        return task

    async def _remember(self, token: str) -> bool | None:
        """Whether the token is active; None when the endpoint does not tell, or is being left alone."""
        turn = self._breaker.admit()
        if turn is None:
            return None
        begun = self._clock()
        try:
            active = await self._ask(token)
        except ProviderFailed as error:
            turn.failed()
            log.warning("a token could not be introspected", url=self._settings.url, reason=str(error))
            return None
        except BaseException:
            turn.abandoned()
            raise
        turn.answered()
        self._known.put(token, active, begun + self._settings.remember_seconds)
        return active

    async def _ask(self, token: str) -> bool:
        settings = self._settings
        async with within(settings.timeout_seconds):
            form = {"token": token, "token_type_hint": "access_token"}
            answered = await answer(self._client, "POST", settings.url, data=form, auth=_credentials(settings))
        active = answered.get("active")
        if not isinstance(active, bool):
            raise ProviderFailed(f"{settings.url} does not say whether the token is active")
        return active


def _credentials(settings: IntrospectionSettings) -> httpx.BasicAuth:
    """Client id and secret as RFC 6749 wants them in a Basic header (section 2.3.1): form-encoded first."""
    return httpx.BasicAuth(quote_plus(settings.client_id), quote_plus(settings.client_secret.get_secret_value()))

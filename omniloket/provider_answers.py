"""What an OpenID Connect provider answers: a JSON object of bounded size, in time, or the reason why there is none."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
import orjson

Client = Callable[[], httpx.AsyncClient]
"""Opens a client."""

MAX_BYTES = 1_048_576
"""Bytes that a provider's answer may have."""


class ProviderFailed(Exception):
    """The provider gave no answer that can be used; the message says why."""


@asynccontextmanager
async def within(seconds: float) -> AsyncGenerator[None]:
    """Whatever can go wrong between us and a provider, a long silence too, is ProviderFailed."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise ProviderFailed(f"there was no answer within {seconds} seconds") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise ProviderFailed(f"it does not answer ({type(error).__name__})") from error
    except ValueError as error:
        raise ProviderFailed(str(error)) from error


async def answer(client: httpx.AsyncClient, method: str, url: str, **more: Any) -> Mapping[str, Any]:
    """The JSON object at a URL. Raises what `within` knows; the time is bounded there."""
    body = bytearray()
    request: Any = {"headers": {"accept": "application/json"}, "timeout": None, **more}
    async with client.stream(method, url, **request) as response:
        if response.status_code != 200:
            raise ValueError(f"{url} answered {response.status_code}")
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_BYTES:
                raise ValueError(f"{url} is larger than {MAX_BYTES} bytes")
    return _object(bytes(body), url)


def _object(body: bytes, url: str) -> Mapping[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise ValueError(f"{url} is not a JSON object")
    return cast("dict[str, Any]", document)

"""What a single setting may be: the types of settings, and what of them is checked."""

import base64
import binascii
from ipaddress import ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretBytes

from omniloket import database_urls
from sources.records import Role

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _sealing_key(given: object) -> object:
    """Base64 of 32, 48 or 64 random bytes (AES-SIV takes a double key)."""
    if not isinstance(given, str):
        return given
    try:
        key = base64.b64decode(given, validate=True)
    except binascii.Error as error:
        raise ValueError("must be base64 of 32, 48 or 64 random bytes") from error
    if len(key) not in (32, 48, 64):
        raise ValueError("must be base64 of 32, 48 or 64 random bytes")
    return key


def is_private_url(url: str) -> bool:
    """Whether nobody on the way can read or change what goes to a URL: HTTPS, or a host that is this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


def _issuer_url(url: str) -> str:
    if not is_private_url(url) or any(mark in url for mark in "?#@"):
        raise ValueError("must be an https:// URL without user, query and fragment; http:// for a loopback host only")
    return url


def _token_role(role: Role) -> Role:
    if role is Role.ANONYMOUS:
        raise ValueError("must be a role that a token can give, which ANONYMOUS is not")
    return role


def _network(given: str) -> str:
    try:
        ip_network(given)
    except ValueError as error:
        raise ValueError("must be an IP address or a network, as 10.0.0.0/8") from error
    return given


def _host(given: str) -> str:
    # An empty one would be all addresses of this machine.
    if not given or given.split() != [given]:
        raise ValueError("must be an address or a name, as 127.0.0.1; 0.0.0.0 for all addresses")
    return given


Origin = Annotated[str, Field(pattern=r"^https?://[a-z0-9.:\[\]-]+$")]
Network = Annotated[str, AfterValidator(_network)]
IssuerUrl = Annotated[str, AfterValidator(_issuer_url)]
TokenRole = Annotated[Role, AfterValidator(_token_role)]
Algorithm = Literal["RS256", "PS256", "ES256", "EdDSA"]
Purpose = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
ClaimName = Annotated[str, Field(min_length=1)]
SealingKey = Annotated[SecretBytes, BeforeValidator(_sealing_key)]
DatabaseUrl = Annotated[str, AfterValidator(database_urls.checked)]
Host = Annotated[str, AfterValidator(_host)]
HostName = Annotated[str, Field(pattern=r"^([a-z0-9.-]+|\[[0-9a-f:.]+\])$")]

"""Global ids: opaque, unique over all types, stable (Relay object identification).

An id is the base64url form of "Type:key". A citizen's key is the sealed BSN; the others need no seal, since an id
carries no right.
"""

import binascii
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import cast

from resolvers.context import Context
from sources.records import Citizen, Key, Record
from sources.sealing import bsn_of, citizen_key

MAX_SERIAL = 2**63 - 1

MOST_CHARACTERS = 1_000
"""Of an id that was made here, far more than any has: a longer one is not even decoded."""

_URL_SAFE = bytes.maketrans(b"+/", b"-_")

SERIAL_TYPES = {"Attachment", "Contact", "Handover", "Journey", "StatusChange"}
"""Types whose keys are integers."""


def encode(type_name: str, key: Key) -> str:
    """The global id of a key of a type."""
    return b2a_base64(f"{type_name}:{key}".encode(), newline=False).translate(_URL_SAFE, b"=").decode()


def decode(global_id: str) -> tuple[str, str] | None:
    """Type and key of a global id, or None when it was not made here.

    Only the one spelling that `encode` gives is accepted: base64 has others for the same bytes.
    """
    if len(global_id) > MOST_CHARACTERS:
        return None
    try:
        padded = global_id.encode("ascii") + b"=" * (-len(global_id) % 4)
        type_name, separator, key = urlsafe_b64decode(padded).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (type_name, key) if separator and encode(type_name, key) == global_id else None


def source_key(global_id: str, context: Context) -> tuple[str, Key] | None:
    """The type of a global id and the key that its source knows, or None when the id is foreign or tampered with."""
    decoded = decode(global_id)
    if decoded is None:
        return None
    key = _source_key(*decoded, context)
    return None if key is None else (decoded[0], key)


def key_of(global_id: str, context: Context, type_name: str) -> Key | None:
    """The key that the source of a type knows, or None when the id is foreign, tampered with, or of another type."""
    decoded = decode(global_id)
    return _source_key(*decoded, context) if decoded is not None and decoded[0] == type_name else None


def ids(records: Sequence[Record], context: Context) -> Sequence[str]:
    """The global id of each record, all of one type."""
    if not records:
        return []
    kind = type(records[0])
    keys = map(attrgetter(kind.key_field), records)
    if kind is Citizen:
        keys = (citizen_key(context.sealer, bsn) for bsn in keys)
    if kind.__name__ in SERIAL_TYPES:
        return _of_serials(kind.__name__, cast("Iterable[int]", keys))
    return [encode(kind.__name__, key) for key in keys]


def _source_key(type_name: str, key: str, context: Context) -> Key | None:
    if type_name == "Citizen":
        return bsn_of(context.sealer, key)
    if type_name in SERIAL_TYPES:
        return int(key) if _is_serial(key) else None
    return key if key.isprintable() and len(key) <= 100 else None


def _of_serials(type_name: str, keys: Iterable[int]) -> Sequence[str]:
    """As `encode`: of letters, digits and a colon, base64 has none of the signs that a URL would not take."""
    plain = b"%b:%%d" % type_name.encode()
    return [b2a_base64(plain % key, newline=False).rstrip(b"=").decode() for key in keys]


def _is_serial(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) <= 19 and str(int(key)) == key and int(key) <= MAX_SERIAL

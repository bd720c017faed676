"""Sealing: deterministic authenticated encryption (AES-SIV, RFC 5297) with a key id.

Deterministic, so that one BSN has one sealed form under one key and can be looked up by it. A BSN space has
about 10^9 values, too few for any hash. The form is one byte of key id, then the SIV and the ciphertext.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV


@dataclass(frozen=True)
class Sealer:
    """Seals under the current key, opens under any configured one. Key ids are 0 to 255; keys have 32 to 64 bytes.

    `purpose` is authenticated: what was sealed for one purpose does not open for another.
    """

    keys: Mapping[int, bytes] = field(repr=False)
    current: int

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise ValueError(f"the current key id must be one of {sorted(self.keys)}, but got: {self.current}")
        if not all(0 <= key_id <= 255 for key_id in self.keys):
            raise ValueError("key ids must be from 0 to 255")
        ciphers = {key_id: AESSIV(key) for key_id, key in self.keys.items()}
        object.__setattr__(self, "_ciphers", ciphers)

    _ciphers: Mapping[int, AESSIV] = field(init=False, repr=False)

    def seal(self, purpose: bytes, plain: bytes) -> bytes:
        """The sealed form under the current key."""
        return self._seal(self.current, purpose, plain)

    def seal_with_each_key(self, purpose: bytes, plain: bytes) -> list[bytes]:
        """Every form that may be stored somewhere, the current key's first: what a lookup has to try."""
        others = [key_id for key_id in self.keys if key_id != self.current]
        return [self._seal(key_id, purpose, plain) for key_id in [self.current, *others]]

    def open(self, purpose: bytes, sealed: bytes) -> bytes | None:
        """What was sealed, or None when it was not sealed here for this purpose, or has been tampered with."""
        cipher = self._ciphers.get(sealed[0]) if len(sealed) > 16 else None
        if cipher is None:
            return None
        try:
            return cipher.decrypt(sealed[1:], [purpose])
        except InvalidTag:
            return None

    def _seal(self, key_id: int, purpose: bytes, plain: bytes) -> bytes:
        return bytes([key_id]) + self._ciphers[key_id].encrypt(plain, [purpose])


_CITIZEN = b"citizen"


def citizen_key(sealer: Sealer, bsn: str) -> str:
    """The sealed BSN as text: a citizen's key in ids and in the journey database."""
    return text_of(sealer.seal(_CITIZEN, bsn.encode()))


def citizen_keys(sealer: Sealer, bsn: str) -> list[str]:
    """Every form in which a citizen's key may be stored: one for each configured key, the current one first."""
    return [text_of(sealed) for sealed in sealer.seal_with_each_key(_CITIZEN, bsn.encode())]


def bsn_of(sealer: Sealer, key: str) -> str | None:
    """The BSN in a citizen's key, or None when the key was not made here."""
    sealed = sealed_of(key)
    plain = None if sealed is None else sealer.open(_CITIZEN, sealed)
    return None if plain is None else plain.decode()


def text_of(sealed: bytes) -> str:
    """What was sealed, as text that a URL takes."""
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def sealed_of(text: str) -> bytes | None:
    """What a text stands for. Only the one spelling that `text_of` gives counts: base64 has others for the same."""
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return sealed if text_of(sealed) == text else None

"""Documents that clients register by themselves: Apollo's automatic persisted queries.

A client asks by the SHA-256 of a text. Where that is not known it sends the text once beside the hash, and from then on
the hash does. It saves bytes on the way and trusts nobody: every limit and price holds as for the text.
"""

import re
from collections import OrderedDict
from hashlib import sha256

from engine.codes import BAD_USER_INPUT
from engine.responses import RequestRefused, refusal

_SHA_256 = re.compile(r"[0-9a-f]{64}")

_CHARACTERS = 1_000
"""How long documents may be on average."""


class Registered:
    """The texts by their hashes, `most` at a time and fewer where they are long: those used last. 0: none at all."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._characters = 0

    def __len__(self) -> int:
        return len(self._texts)

    def text(self, digits: str) -> str | None:
        """The text with a hash, in 64 hexadecimal digits; None for one that is not known."""
        found = self._texts.get(digits)
        if found is not None:
            self._texts.move_to_end(digits)
        return found

    def register(self, digits: str, text: str) -> None:
        """Remembers a text that can be executed. Raises RequestRefused for one that has another hash."""
        if self._most == 0 or not is_hash(digits) or self._texts.get(digits) == text:
            return
        if sha256(text.encode()).hexdigest() != digits:
            raise RequestRefused([refusal("'sha256Hash' is not the SHA-256 of 'query'.", BAD_USER_INPUT)])
        self._texts[digits] = text
        self._characters += len(text)
        while len(self._texts) > self._most or self._characters > self._most * _CHARACTERS:
            _, forgotten = self._texts.popitem(last=False)
            self._characters -= len(forgotten)


def is_hash(document_id: str) -> bool:
    """Whether the id of a document may be the SHA-256 of one, in hexadecimal digits."""
    return _SHA_256.fullmatch(document_id) is not None

"""Which rows a viewer may see: an argument of every call to a source, and part of its statement's WHERE."""

from msgspec import Struct


class Scope(Struct, frozen=True):
    """`everyone`: rows of all citizens. Else only those of `bsn`, or none at all without one.

    `confidential`: confidential reports too, which otherwise only their own reporter sees. `reads`: what of the rows,
    as "Contact.subject" by records and their attributes; None for all. What else a source would have to read, it may
    leave out: then it is None in the record.
    """

    everyone: bool = False
    confidential: bool = False
    bsn: str | None = None
    reads: frozenset[str] | None = None

    @property
    def nobody(self) -> bool:
        return not self.everyone and self.bsn is None

    def __repr__(self) -> str:
        return f"<Scope everyone={self.everyone}>"


NOBODY = Scope()
EVERYTHING = Scope(everyone=True, confidential=True)

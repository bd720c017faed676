"""What can be wrong with a question, whoever asks it.

RequestError
├── BadUserInput       an argument that cannot be
│   └── CursorRejected a cursor that was not made here, or for something else
├── Forbidden          a field, or a type, that the viewer's role may not see
├── PurposeRequired    personal data asked by a role that has to say what for
├── NotFound           nothing there, or nothing that the viewer may know of
├── CursorExpired      a cursor whose place in a source's log cannot be gone on from
├── SlowConsumer       a live stream whose client reads too slowly; `cursor` is where to resume
└── Unauthenticated    a token that does not hold
"""

from collections.abc import Iterable

from engine.codes import (
    BAD_USER_INPUT,
    CURSOR_EXPIRED,
    FORBIDDEN,
    NOT_FOUND,
    PURPOSE_REQUIRED,
    SLOW_CONSUMER,
    UNAUTHENTICATED,
)

PURPOSE_HEADER = "Omniloket-Purpose"
"""In which a client says what it asks personal data for."""


class RequestError(Exception):
    """An error for the client. `code` is stable; the message says what was expected, and never a value."""

    code = BAD_USER_INPUT


class BadUserInput(RequestError):
    """The message names the argument and what it takes."""


class CursorRejected(BadUserInput):
    def __init__(self, argument: str) -> None:
        super().__init__(f"'{argument}' takes a cursor from an earlier answer of the same field.")


class Forbidden(RequestError):
    code = FORBIDDEN

    def __init__(self) -> None:
        super().__init__("Your role may not see this.")


class PurposeRequired(RequestError):
    """`purposes` are those that the viewer's role may have."""

    code = PURPOSE_REQUIRED

    def __init__(self, purposes: Iterable[str]) -> None:
        super().__init__(f"Personal data need a purpose, in '{PURPOSE_HEADER}'. Yours: {', '.join(sorted(purposes))}.")


class NotFound(RequestError):
    code = NOT_FOUND


class CursorExpired(RequestError):
    code = CURSOR_EXPIRED

    def __init__(self) -> None:
        super().__init__("What came after the cursor cannot be told any more. Query again, and follow from now on.")


class SlowConsumer(RequestError):
    code = SLOW_CONSUMER

    def __init__(self, cursor: str | None) -> None:
        super().__init__("The stream ended because its events were not read in time. Resume after the cursor.")
        self.cursor = cursor


class Unauthenticated(RequestError):
    code = UNAUTHENTICATED

    def __init__(self, message: str = "The token is malformed, expired, revoked, or not from a known issuer.") -> None:
        super().__init__(message)

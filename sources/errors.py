"""What can go wrong in a source.

SourceError
├── SourceUnavailable   no answer: refused, cut off, or an answer that is not one
│   └── SourceTimedOut  no answer in time
├── RecordMalformed     an answer, but one row of it cannot be read
└── MarkExpired         a place in a log that cannot be gone on from
"""


class SourceError(Exception):
    """A source failed; `source` is its name, as `sources { name }` lists it."""

    def __init__(self, source: str, message: str) -> None:
        super().__init__(message)
        self.source = source


class SourceUnavailable(SourceError):
    """The source gave no usable answer. The cause is chained and goes to the log, never to a client."""

    def __init__(self, source: str, message: str | None = None) -> None:
        super().__init__(source, message or f"The source '{source}' does not answer.")


class SourceTimedOut(SourceUnavailable):
    """The source gave no answer within its `timeout_seconds`."""

    def __init__(self, source: str, timeout_seconds: float) -> None:
        super().__init__(source, f"The source '{source}' did not answer within {timeout_seconds:g} seconds.")
        self.timeout_seconds = timeout_seconds


class RecordMalformed(SourceError):
    """A row holds a value that cannot be read; `field` is the back-end's own column name, never the value."""

    def __init__(self, source: str, field: str) -> None:
        super().__init__(source, f"The source '{source}' holds a row whose '{field}' cannot be read.")
        self.field = field


class MarkExpired(SourceError):
    """What came after a place in a log cannot be told any more: it is another log, or lacks rows that it had."""

    def __init__(self, source: str) -> None:
        super().__init__(source, f"A log of the source '{source}' does not surely go on from where it was read.")

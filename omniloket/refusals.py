"""Requests that may be sent again, later."""

from typing import Any

from engine.responses import RequestRefused, refusal


class ComeBackLater(RequestRefused):
    """Refused now, and not for what it asks; `status` is HTTP's, `retry_after` in whole seconds."""

    def __init__(self, status: int, message: str, retry_after: int, code: str, **extensions: str) -> None:
        error = refusal(message, code, **extensions, retryAfter=retry_after)
        super().__init__([error])
        self.extensions: dict[str, Any] = error["extensions"]
        self.status = status
        self.retry_after = retry_after

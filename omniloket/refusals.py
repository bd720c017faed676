"""Requests that may be sent again, later."""

from engine.responses import RequestRefused


class ComeBackLater(RequestRefused):
    """Refused now, and not for what it asks; `status` is HTTP's, `retry_after` in whole seconds."""

    def __init__(self, status: int, message: str, retry_after: int, **extensions: str) -> None:
        self.extensions = {**extensions, "retryAfter": retry_after}
        super().__init__([{"message": message, "extensions": self.extensions}])
        self.status = status
        self.retry_after = retry_after

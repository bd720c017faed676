"""Requests that may be sent again, later."""

from engine.executor import RequestRefused


class ComeBackLater(RequestRefused):
    """Refused now, and not for what it asks; `status` is HTTP's, `retry_after` in whole seconds."""

    def __init__(self, status: int, code: str, message: str, retry_after: int) -> None:
        super().__init__([{"message": message, "extensions": {"code": code, "retryAfter": retry_after}}])
        self.status = status
        self.retry_after = retry_after

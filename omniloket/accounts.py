"""What became of each operation, told once to all who keep account of it: figures, access log, use of the schema."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.prepared import Prepared
from omniloket.access_log import AccessLog, request_id
from omniloket.metrics import Metrics
from omniloket.usage import Usage
from resolvers.context import Context


@dataclass(frozen=True)
class Accounts:
    """Whoever keeps account. Without `access_log` and `usage`, nothing is written of single operations."""

    metrics: Metrics
    access_log: AccessLog | None = None
    usage: Usage | None = None

    def executed(
        self, prepared: Prepared, variables: Mapping[str, Any], context: Context, began: float, *, has_errors: bool
    ) -> None:
        """A query or mutation that was executed; `began` by `time.perf_counter`."""
        seconds = time.perf_counter() - began
        self.metrics.executed(prepared.kind, context.document, seconds, has_errors=has_errors)
        self._used(prepared, variables, context)
        if self.access_log is not None:
            outcome = "errors" if has_errors else "answered"
            self.access_log.add({**_line(outcome, prepared, context), "milliseconds": round(seconds * 1000, 2)})

    def began(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> None:
        """A stream that may begin."""
        self._used(prepared, variables, context)
        if self.access_log is not None:
            self.access_log.add(_line("began", prepared, context))

    def refused(
        self, extensions: Mapping[str, Any], context: Context | None = None, prepared: Prepared | None = None
    ) -> None:
        """A request that was not executed, and what is known of it; `extensions` are those of its error."""
        code, limit = extensions["code"], extensions.get("limit")
        self.metrics.refused(code, limit)
        if self.access_log is not None:
            why = {"code": code} if limit is None else {"code": code, "limit": limit}
            self.access_log.add(_line("refused", prepared, context) | why)

    def _used(self, prepared: Prepared, variables: Mapping[str, Any], context: Context) -> None:
        if self.usage is not None:
            self.usage.count(prepared, variables, context.document)


def _line(outcome: str, prepared: Prepared | None, context: Context | None) -> dict[str, Any]:
    line: dict[str, Any] = {"at": time.time(), "event": "operation", "request": request_id(), "outcome": outcome}
    if context is not None:
        viewer = context.viewer
        line |= {"role": viewer.role.value, "purpose": viewer.purpose, "actor": viewer.actor}
    if prepared is not None:
        line["kind"] = prepared.kind
    if context is not None:
        line["document"] = context.document
    return line

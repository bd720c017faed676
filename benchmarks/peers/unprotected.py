"""`omniloket serve` without what protects it and keeps account: limits, prices, turns, deadlines, figures, access log.

    .venv/bin/python benchmarks/peers/unprotected.py .omniloket/omniloket.toml

It answers the same as the real server to who asks nothing unusual. Never for anything but made-up data on loopback.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from engine.prepared import Prepared
from engine.responses import Response
from omniloket import house, logs, opening, serving
from omniloket.reading_settings import read
from resolvers.context import Context


class Unprotected(house.House):
    """Executes what it is asked."""

    def prepare(self, query: str | None, document_id: str, operation_name: str | None, context: Context) -> Prepared:
        return self.executor.prepare(query or "", operation_name)

    async def execute(
        self, prepared: Prepared, variables: Mapping[str, Any], context: Context, *, wants_cost: bool = False
    ) -> Response:
        answer = await self.executor.execute(prepared, variables, context)
        await self.record(prepared, context)
        return answer


if __name__ == "__main__":
    opening.House = Unprotected
    protocols: Any = serving
    protocols.BoundedConnection = HttpToolsProtocol
    config = Path(sys.argv[1])
    settings = read(config, host="127.0.0.1", port=0, access_log=False)
    logs.configure(settings.log_level)
    serving.serve(settings, config)

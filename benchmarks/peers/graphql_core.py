"""`omniloket serve` with graphql-core instead of Omniloket's own engine: the same schema, resolvers, sources and rules.

    .venv/bin/python benchmarks/peers/graphql_core.py .omniloket/omniloket.toml

As a competent engineer serves a Strawberry schema: documents parsed and validated once, a loader for each field and
source, orjson, and a garbage collector that is tuned for the many objects that one answer takes.
"""

import sys
from collections.abc import Mapping
from inspect import isawaitable
from pathlib import Path
from typing import Any

import running
from graphql import ExecutionResult, GraphQLSchema, execute

from engine.executor import Executor
from engine.prepared import Prepared
from omniloket import logs, opening, serving
from omniloket.reading_settings import read


class GraphQLCore(Executor):
    """Prepares as the house does, executes by graphql-core alone; the first error is raised."""

    def __init__(self, schema: GraphQLSchema, **given: Any) -> None:
        super().__init__(schema, **given)
        self._of_core = schema
        running.tune_collector()

    async def execute(self, prepared: Prepared, variables: Mapping[str, Any] | None, context: object) -> Any:
        result: Any = execute(
            self._of_core,
            prepared.document,
            context_value=context,
            variable_values=dict(variables or {}),
            operation_name=prepared.name,
        )
        done: ExecutionResult = await result if isawaitable(result) else result
        if done.errors:
            raise done.errors[0]
        return {"data": done.data}


if __name__ == "__main__":
    opening.Executor = GraphQLCore
    config = Path(sys.argv[1])
    settings = read(config, host="127.0.0.1", port=0)
    logs.configure(settings.log_level)
    serving.serve(settings, config)

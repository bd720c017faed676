"""Whatever is asked, a plan gives graphql-core's answer: the same data always, and the same errors.

`make test` asks 2,000 documents, `make engine-test` 20,000; OMNILOKET_TEST_DOCUMENTS says how many otherwise.
"""

import asyncio
import gc
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from inspect import isawaitable
from random import Random
from typing import Any, cast

import pytest
from graphql import DocumentNode, ExecutionResult, GraphQLError, OperationDefinitionNode, parse, validate
from graphql import execute as core_execute
from graphql.execution.values import VariableValues
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from engine.breadth_first import execute
from engine.compiling import Compiler, NotCovered
from engine.variables import OperationVariables
from support import zoo
from support.zoo_documents import Question, question

DOCUMENTS = int(os.environ.get("OMNILOKET_TEST_DOCUMENTS", "2000"))

SCHEMA = zoo.schema()
COMPILER = Compiler(SCHEMA)

Path = tuple[str | int, ...]

# graphql-core lets go of resolvers that it has called, and of its own coroutines around them, when a sibling fails at
# once. Python tells of each when it is collected, wherever that happens to be.
LET_GO = r"(.*_async_resolver|Executor\.(complete_|execute_).*)"
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:coroutine '{LET_GO}':RuntimeWarning"),
    pytest.mark.filterwarnings(f"ignore:.*coroutine object {LET_GO}:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner
    gc.collect()


@given(chance=st.randoms(use_true_random=False), seed=st.integers(0, 10_000))
@settings(max_examples=DOCUMENTS, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_plan_answers_as_graphql_core_does(loop: asyncio.Runner, chance: Random, seed: int) -> None:
    compare(loop, question(chance, SCHEMA), seed)


def compare(loop: asyncio.Runner, asked: Question, seed: int) -> None:
    document = parse(asked.document)
    assert validate(SCHEMA, document) == [], asked.document
    operation = cast("OperationDefinitionNode", document.definitions[0])
    try:
        plan = COMPILER.plan(document, operation)
    except NotCovered:
        event("not covered")
        return
    variables = OperationVariables(SCHEMA, operation).coerced(asked.variables)
    assert isinstance(variables, VariableValues), (asked, variables)
    context = zoo.ZooContext(seed=seed)
    expected = loop.run(by_graphql_core(document, asked.variables, context))
    expected_errors = [*(expected.errors or []), *context.partial_errors]
    answer = loop.run(execute(plan, variables, zoo.ZooContext(seed=seed)))
    assert answer.data == expected.data
    ours, theirs = Errors(answer.data, answer.errors), Errors(expected.data, expected_errors)
    assert ours.outside == theirs.outside
    assert ours.nulled == theirs.nulled
    event("errors" if answer.errors else "no errors")


async def by_graphql_core(document: DocumentNode, variables: dict[str, Any], context: object) -> ExecutionResult:
    result: Any = core_execute(SCHEMA, document, context_value=context, variable_values=variables)
    answer = await result if isawaitable(result) else result
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    return answer


class Errors:
    """Errors as a client sees them, apart: those of places that are there, and the places that were nulled above one.

    Of several errors in a place that was nulled, graphql-core reports those that came before it was.
    """

    def __init__(self, data: Any, errors: Sequence[GraphQLError]) -> None:
        self.outside: Counter[object] = Counter()
        self.nulled: set[Path] = set()
        for error in errors:
            path = tuple(error.path or ())
            nulled = _nulled_above(data, path)
            if nulled is None:
                locations = tuple(sorted((each.line, each.column) for each in error.locations or ()))
                self.outside[error.message, path, locations, repr(error.extensions)] += 1
            else:
                self.nulled.add(nulled)


def _nulled_above(data: Any, path: Path) -> Path | None:
    for index, key in enumerate(path):
        if data is None:
            return path[:index]
        data = data[key]
    return None

"""Several roots, as of events that come together, are answered in one run as each would be alone, whatever fails."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any, cast

import pytest
from graphql import OperationDefinitionNode, parse
from graphql.execution.values import VariableValues
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.breadth_first import Answer, execute_all
from engine.compiling import Compiler, NotCovered
from engine.plan import Plan
from engine.variables import OperationVariables
from support import zoo
from support.zoo_documents import question

SCHEMA = zoo.schema()
COMPILER = Compiler(SCHEMA)
SOME = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@given(chance=st.randoms(use_true_random=False), seed=st.integers(0, 10_000), keys=st.lists(st.integers(0, 5)))
@SOME
def test_each_of_several_has_the_answer_that_it_has_alone(chance: Random, seed: int, keys: list[int]) -> None:
    """Errors included, in their order; roots that are alike among them."""
    found = _plan(chance)
    if found is None:
        return
    roots = [zoo.Cage(seed, key) for key in keys]
    together = asyncio.run(_answers(found, seed, roots))
    assert together == [asyncio.run(_answers(found, seed, [root]))[0] for root in roots]


def _plan(chance: Random) -> tuple[Plan, VariableValues] | None:
    asked = question(chance, SCHEMA)
    document = parse(asked.document)
    operation = cast("OperationDefinitionNode", document.definitions[0])
    try:
        plan = COMPILER.plan(document, operation)
    except NotCovered:
        return None
    return plan, cast("VariableValues", OperationVariables(SCHEMA, operation).coerced(asked.variables))


async def _answers(asked: tuple[Plan, VariableValues], seed: int, roots: Sequence[Any]) -> list[Any]:
    return [_plain(each) for each in await execute_all(*asked, zoo.ZooContext(seed=seed), roots)]


def _plain(answer: Answer) -> Any:
    errors = [(each.message, each.path, each.locations, each.extensions) for each in answer.errors]
    return repr(answer.data), errors  # as text: a number of the zoo is not equal to itself


@pytest.mark.parametrize("seed", range(20))
async def test_all_that_may_fail_does(seed: int) -> None:
    """A document of every kind of place: what fails in one root is no other's, and none is lost."""
    document = parse(
        """{
          mate { name weights friends { tired alias } ... on Lion { roar(times: [1]) mate { identity } } }
          residents { ... on Keeper { notes wards { weight diet } boss { name } } ... on Lion { cage { __typename } } }
          oddity { ... on Lion { words sizes family { secret } } }
          keeper { notes residents { ... on Parrot { age } } }
          secret
        }"""
    )
    operation = cast("OperationDefinitionNode", document.definitions[0])
    asked = COMPILER.plan(document, operation), VariableValues({}, {})
    roots = [zoo.Cage(seed, key) for key in range(12)]
    together = await _answers(asked, seed, roots)
    assert together == [(await _answers(asked, seed, [root]))[0] for root in roots]
    assert any(errors for _, errors in together)

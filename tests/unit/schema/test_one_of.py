"""Inputs of which exactly one field is given: anything else is refused before it is executed."""

from typing import Any

import pytest

from engine.batching import RequestState
from engine.executor import Executor
from engine.responses import RequestRefused
from schema.building import executable


@pytest.fixture(scope="module")
def executor() -> Executor:
    return Executor(executable(), encode_error=lambda error: (str(error), {"code": "INTERNAL"}))


@pytest.mark.parametrize("given", ["{}", "{bsn: null}", '{id: "a", bsn: "b"}', '{id: "a", bsn: null}'])
def test_a_literal(executor: Executor, given: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        executor.prepare(f"{{ citizen(by: {given}) {{ id }} }}")
    assert [error["extensions"]["code"] for error in caught.value.errors] == ["GRAPHQL_VALIDATION_FAILED"]


def test_a_variable_that_may_be_null(executor: Executor) -> None:
    with pytest.raises(RequestRefused):
        executor.prepare("query Q($bsn: BSN) { citizen(by: {bsn: $bsn}) { id } }")
    executor.prepare("query Q($bsn: BSN!) { citizen(by: {bsn: $bsn}) { id } }")


@pytest.mark.parametrize("given", [{}, {"bsn": None}, {"id": "Jansen", "bsn": "b"}, {"id": "Jansen", "bsn": None}])
async def test_a_variable(executor: Executor, given: dict[str, Any]) -> None:
    prepared = executor.prepare("query Q($by: CitizenBy!) { citizen(by: $by) { id } }")
    with pytest.raises(RequestRefused) as caught:
        await executor.execute(prepared, {"by": given}, RequestState())
    (error,) = caught.value.errors
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "Jansen" not in error["message"]

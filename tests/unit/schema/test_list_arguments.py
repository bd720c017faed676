"""Lists by which a connection is narrowed hold as many values as those of filters."""

from typing import Any

import pytest

from engine.executor import Executor
from resolvers.context import Context, Services, Viewer
from schema.building import executable
from schema.errors import encoder
from sources.demo.people import bsns
from sources.records import Citizen, Role
from subscriptions.hub import Hub
from support.back_ends import SEALER
from support.memory_sources import Facts, memory_sources

BSN = next(bsns(1))
SERVICES = Services(memory_sources(Facts(citizens=[Citizen(BSN, "Anna")]), SEALER), SEALER, Hub({}))
EXECUTOR = Executor(executable(), encode_error=encoder(lambda _id, _error: None))


@pytest.mark.parametrize(
    ("field", "name", "type_", "value"),
    [
        ("contacts", "channel", "String", "APP"),
        ("reports", "status", "ReportStatus", "CLOSED"),
        ("journeys", "state", "JourneyState", "OPEN"),
    ],
)
async def test_an_argument_of_a_citizens_connection_lists_a_hundred_values(
    field: str, name: str, type_: str, value: str
) -> None:
    narrowed = f"{field}(first: 0, {name}: $given) {{ edges {{ cursor }} }}"
    prepared = EXECUTOR.prepare(f"query Q($given: [{type_}!]) {{ viewer {{ citizen {{ {narrowed} }} }} }}")

    async def asked(number: int) -> Any:
        context = Context(services=SERVICES, viewer=Viewer(Role.CITIZEN, "anna", bsn=BSN))
        return await EXECUTOR.execute(prepared, {"given": [value] * number}, context)

    assert await asked(100) == {"data": {"viewer": {"citizen": {field: {"edges": []}}}}}
    (error,) = (await asked(101))["errors"]
    assert (error["message"], error["extensions"]["code"]) == (f"'{name}' takes at most 100 values.", "BAD_USER_INPUT")

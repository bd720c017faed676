"""Fields say what of a record they read, so that a source is asked for it: also what decides whether it may be seen."""

import pytest

from engine.executor import Executor
from schema.access import DECIDED_BY, HOLDS
from schema.building import executable

EXECUTOR = Executor(executable(), encode_error=lambda error: (str(error), {}))


@pytest.mark.parametrize(
    ("type_", "field", "read"),
    [
        ("Citizen", "address { city }", {"Citizen.address", "Citizen.secret"}),
        ("StatusChange", "note", {"StatusChange.note", "StatusChange.unit"}),
        ("StatusChange", "report { id }", {"StatusChange.report_number"}),
        ("StatusChange", "by { name }", {"StatusChange.agent_key"}),
        ("Handover", "from { code }", {"Handover.from_channel"}),
        ("Handover", "to { code }", {"Handover.to_channel"}),
        ("Handover", "by { name }", {"Handover.agent_key"}),
    ],
)
def test_a_field_says_all_that_it_reads(type_: str, field: str, read: set[str]) -> None:
    plan = EXECUTOR.prepare(f'{{ node(id: "x") {{ ... on {type_} {{ {field} }} }} }}').plan
    assert plan is not None
    assert plan.reads is not None
    assert {each for each in plan.reads if each.startswith(f"{type_}.")} == read


def test_of_all_that_is_decided_for_each_record_it_is_known_by_what() -> None:
    assert DECIDED_BY.keys() == HOLDS.keys()

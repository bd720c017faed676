"""A document that is forgotten leaves at once, without the garbage collector: collecting holds up the event loop."""

import gc
from weakref import ref

import pytest

from engine.executor import Executor
from engine.parsing import parse
from schema.building import executable

QUERY = """
    query Q($channel: String!, $with: Boolean!) {
      contacts(first: 5, filter: { channel: [$channel] }) {
        totalCount
        edges { cursor node { id subject ...More journey @include(if: $with) { id timeline(first: 2) { edges { node {
          __typename ... on Contact { id } ... on StatusChange { label }
        } } } } } }
      }
    }
    fragment More on Contact { channel { code } direction }
"""


@pytest.mark.usefixtures("without_collector")
def test_a_forgotten_document_is_gone_with_its_plan() -> None:
    executor = Executor(executable(), encode_error=lambda error: (str(error), {}), documents=1)
    prepared = executor.prepare(QUERY)
    assert prepared.plan is not None
    plan, field = ref(prepared.plan), ref(prepared.plan.selection.fields[0])
    del prepared
    executor.prepare("{ viewer { role } }")
    assert (plan(), field()) == (None, None)


@pytest.mark.usefixtures("without_collector")
def test_nothing_of_parsing_stays_behind() -> None:
    parse(QUERY)
    before = len(gc.get_objects())
    for _ in range(100):
        parse(QUERY)
    assert len(gc.get_objects()) - before < 100


def test_nodes_know_where_they_are() -> None:
    document = parse("{ a }")
    place = document.definitions[0].loc
    assert place is not None
    assert (place.start, place.end, place.source.body) == (0, 5, "{ a }")
    assert place.start_token is None

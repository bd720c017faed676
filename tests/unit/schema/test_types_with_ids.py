"""A type with ids that lead nowhere is refused: `node` would be null for everybody, without an error."""

from typing import Any

import pytest
import strawberry

from resolvers import ids, nodes
from schema import query
from schema.access import EVERYBODY
from schema.building import executable
from schema.fields import batched, field
from schema.nodes import Node
from schema.rules import RulesBroken
from sources.records import Record


class Found(Record, frozen=True):
    key: int
    what: str


def _nothing(_roots: object, _context: object) -> Any:
    raise AssertionError


def query_with(record: type[Record], name: str) -> type:
    @strawberry.type(name=name, directives=[EVERYBODY])
    class FoundType(Node):
        what: str = field("What it is.")

    FoundType.record = record

    @strawberry.type(directives=[EVERYBODY])
    class Query(query.Query):
        found: FoundType | None = batched(_nothing, "Something.")

    return Query


def test_a_type_with_ids_has_a_collection_in_which_they_are_looked_for() -> None:
    with pytest.raises(RulesBroken) as refused:
        executable(query=query_with(Found, "Found"))
    assert str(refused.value).splitlines() == [
        "Found: has ids, but COLLECTIONS of resolvers/nodes.py does not say where they lead.",
        "Found: SERIAL_TYPES of resolvers/ids.py must name it, since its key is an integer.",
    ]


def test_a_type_with_ids_is_named_as_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(nodes.COLLECTIONS, "Lost", lambda sources: sources.contacts)
    with pytest.raises(RulesBroken, match="Lost: its ids would be those of Found"):
        executable(query=query_with(Found, "Lost"))


def test_a_key_that_is_no_integer_is_not_read_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Named(Record, frozen=True):
        key: str
        what: str

    monkeypatch.setitem(nodes.COLLECTIONS, "Named", lambda sources: sources.contacts)
    ids.SERIAL_TYPES.add("Named")
    try:
        with pytest.raises(RulesBroken, match=r"Named: SERIAL_TYPES .* names it, but its key is no integer"):
            executable(query=query_with(Named, "Named"))
    finally:
        ids.SERIAL_TYPES.discard("Named")


def test_each_type_with_ids_leads_to_its_own_record() -> None:
    types: Any = executable().type_map
    with_ids = {
        name for name, each in types.items() if any(of.name == "Node" for of in getattr(each, "interfaces", ()))
    }
    assert with_ids == set(nodes.COLLECTIONS)

"""What an operation may cost, on a schema that has nothing to do with the police."""

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import pytest
import strawberry
from graphql import GraphQLSchema, OperationDefinitionNode, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cost import Cost, ListSize, Pricing

PAGED = ListSize(assumed_size=25, slicing_arguments=["first", "last"], sized_fields=["edges"])


@strawberry.type
class Nut:
    weight: int


@strawberry.type
class Bolt:
    weight: int
    nuts: list[Nut] = strawberry.field(directives=[ListSize(assumed_size=3)])


Part = Annotated[Nut | Bolt, strawberry.union("Part")]


@strawberry.type(directives=[Cost(weight=0)])
class Edge:
    node: "Box"


@strawberry.type
class Boxes:
    edges: list[Edge]
    total: int = strawberry.field(directives=[Cost(weight=5)])


@strawberry.type
class Box:
    name: str
    lid: Nut

    @strawberry.field(directives=[PAGED])
    def boxes(self, first: int | None = None, last: int | None = None) -> Boxes | None: ...

    @strawberry.field(directives=[ListSize(assumed_size=10)])
    def parts(self) -> list[Part]: ...


@strawberry.type
class Query:
    box: Box
    heavy: Box = strawberry.field(directives=[Cost(weight=7)])

    @strawberry.field(directives=[ListSize(assumed_size=100, slicing_arguments=["ids"])])
    def by_ids(self, ids: list[str]) -> list[Box]: ...


SCHEMA: GraphQLSchema = strawberry.Schema(Query)._schema


def price(query: str, page_size: int = 25, **variables: Any) -> int:
    document = parse(query)
    assert validate(SCHEMA, document) == []
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    return Pricing(SCHEMA, page_size).price(document, operation)(variables)


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("{ box { name } }", 1),
        ("{ box { name } box { lid { weight } } }", 2),
        ("{ box { name } other: box { name } }", 2),
        ("{ heavy { name } }", 7),
        ("{ __typename }", 0),
        ("{ box { boxes(first: 4) { edges { node { lid { weight } } } } } }", 1 + 1 + 4 + 4 * 2),
        ("{ box { boxes(last: 4) { total edges { node { name } } } } }", 1 + 1 + 4 + 5 + 4),
        ("{ box { boxes { edges { node { name } } } } }", 1 + 1 + 25 + 25),
        ("{ box { boxes(first: 4) { total } } }", 1 + 1 + 4 + 5),
        ("{ box { boxes(first: 4) { edges { __typename } } } }", 1 + 1 + 4),
        ("{ box { boxes(first: 0) { edges { node { name } } } } }", 2),
        (
            "{ box { boxes(first: 3) { edges { node { boxes(first: 5) { edges { node { name } } } } } } } }",
            2 + 3 + 3 * (2 + 5 + 5),
        ),
        ('{ byIds(ids: ["a", "b", "c"]) { lid { weight } } }', 3 * 2),
        ("{ box { parts { __typename } } }", 1 + 10),
        ("{ box { parts { ... on Nut { weight } ... on Bolt { nuts { weight } } } } }", 1 + 10 * (1 + 3)),
        ("{ box { ...F } } fragment F on Box { ...G ...G } fragment G on Box { lid { weight } }", 2),
        ("{ __schema { types { name } } }", 1_000),
    ],
)
def test_a_price_counts_the_objects_that_may_come(query: str, points: int) -> None:
    assert price(query) == points


@pytest.mark.parametrize("written", ["100", "100.0", "1e2", "1E+2"])
def test_a_number_counts_however_json_writes_it(written: str) -> None:
    query = "query Q($n: Int) { box { boxes(first: $n) { edges { node { name } } } } }"
    assert price(query, n=orjson.loads(written)) == price(query, n=100) != price(query)


def test_variables_say_how_long_lists_are_and_defaults_where_they_do_not() -> None:
    query = """
        query Q($n: Int = 2, $ids: [String!]!) {
          box { boxes(first: $n) { edges { node { name } } } }
          byIds(ids: $ids) { name }
        }
    """
    assert price(query, ids=["a"] * 7) == 2 + 2 + 2 + 7
    assert price(query, n=9, ids=[]) == 2 + 9 + 9
    assert price(query, n=None, ids=[]) == 2 + 25 + 25
    assert price(query, n=-5, ids=[]) == 2
    assert price(query, n="many", ids="a") == 2 + 25 + 25 + 100


@pytest.mark.parametrize("number", [2**31, 10**30, 1e30])
def test_what_is_no_int_is_no_length(number: float) -> None:
    query = "query Q($n: Int) { box { boxes(first: $n) { edges { node { name } } } } }"
    assert price(query, n=number) == price(query)
    assert price(query, n=2**31 - 1) == 2 * 2**31


def test_a_value_by_itself_is_a_list_of_one() -> None:
    assert price('{ byIds(ids: "a") { name } }') == 1


@pytest.mark.parametrize(("values", "points"), [(9, 1), (10, 2), (19, 2), (20, 3)])
def test_an_object_with_many_values_weighs_more(values: int, points: int) -> None:
    names = " ".join(f"a{number}: name" for number in range(values))
    assert price(f"{{ box {{ {names} lid {{ weight }} }} }}") == points + 1
    assert price(f'{{ byIds(ids: ["a", "b", "c"]) {{ ...F }} }} fragment F on Box {{ {names} }}') == 3 * points


@pytest.mark.parametrize("size", ["-5", "-2147483648"])
def test_a_list_of_negative_length_takes_nothing_off_the_price(size: str) -> None:
    query = "{ box { less: boxes(first: %s) { edges { node { name } } } boxes(first: 4) { edges { node { name } } } } }"
    assert price(query % size) == price(query % 0)


def test_a_page_is_as_long_as_the_server_says_unless_told() -> None:
    assert price("{ box { boxes { edges { node { name } } } } }", page_size=4) == 2 + 4 + 4


def test_what_has_no_plan_costs_as_much_as_graphql_core_takes() -> None:
    document = parse(
        'query ($n: Int) { __type(name: "Box") { name } box { boxes(first: $n) { edges { node { name } } } } }'
    )
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    points = [
        Pricing(SCHEMA, 25).price(document, operation, is_planned=is_planned)({"n": 4}) for is_planned in (True, False)
    ]
    assert points == [100 + 10, 100 + 20 * 10]


def test_fragments_that_multiply_are_priced_at_once() -> None:
    twice = "a: boxes(first: 2) {{ edges {{ node {{ ...F{0} }} }} }} ...F{0}"
    chain = " ".join(f"fragment F{n} on Box {{ {twice.format(n + 1)} }}" for n in range(20))
    assert price(f"{{ box {{ ...F0 }} }} {chain} fragment F20 on Box {{ name }}") > 2**20


def _objects(asked: Sequence[Any]) -> int:
    """How many the largest answer has below a box, and as many rows as are read for its pages."""
    return sum(1 if kind == "lid" else 1 + size + size * (1 + _objects(below)) for kind, size, below in asked)


boxes: Any = st.deferred(
    lambda: st.lists(
        st.tuples(st.just("lid"), st.just(0), st.just(())) | st.tuples(st.just("boxes"), st.integers(0, 4), boxes),
        min_size=1,
        max_size=3,
    )
)


def _text(asked: Sequence[Any], path: str = "f") -> str:
    parts: list[str] = []
    for number, (kind, size, below) in enumerate(asked):
        name = f"{path}{number}"
        inside = "weight" if kind == "lid" else f"edges {{ node {{ {_text(below, name)} }} }}"
        parts.append(f"{name}: {kind}{f'(first: {size})' if kind == 'boxes' else ''} {{ {inside} }}")
    return " ".join(parts)


@given(boxes)
@settings(deadline=None)
def test_a_price_is_the_number_of_objects_in_the_largest_answer(asked: Sequence[Any]) -> None:
    assert price(f"{{ box {{ {_text(asked)} }} }}") == 1 + _objects(asked)

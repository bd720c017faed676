"""How often variables stand in an operation, and how many values are written there."""

from typing import Any, cast

import pytest
from graphql import OperationDefinitionNode, parse

from engine.occurrences import Occurrences, occurrences, spread


def found(text: str) -> Occurrences:
    document = parse(text)
    return occurrences(document, cast("OperationDefinitionNode", document.definitions[0]))


@pytest.mark.parametrize(
    ("text", "repeated", "written"),
    [
        ("{ a }", {}, 0),
        ('{ a(b: "x", c: 1) }', {}, 2),
        ("{ a(b: [1, {c: 2}]) }", {}, 4),
        ("query ($x: T) { a(b: $x) }", {}, 0),
        ("query ($x: T) { a(b: $x) c(d: [$x]) }", {"x": 2}, 1),
        ("query ($x: T) { a(b: $x) @d(e: $x) { f @d(e: {g: $x}) } }", {"x": 3}, 1),
        ("query ($x: T) @d(e: $x) { a(b: $x) }", {"x": 2}, 0),
        ("query ($x: T = [1, 2]) { a(b: $x) c(d: $x) }", {"x": 2}, 6),
        ("query ($x: T) { a { ...F } ... on T { c { ...F } } } fragment F on T { f(g: $x, h: 1) }", {"x": 2}, 2),
        (
            "query ($x: T) { ...F ...G } fragment F on T { ...G ...G } fragment G on T { g(h: $x i: 1) }",
            {"x": 3},
            3,
        ),
        ("query ($x: T) { a(b: $x) } query Q ($x: T) { ...F } fragment F on T { f(g: $x) }", {}, 0),
    ],
)
def test_fragments_count_where_they_are_spread(text: str, repeated: dict[str, int], written: int) -> None:
    assert found(text) == Occurrences(repeated, written)


def test_fragments_that_multiply_take_one_look_each() -> None:
    chain = " ".join(f"fragment F{each} on T {{ ...F{each + 1} ...F{each + 1} }}" for each in range(100))
    assert found(f"{{ ...F0 }} {chain} fragment F100 on T {{ a(b: $x) }}").repeated == {"x": 2**100}


def test_the_fragments_of_an_operation_are_those_that_it_spreads() -> None:
    text = "{ a { ...F } } query Q { ...H } fragment F on T { ...G } fragment G on T { g } fragment H on T { h }"
    document = parse(text)
    operation: Any = document.definitions[0]
    assert sorted(each.name.value for each in spread(document, operation)) == ["F", "G"]

"""What the main queries and the parts of a page are priced at, as docs/limits.md has it."""

import re
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, parse

from engine.cost import Pricing
from schema.building import executable

DOCS = Path(__file__).resolve().parents[3] / "docs"
PRICING = Pricing(executable(), page_size=25)
PUBLISHED = re.findall(r"\| \[(q\d[\w-]+)\]\(.*?\) \| ([\d,]+) \|", (DOCS / "limits.md").read_text())


def price(text: str) -> int:
    document = parse(text)
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    return PRICING.price(document, operation)({})


@pytest.mark.parametrize(("query", "points"), PUBLISHED)
def test_the_main_queries_have_the_prices_that_are_published(query: str, points: str) -> None:
    assert f"{price((DOCS / 'queries' / f'{query}.graphql').read_text()):,}" == points


def test_all_main_queries_have_a_published_price() -> None:
    assert {name for name, _ in PUBLISHED} == {file.stem for file in (DOCS / "queries").glob("q*.graphql")}


@pytest.mark.parametrize(
    ("asked", "points"),
    [
        ("__typename", 11),
        ("edges { node { id } }", 21),
        ("edges { cursor }", 21),
        ("edges { cursor node { id } }", 31),
        ("pageInfo { endCursor }", 11),
        ("totalCount", 16),
    ],
)
def test_of_a_page_its_rows_its_objects_its_cursors_and_its_count_are_paid_for(asked: str, points: int) -> None:
    assert price(f"{{ contacts(first: 10) {{ {asked} }} }}") == points


def test_a_journeys_subject_costs_what_it_takes_to_read_the_entries_that_it_is_looked_for_in() -> None:
    assert price("{ journeys(first: 10) { edges { node { state } } } }") == 21
    assert price("{ journeys(first: 10) { edges { node { subject } } } }") == 121

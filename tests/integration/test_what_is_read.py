"""Sources are asked for what a question needs and for nothing else, and no answer is the worse for it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from graphql import GraphQLObjectType, get_named_type, is_leaf_type, is_union_type
from msgspec.structs import replace as narrowed

from resolvers.context import Context
from schema.building import executable
from sources.paging import PageRequest
from sources.records import Record
from sources.scope import EVERYTHING, Scope
from sources.sql.collection import SqlCollection
from support.back_ends import Urls
from support.houses import AGENT, Asking, opened

SCHEMA = executable()
PLACES = {
    "Citizen": [
        "{ contacts(first: 40) { edges { node { citizen { %s } } } } }",
        "{ reports(first: 40) { edges { node { citizen { %s } } } } }",
        "{ journeys(first: 20) { edges { node { citizen { %s } } } } }",
    ],
    "Contact": [
        "{ contacts(first: 40) { edges { node { %s } } } }",
        "{ journeys(first: 20) { edges { node { contacts(first: 3) { edges { node { %s } } } } } } }",
        "{ journeys(first: 9) { edges { node { timeline(first: 3) { edges { node { ...on Contact { %s } } } } } } } }",
    ],
    "Report": [
        "{ reports(first: 40) { edges { node { %s } } } }",
        "{ journeys(first: 20) { edges { node { reports(first: 3) { edges { node { %s } } } } } } }",
        "{ reports(first: 20) { edges { node { statusHistory { report { %s } } } } } }",
    ],
    "Journey": [
        "{ journeys(first: 40) { edges { node { %s } } } }",
        "{ contacts(first: 40) { edges { node { journey { %s } } } } }",
    ],
    "StatusChange": [
        "{ reports(first: 40) { edges { node { statusHistory { %s } } } } }",
        "{ journeys(first: 9) { edges { node { timeline { edges { node { ... on StatusChange { %s } } } } } } } }",
    ],
}


@pytest_asyncio.fixture
async def ask(urls: Urls) -> AsyncIterator[Asking]:
    plenty = 10**6
    async with opened(urls, cost={"max_operation": plenty, "burst": plenty, "address_burst": plenty}) as asking:
        yield asking


def selected(name: str, type_: Any, depth: int = 0) -> str:
    """A field, with what makes it whole: leaves, two levels down."""
    named: Any = get_named_type(type_)
    if is_leaf_type(named):
        return name
    if is_union_type(named):
        return f"{name} {{ __typename }}"
    inside: dict[str, Any] = named.fields
    below = [
        selected(each, field.type, depth + 1)
        for each, field in inside.items()
        if is_leaf_type(get_named_type(field.type)) or (depth < 2 and each in ("edges", "node", "channel"))
    ]
    return f"{name} {{ {' '.join(below)} }}"


def fields_of(type_name: str) -> Sequence[str]:
    type_ = SCHEMA.get_type(type_name)
    assert isinstance(type_, GraphQLObjectType)
    return [selected(name, field.type) for name, field in type_.fields.items()]


QUESTIONS = [(place, field) for name, places in PLACES.items() for field in fields_of(name) for place in places]


async def by_graphql_core(ask: Asking, query: str) -> Any:
    """The same question, of graphql-core, which has no plan and reads all."""
    context = Context(services=ask.house.services, viewer=AGENT)
    prepared = replace(ask.house.executor.prepare(query), plan=None)
    return await ask.house.executor.execute(prepared, {}, context)


async def test_a_field_alone_is_answered_as_if_all_were_read(ask: Asking) -> None:
    for place, field in QUESTIONS:
        query = place % field
        answer, expected = await ask(query), await by_graphql_core(ask, query)
        assert answer["data"] == expected["data"], query
        assert _codes(answer) == _codes(expected), query


async def test_every_field_has_a_value_somewhere(ask: Asking) -> None:
    """Else the test above would compare nothing with nothing."""
    for type_name, places in PLACES.items():
        for field in fields_of(type_name):
            name = field.split()[0]
            answers = [await ask(place % field) for place in places]
            values = [value for answer in answers for value in _values(answer["data"], name)]
            # Of a thousand people a few have died; none of them is among these.
            assert name == "deceasedOn" or any(value is not None for value in values), f"{type_name}.{name}"


def collections(ask: Asking) -> dict[str, SqlCollection[Any, Any]]:
    sources: Any = ask.house.services.sources
    return {
        "Citizen": sources.citizens,
        "Contact": sources.contacts,
        "Report": sources.reports,
        "Journey": sources.journeys,
        "StatusChange": sources.status_changes,
    }


@pytest.mark.parametrize("name", ["Citizen", "Contact", "Report", "Journey", "StatusChange"])
async def test_what_is_not_asked_for_is_not_read(ask: Asking, name: str) -> None:
    collection = collections(ask)[name]
    parts: Any = collection.parts
    every = await records(collection, EVERYTHING)
    nothing = await records(collection, narrowed(EVERYTHING, reads=frozenset()))
    for attribute in (part.removeprefix(f"{name}.") for part in parts):
        only = await records(collection, narrowed(EVERYTHING, reads=frozenset([f"{name}.{attribute}"])))
        assert [getattr(each, attribute) for each in only] == [getattr(each, attribute) for each in every]
        if attribute not in ("full_name", "status_label", "label"):  # which say what is left
            assert not any(getattr(each, attribute) for each in nothing), attribute
    key = every[0].key_field
    assert [getattr(each, key) for each in nothing] == [getattr(each, key) for each in every]


async def records(collection: SqlCollection[Any, Any], scope: Scope) -> Sequence[Record]:
    page = await collection.page(PageRequest(60), scope)
    assert not page.malformed
    return page.rows


def _codes(answer: Any) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


def _values(data: Any, name: str) -> list[Any]:
    """The values of a field, wherever it stands."""
    if isinstance(data, list):
        return [value for each in data for value in _values(each, name)]
    if isinstance(data, dict):
        below = [value for each in data.values() for value in _values(each, name)]
        return [data[name], *below] if name in data else below
    return []

"""A price is never less than what comes of it: no document gets more objects than it is priced for."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLError, OperationDefinitionNode, parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cost import VALUES_A_POINT, Pricing
from schema.building import executable
from support.askers import ASKERS
from support.documents import Document, documents
from support.in_process import Served, served
from support.small_world import build
from support.values import values_in

SCHEMA = executable()
PRICING = Pricing(SCHEMA, page_size=25)

Asking = tuple[asyncio.Runner, Served, st.SearchStrategy[Document]]


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    directory = tmp_path_factory.mktemp("prices")
    with asyncio.Runner() as runner:
        serving = served(runner.run(build(directory / "world")), directory / "key")
        world = runner.run(serving.__aenter__())
        yield runner, world, documents(SCHEMA, runner.run(values_in(world)))
        runner.run(serving.__aexit__(None, None, None))


@given(data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_answer_holds_more_than_it_is_priced_for(asking: Asking, data: st.DataObject) -> None:
    runner, world, any_document = asking
    document = data.draw(any_document)
    price = _price(document)
    if price is None or document.over_socket:
        return
    answer = runner.run(world.answer(ASKERS["supervisor"], document.text, document.variables))
    objects, values = _size(answer.get("data"))
    assert objects <= price
    assert values <= VALUES_A_POINT * (price + objects) + VALUES_A_POINT


def _price(document: Document) -> int | None:
    """The price of a document with one operation that can be executed."""
    try:
        parsed = parse(document.text)
    except GraphQLError:
        return None
    operations = [each for each in parsed.definitions if isinstance(each, OperationDefinitionNode)]
    if validate(SCHEMA, parsed) or len(operations) != 1:
        return None
    return PRICING.price(parsed, operations[0])(document.variables)


def _size(data: Any) -> tuple[int, int]:
    """How many objects of an answer have a price, and how many values it holds. Edges and `pageInfo` have none."""
    objects = values = 0
    waiting: list[dict[str, Any]] = [data] if data else []
    while waiting:
        for key, each in waiting.pop().items():
            for item in each if isinstance(each, list) else [each]:
                if isinstance(item, dict):
                    waiting.append(item)
                    objects += key not in ("edges", "pageInfo")
                else:
                    values += 1
    return objects, values

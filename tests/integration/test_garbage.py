"""An answer that was given leaves nothing behind for the garbage collector: collecting holds up the event loop."""

import asyncio
import gc

import pytest

from resolvers.context import Context
from sources.demo.people import bsns
from sources.records import Record
from support.houses import Asking, citizen, document

FIRST = next(bsns(1))
PORTAL, SCREEN, THIN = (document(name) for name in ("q1-citizen-portal", "q2-agents-screen", "q3-thin-channel"))


@pytest.mark.usefixtures("without_collector")
async def test_records_go_with_the_context_that_fetched_them(ask: Asking) -> None:
    listed = await ask.data("{ reports(first: 1) { edges { node { number } } } }")
    number = listed["reports"]["edges"][0]["node"]["number"]
    before = living()
    await ask.data(PORTAL, citizen(FIRST))
    await ask.data(SCREEN, channel="APP")
    await ask.data(THIN, number=number)
    await asyncio.sleep(0)  # the loop's present callback holds what the last fetch came to
    assert living() == before


def living() -> int:
    return sum(isinstance(each, Context | Record) for each in gc.get_objects())

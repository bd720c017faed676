"""An answer that was given leaves nothing behind for the garbage collector: collecting holds up the event loop."""

import asyncio
import gc
from pathlib import Path

import pytest

from engine.responses import RequestRefused
from omniloket.request_forms import RequestRejected
from resolvers.context import Context
from sources.demo.people import bsns
from sources.records import Record
from support.askers import ASKERS
from support.houses import Asking, citizen, document
from support.in_process import served
from support.small_world import build

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


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize(
    ("query", "status"),
    [("x" * 2_000_000, 413), ("{" * 100, 400), ("{", 400), ("{ nothing }", 400), ("query A {a}" * 2, 400)],
)
async def test_refusals_go_with_what_has_come_of_the_request(tmp_path: Path, query: str, status: int) -> None:
    async with served(await build(tmp_path / "world"), tmp_path / "key") as world:
        for _ in range(2):
            answer = await world.ask(ASKERS["supervisor"], query, {})
            assert int(answer[:3]) in (200, status)
        await asyncio.sleep(0)
        assert [each for each in gc.get_objects() if isinstance(each, RequestRejected | RequestRefused)] == []


def living() -> int:
    return sum(isinstance(each, Context | Record) for each in gc.get_objects())

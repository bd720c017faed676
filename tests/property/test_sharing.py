"""Whoever may share a stream would get the same alone: byte for byte, whatever is asked and whatever else they are."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import schema.rules
from engine.executor import Executor
from omniloket import logs
from resolvers.context import Viewer
from schema.access import common
from schema.building import executable
from schema.rules import claims_read
from sources.records import Role
from support.askers import ASKERS, Asker
from support.documents import Document, documents
from support.in_process import Served, served
from support.small_world import build
from support.values import values_in

SCHEMA = executable()
EXECUTOR = Executor(SCHEMA, encode_error=lambda error: (str(error), {}))
SOME = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
UNITS = st.sampled_from(["PL1700", "PL1800", None])
ANYBODY = st.builds(
    replace,
    st.sampled_from(list(ASKERS.values())),
    unit=UNITS,
    clearance=st.booleans(),
    purpose=st.sampled_from(["intake", None]),
    actor=st.none(),
)


@dataclass
class World:
    served: Served
    runner: asyncio.Runner
    subscriptions: st.SearchStrategy[Document]

    def answer(self, asker: Asker, document: Document) -> bytes:
        return self.runner.run(self.served.follow(asker, document.text, document.variables))

    def key(self, asker: Asker, document: Document) -> Viewer:
        """What the asker has in common with those who may share the stream."""
        viewer = Viewer(
            Role[asker.role],
            str(asker.person),
            asker.unit,
            self.served.world.bsn_of(asker),
            asker.clearance,
            asker.purpose if asker.role in ("AGENT", "SUPERVISOR") else None,
        )
        return common(viewer, claims_read(EXECUTOR.prepare(document.text).plan, SCHEMA))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    logs.configure("warning")
    directory: Path = tmp_path_factory.mktemp("sharing")
    with asyncio.Runner() as runner:
        closing = AsyncExitStack()
        made = runner.run(build(directory / "world"))
        opened: Any = runner.run(closing.enter_async_context(served(made, directory / "key")))
        found = documents(SCHEMA, runner.run(values_in(opened)))
        yield World(opened, runner, found.filter(lambda each: each.text.startswith("subscription")))
        runner.run(closing.aclose())


def compare(world: World, seen: Counter[str]) -> None:
    """Asks subscriptions for two viewers apart, and compares the answers of those who may share."""

    @given(data=st.data())
    @SOME
    def ask(data: st.DataObject) -> None:
        document = data.draw(world.subscriptions)
        one = data.draw(ANYBODY)
        other = replace(one, unit=data.draw(UNITS), actor="portal" if one.role == "CITIZEN" else None)
        if world.key(one, document) != world.key(other, document):
            seen["apart"] += 1
            return
        answers = [world.answer(each, document) for each in (one, other)]
        assert answers[0] == answers[1]
        seen["with events"] += b'"type":"next"' in answers[0]
        seen["of other units"] += one.unit != other.unit

    ask()


def test_viewers_who_may_share_get_the_same_apart(world: World) -> None:
    seen = Counter[str]()
    compare(world, seen)
    assert seen["with events"] > 15
    assert seen["of other units"] > 50
    assert seen["apart"] > 5


def test_a_claim_that_is_forgotten_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema.rules, "claims_of", lambda _declared: ())
    with pytest.raises(AssertionError):
        compare(world, Counter())


@given(one=ANYBODY, other=ANYBODY, data=st.data())
@settings(suppress_health_check=list(HealthCheck), deadline=None)
def test_viewers_of_other_rows_never_share(world: World, one: Asker, other: Asker, data: st.DataObject) -> None:
    document = data.draw(world.subscriptions)
    if (one.role, one.person, one.clearance) != (other.role, other.person, other.clearance):
        assert world.key(one, document) != world.key(other, document)

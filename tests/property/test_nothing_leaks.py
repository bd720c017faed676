"""No document shows anything that its viewer may not see: not in data, errors, headers, ids, cursors or totals.

Two ways to find out. Every personal value is a marker, and no answer holds one of those that the viewer may not see.
And the answer is the same, byte for byte, from a world that differs only in what the viewer may not see: in which all
of it says something else, or does not exist.

`make access-test` asks more documents than CI does.
"""

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from graphql import (
    FieldNode,
    Node,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    is_introspection_type,
    is_object_type,
    parse,
    visit,
)
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from omniloket import logs
from resolvers.context import Viewer
from schema.access import HOLDS, Sight
from schema.building import executable
from sources.scope import EVERYTHING, Scope
from sources.sql.collection import SqlCollection
from support.askers import ASKERS, Asker
from support.documents import MEASURED, Document, documents
from support.in_process import Served, served
from support.small_world import build
from support.twins import Hidden, changed, decoded, hidden_from, removed
from support.values import values_in

DOCUMENTS = int(os.environ.get("OMNILOKET_TEST_ACCESS_DOCUMENTS", "3000"))
"""How many documents are asked, of all viewers together."""

SCHEMA = executable()
OFTEN = settings(max_examples=-(-DOCUMENTS // len(ASKERS)), deadline=None, suppress_health_check=list(HealthCheck))
ONCE = settings(OFTEN, max_examples=300, phases=[Phase.generate], derandomize=True, report_multiple_bugs=False)
"""The same documents every time."""
PAGE = "fragment Page on {}Connection {{ pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }}"
_MAYBE_BASE64 = re.compile(r"[\w-]{8,}", re.ASCII)


class Worlds:
    """A world, and for each viewer two that look the same to them: "changed" and "removed"."""

    def __init__(self, runner: asyncio.Runner, directory: Path) -> None:
        self._runner = runner
        self._directory = directory
        self._closing = AsyncExitStack()
        self._twins: dict[Hidden, dict[str, Served]] = {}
        self.first = self._open(build(directory / "first"))
        self.hidden = {asker: hidden_from(asker, self.first.world) for asker in ASKERS.values()}
        values = runner.run(values_in(self.first))
        self.documents = {
            asker: documents(SCHEMA, values.leaning_to(partial(says_any_of, hidden.markers)))
            for asker, hidden in self.hidden.items()
        }

    def twins(self, asker: Asker) -> dict[str, Served]:
        hidden = self.hidden[asker]
        if hidden not in self._twins:
            place = self._directory / str(len(self._twins))
            self._twins[hidden] = {
                make.__name__: self._open(make(self.first.world, hidden, place / make.__name__))
                for make in (changed, removed)
            }
        return self._twins[hidden]

    def answer(self, world: Served, asker: Asker, document: Document, *beside: Asker) -> bytes:
        """The answer that one viewer gets, while others ask the same."""

        async def answers() -> list[bytes]:
            ask = world.follow if document.over_socket else world.ask
            asked = (ask(each, document.text, document.variables) for each in (*beside, asker))
            return await asyncio.gather(*asked)

        return self._runner.run(answers())[-1]

    def close(self) -> None:
        self._runner.run(self._closing.aclose())

    def _open(self, building: Any) -> Served:
        world = self._runner.run(building)
        return self._runner.run(self._closing.enter_async_context(served(world, self._directory / "key")))


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    logs.configure("warning")
    with asyncio.Runner() as runner:
        made = Worlds(runner, tmp_path_factory.mktemp("worlds"))
        yield made
        made.close()


@pytest.mark.parametrize("asker", ASKERS.values(), ids=ASKERS)
@given(data=st.data())
@OFTEN
def test_no_document_shows_what_its_viewer_may_not_see(worlds: Worlds, asker: Asker, data: st.DataObject) -> None:
    for trait in look(worlds, asker, data):
        event(trait)


@pytest.mark.parametrize("name", ["anna", "agent"])
def test_many_documents_reach_data_and_some_ask_for_what_is_hidden(worlds: Worlds, name: str) -> None:
    asker, seen = ASKERS[name], Counter[str]()

    @given(document=worlds.documents[asker])
    @settings(ONCE, max_examples=150)
    def count_traits(document: Document) -> None:
        seen.update(traits(document, worlds.answer(worlds.first, asker, document), worlds.hidden[asker]))

    count_traits()
    assert seen["with data"] + seen["with events"] > 0.4 * seen["asked"]
    assert seen["with events"] > 0.03 * seen["asked"]
    assert seen["about something hidden"] > 0.03 * seen["asked"]


def test_the_documents_ask_for_every_field_with_every_argument(worlds: Worlds) -> None:
    asked: set[str] = set()

    @given(document=worlds.documents[ASKERS["anna"]])
    @settings(ONCE, max_examples=1000)
    def collect(document: Document) -> None:
        asked.update(asked_by(document))

    collect()
    assert asked >= everything_to_ask() - {f"{type_}.{name}" for type_, name in MEASURED}


def asked_by(document: Document) -> set[str]:
    """The fields and arguments in a document, as `Type.field` and `Type.field.argument`."""
    info = TypeInfo(SCHEMA)
    found: set[str] = set()

    class Collector(Visitor):
        def enter(self, node: Node, *_: object) -> None:
            parent: Any = info.get_parent_type()
            if isinstance(node, FieldNode) and info.get_field_def() is not None:
                place = f"{parent.name}.{node.name.value}"
                found.update([place, *(f"{place}.{argument.name.value}" for argument in node.arguments or ())])

    visit(parse(document.text), TypeInfoVisitor(info, Collector()))
    return found


def everything_to_ask() -> set[str]:
    types = [each for each in SCHEMA.type_map.values() if is_object_type(each) and not is_introspection_type(each)]
    fields = [(f"{each.name}.{name}", field) for each in types for name, field in each.fields.items()]
    return {place for place, _ in fields} | {f"{place}.{name}" for place, field in fields for name in field.args}


@pytest.mark.parametrize("name", ["anna", "bram", "agent", "agent with clearance"])
@pytest.mark.parametrize(
    "text",
    [
        "{ journeys { edges { node { subject } } } }",
        "{ contacts { edges { node { reports(first: 1) { edges { cursor } ...Page } } } } }" + PAGE.format("Report"),
        "{ journeys { edges { node { reports(last: 1) { edges { cursor } ...Page } } } } }" + PAGE.format("Report"),
        "{ journeys { edges { node { contacts(first: 1) { edges { cursor } ...Page } } } } }" + PAGE.format("Contact"),
        "{ journeys { edges { node { timeline(first: 2) { edges { cursor } ...Page } } } } }" + PAGE.format("Timeline"),
    ],
)
def test_what_leaked_once_does_not_leak_again(worlds: Worlds, name: str, text: str) -> None:
    asker, document = ASKERS[name], Document(text, {}, over_socket=False)
    answer = worlds.answer(worlds.first, asker, document)
    assert leaks(answer, worlds.hidden[asker]) == []
    for twin in worlds.twins(asker).values():
        assert difference(ordered(answer), ordered(worlds.answer(twin, asker, document))) is None


def everything_is_in_scope(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Viewer, "scope", property(lambda _: EVERYTHING))


def totals_count_everything(patch: pytest.MonkeyPatch) -> None:
    async def count(self: Any, _scope: Scope, filter: Any = None) -> int:
        return await counting(self, EVERYTHING, filter)

    counting: Any = SqlCollection.count
    patch.setattr(SqlCollection, "count", count)


def notes_are_for_every_unit(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(cast("dict[Sight, Any]", HOLDS), Sight.OWN_UNIT, lambda *_: True)


@pytest.mark.parametrize(
    ("name", "leak"),
    [("anna", everything_is_in_scope), ("anna", totals_count_everything), ("agent", notes_are_for_every_unit)],
)
def test_a_leak_is_found(worlds: Worlds, monkeypatch: pytest.MonkeyPatch, name: str, leak: Any) -> None:
    leak(monkeypatch)

    @given(data=st.data())
    @ONCE
    def look_once(data: st.DataObject) -> None:
        look(worlds, ASKERS[name], data)

    with pytest.raises(AssertionError):
        look_once()


def look(worlds: Worlds, asker: Asker, data: st.DataObject) -> set[str]:
    """Asks one document of a world and of a twin of it. What the answer was like.

    Now and then somebody who sees everything asks the same of the world, but not of the twin, at the same time.
    """
    hidden, twins = worlds.hidden[asker], worlds.twins(asker)
    document = data.draw(worlds.documents[asker])
    twin = twins[data.draw(st.sampled_from(sorted(twins)))]
    beside = [ASKERS["supervisor"]] if data.draw(st.integers(0, 4)) == 4 else []
    answer = worlds.answer(worlds.first, asker, document, *beside)
    assert leaks(answer, hidden) == []
    assert difference(ordered(answer), ordered(worlds.answer(twin, asker, document))) is None
    return traits(document, answer, hidden)


def says_any_of(markers: AbstractSet[str], text: str) -> bool:
    """Whether a text has one of the markers, plainly or behind base64url."""
    said = f"{text}\n{decoded(text)}"
    return any(marker in said for marker in markers)


def leaks(answer: bytes, hidden: Hidden) -> list[str]:
    """The hidden markers in an answer, also in what its ids and cursors say."""
    text = answer.decode()
    searched = "\n".join([text, *map(decoded, _MAYBE_BASE64.findall(text))])
    return [marker for marker in hidden.markers if marker in searched]


def ordered(answer: bytes) -> bytes:
    """An answer with its errors in the order of their paths: they are in the order in which the sources answered."""
    head, separator, body = answer.rpartition(b"\n\n")
    return head + separator + b"\n".join(json.dumps(_ordered(json.loads(each))).encode() for each in body.split(b"\n"))


def _ordered(message: Any) -> Any:
    for part in (message, message.get("payload")):
        if isinstance(part, dict) and "errors" in part:
            part["errors"].sort(key=json.dumps)
    return message


def difference(first: bytes, second: bytes) -> tuple[bytes, bytes] | None:
    """Both answers, from a little before they part; None where they do not. Heads last: lengths tell little."""
    if first == second:
        return None
    parts = [each.rpartition(b"\n\n")[::-2] for each in (first, second)]
    (one, other), heads = zip(*parts, strict=True)
    if one == other:
        return heads
    parting = next(place for place in count() if one[place : place + 1] != other[place : place + 1])
    here = slice(max(parting - 200, 0), parting + 100)
    return one[here], other[here]


def traits(document: Document, answer: bytes, hidden: Hidden) -> set[str]:
    """What is counted of an answer."""
    messages = [json.loads(each) for each in answer.rpartition(b"\n\n")[2].split(b"\n")]
    payloads = [each.get("payload", each) for each in messages]
    found = {"asked"}
    if leaks(f"{document.text} {json.dumps(document.variables)}".encode(), hidden):
        found.add("about something hidden")
    if any(_has_values(each.get("data")) for each in payloads if isinstance(each, dict)):
        found.add("with events" if document.text.startswith("subscription") else "with data")
    codes = re.findall(rb'"extensions":{"code":"(\w+)"', answer)
    return found | {f"code {code.decode()}" for code in codes}


def _has_values(data: Any) -> bool:
    """Whether there is anything besides nulls and empty lists."""
    if isinstance(data, dict):
        return any(_has_values(each) for name, each in data.items() if name != "__typename")
    return any(map(_has_values, data)) if isinstance(data, list) else data is not None

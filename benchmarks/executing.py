"""What executing costs by itself, with all data in memory: the engine, graphql-core, and the same written by hand.

    .venv/bin/python benchmarks/executing.py

Each is measured in a process of its own. See docs/engine.md for how to read it.
"""

import argparse
import asyncio
import gc
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from typing import Any, cast

import orjson
import strawberry
from graphql import OperationDefinitionNode, parse
from graphql import execute as core_execute
from graphql.execution.values import VariableValues
from msgspec import Struct

from engine.batching import RequestState, batched
from engine.breadth_first import execute
from engine.compiling import Compiler

NO_VARIABLES = VariableValues({}, {})


class Item(Struct, frozen=True):
    number: int
    name: str
    text: str
    note: str | None
    inside: Sequence[Any] = ()
    one: Any = None
    other: Any = None


class Edge(Struct, frozen=True):
    node: Any


class Page(Struct, frozen=True):
    edges: Sequence[Edge]


async def inside(parents: Sequence[Item], _context: Any) -> Sequence[Any]:
    return [parent.inside for parent in parents]


async def page_of_inside(parents: Sequence[Item], _context: Any) -> Sequence[Any]:
    return [Page([Edge(each) for each in parent.inside]) for parent in parents]


async def one(parents: Sequence[Item], _context: Any) -> Sequence[Any]:
    return [parent.one for parent in parents]


async def shelves(roots: Sequence[None], _context: Any) -> Sequence[Any]:
    return [SHELVES] * len(roots)


async def contacts(roots: Sequence[None], _context: Any) -> Sequence[Any]:
    return [Page([Edge(each) for each in CONTACTS])] * len(roots)


@strawberry.type(name="Item")
class ItemType:
    number: int
    name: str
    text: str
    note: str | None
    other: "ItemType | None"
    inside: list["ItemType"] = batched(inside, description="")
    page: "PageType" = batched(page_of_inside, description="")
    one: "ItemType | None" = batched(one, description="")


@strawberry.type(name="Edge")
class EdgeType:
    node: ItemType


@strawberry.type(name="Page")
class PageType:
    edges: list[EdgeType]


@strawberry.type
class Query:
    shelves: list[ItemType] = batched(shelves, description="")
    contacts: PageType = batched(contacts, description="")


def _item(number: int, inside: Sequence[Item] = (), *, one: Item | None = None, other: Item | None = None) -> Item:
    return Item(number, f"name {number}", "a text", None, inside, one, other)


SHELVES = [_item(shelf, [_item(box, [_item(n) for n in range(4)]) for box in range(100)]) for shelf in range(100)]
"""100 shelves, 10,000 boxes, 40,000 things."""

CONTACTS = [
    _item(
        contact,
        other=_item(1),
        one=_item(contact, [_item(n, other=_item(n)) for n in range(5)], one=_item(contact, [_item(1)] * 3)),
    )
    for contact in range(50)
]
"""Like an agent's screen: 1,450 values."""

NESTED = "{ shelves { number name text note inside { number name text note inside { number name text note } } } }"
SCREEN = """{ contacts { edges { node {
    number name text other { name }
    one { number name page { edges { node { number name other { name } } } }
          one { number name page { edges { node { number name } } } } }
} } } }"""


def nested_by_hand() -> Any:
    def boxes(shelf: Item) -> Sequence[Any]:
        return [_by_hand(box, [_by_hand(thing) for thing in box.inside]) for box in shelf.inside]

    return {"shelves": [_by_hand(shelf, boxes(shelf)) for shelf in SHELVES]}


def _by_hand(item: Item, inside: Sequence[Any] | None = None) -> dict[str, Any]:
    found = {"number": item.number, "name": item.name, "text": item.text, "note": item.note}
    return found if inside is None else {**found, "inside": inside}


def screen_by_hand() -> Any:
    return {"contacts": {"edges": [{"node": _contact_by_hand(each)} for each in CONTACTS]}}


def _contact_by_hand(contact: Item) -> dict[str, Any]:
    journey = contact.one
    entries = [{"node": {"number": n.number, "name": n.name, "other": {"name": n.other.name}}} for n in journey.inside]
    reports = [{"node": {"number": n.number, "name": n.name}} for n in journey.one.inside]
    return {
        "number": contact.number,
        "name": contact.name,
        "text": contact.text,
        "other": {"name": contact.other.name},
        "one": {
            "number": journey.number,
            "name": journey.name,
            "page": {"edges": entries},
            "one": {"number": journey.one.number, "name": journey.one.name, "page": {"edges": reports}},
        },
    }


QUESTIONS = {"50,100 objects": (NESTED, nested_by_hand), "agent's screen": (SCREEN, screen_by_hand)}
WAYS = ("graphql-core", "engine", "by hand")


def answering(question: str, way: str) -> Callable[[], Awaitable[bytes]]:
    """The question answered in one of the ways, as JSON."""
    text, by_hand = QUESTIONS[question]
    schema: Any = cast("Any", strawberry.Schema(Query))._schema
    document = parse(text)
    plan = Compiler(schema).plan(document, cast("OperationDefinitionNode", document.definitions[0]))

    async def core() -> Any:
        result: Any = core_execute(schema, document, context_value=RequestState())
        return (await result if isawaitable(result) else result).data

    async def engine() -> Any:
        return (await execute(plan, NO_VARIABLES, RequestState())).data

    async def hand() -> Any:
        return by_hand()

    answer = {"graphql-core": core, "engine": engine, "by hand": hand}[way]

    async def written() -> bytes:
        return orjson.dumps({"data": await answer()})

    return written


async def measure(question: str, way: str, rounds: int) -> dict[str, float]:
    """Peak memory of the first answer above what was there before; CPU of one answer, the median of the rounds."""
    answer = answering(question, way)
    gc.collect()
    gc.freeze()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = len(await answer())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    count = 1 if size > 100_000 else 50
    taken = []
    for _ in range(rounds):
        started = time.process_time()
        for _ in range(count):
            await answer()
        taken.append((time.process_time() - started) / count)
    return {"cpu_ms": statistics.median(taken) * 1000, "peak_mib": peak / 1024, "bytes": size}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs=2, metavar=("QUESTION", "WAY"), help="in this process, as JSON")
    wanted = parser.parse_args()
    if wanted.only:
        print(orjson.dumps(asyncio.run(measure(*wanted.only, wanted.rounds))).decode())
        return
    print(f"{'':<16}{'':<14}{'CPU ms':>10}{'times':>8}{'peak MiB':>10}{'times':>8}")
    for question in QUESTIONS:
        found = {way: _in_a_process(question, way, wanted.rounds) for way in WAYS}
        assert len({each["bytes"] for each in found.values()}) == 1
        core = found["graphql-core"]
        for way, each in found.items():
            cpu, memory = core["cpu_ms"] / each["cpu_ms"], core["peak_mib"] / (each["peak_mib"] or float("nan"))
            print(f"{question:<16}{way:<14}{each['cpu_ms']:>10.3f}{cpu:>8.1f}{each['peak_mib']:>10.1f}{memory:>8.1f}")


def _in_a_process(question: str, way: str, rounds: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--rounds", str(rounds), "--only", question, way]
    return orjson.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


if __name__ == "__main__":
    main()

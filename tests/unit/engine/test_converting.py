"""Arguments become what Strawberry makes of them, whatever their types."""

from dataclasses import field
from enum import Enum
from typing import Annotated, Any, cast

import pytest
import strawberry
from strawberry import relay
from strawberry.types.arguments import convert_arguments

from engine.converting import Conversions
from engine.runtime_types import DEFINITION


@strawberry.enum
class Colour(Enum):
    RED = "r"


@strawberry.input
class Box:
    width: int
    colour: Colour | None = strawberry.UNSET
    label: str | None
    tags: list[str] = field(default_factory=lambda: ["new"])
    inside: list["Box | None"] | None = None
    parent_box: Annotated["Box", strawberry.lazy(__name__)] | None = None
    weight: strawberry.Maybe[int]


@strawberry.type
class Query:
    @strawberry.field
    def ask(
        self,
        box: Box | None,
        boxes: list[list[Box]],
        colours: list[Colour],
        numbers: list[int | None],
        global_id: relay.GlobalID,
        long_name: strawberry.Maybe[str | None],
    ) -> str: ...


SCHEMA = strawberry.Schema(Query)
BOX = {"width": 1}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"box": None, "longName": None},
        {"box": BOX, "boxes": [[BOX, BOX], []]},
        {"box": {**BOX, "colour": Colour.RED, "label": "x", "tags": [], "weight": 3}},
        {"box": {**BOX, "inside": [BOX, None, {**BOX, "inside": [BOX]}], "parentBox": BOX}},
        {"colours": [Colour.RED], "numbers": [1, None], "longName": "y"},
        {"globalId": relay.to_base64("Box", 1)},
    ],
)
def test_arguments_become_what_strawberry_makes_of_them(given: dict[str, Any]) -> None:
    schema = SCHEMA._schema
    arguments = cast("Any", schema.query_type).fields["ask"].extensions[DEFINITION].arguments
    converter = SCHEMA.schema_converter
    theirs = convert_arguments(given, arguments, converter.scalar_registry, converter.config)
    assert Conversions(schema).of_arguments(arguments).given(given) == theirs


def test_a_list_is_never_the_one_that_was_given() -> None:
    numbers = [1]
    arguments = cast("Any", SCHEMA._schema.query_type).fields["ask"].extensions[DEFINITION].arguments
    given = Conversions(SCHEMA._schema).of_arguments(arguments).given({"numbers": numbers})
    assert given == {"numbers": [1]}
    assert given["numbers"] is not numbers

"""Each argument says which fields it searches by, so that hiding a field closes that way to it as well."""

from dataclasses import fields
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type

from engine.runtime_types import DEFINITION
from schema.building import executable
from schema.searching import searches_of

TYPES: Any = executable().type_map
INPUTS = [each for each in TYPES.values() if isinstance(each, GraphQLInputObjectType)]
NO_FILTERS = {"first", "after", "last", "before", "id", "ids", "representations"}
"""Arguments that pick by place or identity."""

OF_CONNECTIONS = {"Citizen.contacts(channel)", "Citizen.reports(status)", "Citizen.journeys(state)"}
"""Arguments that are no inputs, and say it beside their field; tests/integration/test_hidden_filters.py asks each."""


@pytest.mark.parametrize("input_type", INPUTS, ids=lambda each: each.name)
def test_each_field_of_an_input_says_what_it_searches_by(input_type: GraphQLInputObjectType) -> None:
    origin = input_type.extensions[DEFINITION].origin
    searches = searches_of(origin)
    assert set(searches) == {each.name for each in fields(origin)}
    for coordinate in (each for coordinates in searches.values() for each in coordinates):
        type_name, _, name = coordinate.partition(".")
        assert name in TYPES[type_name].fields, coordinate


def test_no_other_argument_searches_by_anything() -> None:
    found = {
        f"{type_.name}.{field_name}({name})"
        for type_ in TYPES.values()
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
        for field_name, field in type_.fields.items()
        for name, argument in field.args.items()
        if name not in NO_FILTERS and get_named_type(argument.type) not in INPUTS
    }
    assert found == OF_CONNECTIONS

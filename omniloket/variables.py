"""The environment variables that are settings: OMNILOKET_ and the name, a double underscore between its parts."""

import json
import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import get_args, get_origin

from pydantic import BaseModel

PREFIX = "OMNILOKET_"
DELIMITER = "__"
SETTINGS_FILE = "OMNILOKET_SETTINGS_FILE"
"""By which a parent process tells its workers which settings file to read."""

DEMO_POSTGRES = "OMNILOKET_DEMO_POSTGRES"
OWNERS_URL = "OMNILOKET_OWNERS_URL"
"""Options of commands whose addresses hold passwords."""

_NO_SETTINGS = frozenset(
    {
        DEMO_POSTGRES,
        OWNERS_URL,
        SETTINGS_FILE,
        "OMNILOKET_SCREENSHOT",
        "OMNILOKET_WHAT_CLIENTS_SAW",
    }
)
"""Names that are no settings. By the last two the docs get their pictures and tables."""

_OF_TESTS = "OMNILOKET_TEST_"


def given() -> Mapping[str, str]:
    """The variables that are set, by the setting that each is meant for."""
    return {name.removeprefix(PREFIX).lower().replace(DELIMITER, "."): variable for name, variable in _given()}


def unknown(settings: type[BaseModel]) -> Iterator[str]:
    """A sentence for each variable that is meant for a setting, and for none that there is."""
    for name, variable in _given():
        first, delimiter, _ = name.removeprefix(PREFIX).lower().partition(DELIMITER)
        field = settings.model_fields.get(first)
        if field is None or (delimiter and not takes_json(field.annotation)):
            near = get_close_matches(first, settings.model_fields, 1)
            told = f"; is {PREFIX}{near[0].upper()} meant?" if near and near[0] != first else ""
            yield f"{variable}: there is no such setting{told}"


def not_json(settings: type[BaseModel]) -> Iterator[str]:
    """A sentence for each variable that must be JSON, as a list or a table, and is not."""
    for name, variable in _given():
        kind: object = settings
        for part in name.removeprefix(PREFIX).lower().split(DELIMITER):
            fields = kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else {}
            kind = fields[part].annotation if part in fields else None
        if takes_json(kind) and not _is_json(os.environ[variable]):
            yield f'{variable}: must be JSON, as ["one", "another"] or {{"name": "value"}}'


def takes_json(kind: object) -> bool:
    """Whether a value of a type is written as JSON in a variable."""
    if get_origin(kind) in (dict, tuple) or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return True
    return any(map(takes_json, get_args(kind)))


def _given() -> Iterator[tuple[str, str]]:
    """Each name in capitals, as it is read, and as it was written."""
    for variable in os.environ:
        name = variable.upper()
        if name.startswith(PREFIX) and not name.startswith(_OF_TESTS) and name not in _NO_SETTINGS:
            yield name, variable


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True

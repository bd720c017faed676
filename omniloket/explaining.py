"""What is wrong with settings, in words for who writes them: a line for each, and no secret in any."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_SECRET = "(secret)"  # noqa: S105 - what is shown instead of one
_SECRET_PARTS = frozenset({"keys", "introspection"})

_SENTENCES = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "bytes_type": "must be base64, as a string",
    "dict_type": "must be a table of names and values",
    "enum": "must be {expected}",
    "extra_forbidden": "there is no such setting",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller whole number",
    "int_type": "must be a whole number",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "missing": "must be set",
    "model_attributes_type": "must be a table of settings",
    "model_type": "must be a table of settings",
    "path_type": "must be a path, as a string",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "string_too_short": "must be a string with a length of at least {min_length}",
    "string_type": "must be a string",
    "too_short": "must have at least {min_length} of them",
    "tuple_type": "must be a list",
    "value_error": "{error}",
}
"""By pydantic's names for errors. Another one keeps its own words."""


def explained(error: ValidationError, variables: Mapping[str, str], plain_of_sources: frozenset[str]) -> str:
    """A line for each wrong setting: its name, and the variable it is from; what is allowed, and what came.

    `variables` are those of the environment by setting; `plain_of_sources` the settings of a source without a secret.
    """
    return "\n".join(_line(each, variables, plain_of_sources) for each in error.errors(include_url=False))


def _line(error: ErrorDetails, variables: Mapping[str, str], plain_of_sources: frozenset[str]) -> str:
    location = [str(part) for part in error["loc"] if part != "[key]"]
    name = ".".join(location)
    variable = variables.get(name)
    where = name if variable is None else f"{name} ({variable})"
    known = _SENTENCES.get(error["type"])
    sentence = error["msg"] if known is None else known.format_map(error.get("ctx", {}))
    if error["type"] == "missing":
        return f"{where}: {sentence}; it is not set"
    return f"{where}: {sentence}; but got: {_shown(location, error['input'], plain_of_sources)}"


def _shown(location: Sequence[str], given: object, plain_of_sources: frozenset[str]) -> str:
    # A whole part may hold secrets, and so may what is misspelt beside one.
    is_secret = not _SECRET_PARTS.isdisjoint(location) or isinstance(given, dict | list)
    if location[0] == "sources" and location[-1] not in plain_of_sources and isinstance(given, str):
        return _address(given)
    return _SECRET if is_secret else repr(cast("Any", given))


def _address(given: str) -> str:
    """What may be shown of a source's address: behind its scheme there may be a password, and so in what is none."""
    scheme, mark, _ = given.partition("://")
    return f"an address that begins with '{scheme}://'" if mark and scheme.isascii() else _SECRET

"""What does not fit its type in the JSON of variables, told without repeating it.

graphql-core puts the value into each message, and the names in it as they are, which may be a quarter of a MiB long.
Clients never see the values (responses.py), and to take them out of such messages again takes 50 milliseconds.
"""

from collections.abc import Iterator
from typing import Any, cast

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    is_required_input_field,
)
from graphql.pyutils import Undefined

from engine import misfit_words

_LONGEST_NAME = 100

ValuePath = tuple[str | int, ...]
"""Where in a value: names of fields, and indices."""


def misfits(value: Any, type_: Any, path: ValuePath = ()) -> Iterator[tuple[str, ValuePath]]:
    """What is wrong with a value, and where; Undefined is one that was left out. Raises RecursionError."""
    if isinstance(type_, GraphQLNonNull):
        if value is Undefined:
            yield f"Expected a value of non-null type '{type_}' to be provided", path
        elif value is None:
            yield misfit_words.is_null(cast("Any", type_)), path
        else:
            yield from misfits(value, cast("Any", type_).of_type, path)
    elif value is None or value is Undefined:
        return
    elif isinstance(type_, GraphQLList):
        yield from _of_list(value, cast("Any", type_).of_type, path)
    elif isinstance(type_, GraphQLInputObjectType):
        yield from _of_object(value, type_, path)
    else:
        yield from ((message, path) for message in _of_leaf(value, type_))


def _of_list(value: Any, items: Any, path: ValuePath) -> Iterator[tuple[str, ValuePath]]:
    if not isinstance(value, list):
        yield from misfits(value, items, path)
        return
    for index, each in enumerate(cast("list[Any]", value)):
        yield from misfits(each, items, (*path, index))


def _of_object(value: Any, type_: GraphQLInputObjectType, path: ValuePath) -> Iterator[tuple[str, ValuePath]]:
    if not isinstance(value, dict):
        yield misfit_words.is_no_object(type_), path
        return
    given = cast("dict[str, Any]", value)
    for name, field in type_.fields.items():
        if name in given:
            yield from misfits(given[name], field.type, (*path, name))
        elif is_required_input_field(field):
            yield misfit_words.lacks_field(type_, name), path
    for name in given:
        if name not in type_.fields:
            yield misfit_words.has_unknown_field(type_, _shortened(name)), path
    if type_.is_one_of:
        yield from _of_one_of(given, type_, path)


def _of_one_of(
    given: dict[str, Any], type_: GraphQLInputObjectType, path: ValuePath
) -> Iterator[tuple[str, ValuePath]]:
    known = [name for name in given if name in type_.fields]
    if len(known) != 1:
        yield misfit_words.is_not_one_of(type_), path
    if known and given[known[0]] is None:
        yield misfit_words.is_not_one_of(type_), (*path, known[0])


def _of_leaf(value: Any, type_: Any) -> Iterator[str]:
    if isinstance(type_, GraphQLEnumType) and isinstance(value, str):
        if value not in type_.values:
            yield f"The value does not exist in '{type_}' enum"
        return
    try:
        is_wrong = type_.coerce_input_value(value) is Undefined
    except GraphQLError as error:
        yield error.message
        return
    except Exception:
        is_wrong = True
    if is_wrong:
        yield misfit_words.is_of_another_type(type_)


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"

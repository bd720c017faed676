"""The settings as a table for people: each with its default, and what it is."""

from collections.abc import Iterator
from typing import Any, cast, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from omniloket.settings import Settings, part_in
from sources.records import Role


def table() -> str:
    """Every setting, as a table in Markdown."""
    lines = ["| setting | default | what it is |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {default} | {sentence} |" for name, default, sentence in described()]
    return "\n".join(lines) + "\n"


def described() -> Iterator[tuple[str, str, str]]:
    """Every setting: its name, its default as TOML would write it (or "required"), and its sentence."""
    yield from _described(Settings, "")


def _described(part: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, info in part.model_fields.items():
        inner = part_in(info.annotation)
        if inner is None:
            yield f"{prefix}{name}", _default(info), info.description or ""
        else:
            mark = "[]." if get_origin(info.annotation) is tuple else "."
            yield from _described(inner, f"{prefix}{name}{mark}")


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    if isinstance(info.default, bool):
        return str(info.default).lower()
    if isinstance(info.default, dict):
        of_roles = cast("dict[Role, tuple[str, ...]]", info.default)
        return "; ".join(f"{role.value}: {', '.join(names)}" for role, names in of_roles.items()) or "none"
    if isinstance(info.default, tuple):
        return ", ".join(str(getattr(each, "value", each)) for each in cast("tuple[Any, ...]", info.default)) or "none"
    return "none" if info.default is None else str(info.default)

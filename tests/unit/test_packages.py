"""PyPI has packages called schema, sources and subscriptions: ours are the folders of this repository."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["omniloket", "schema", "resolvers", "subscriptions", "sources", "engine"])
def test_each_room_is_imported_from_this_repository(name: str) -> None:
    assert Path(str(importlib.import_module(name).__file__)).parent == ROOT / name

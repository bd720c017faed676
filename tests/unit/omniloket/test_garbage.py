"""What lasts is not looked through again."""

import gc
from collections.abc import Iterator

import pytest

from omniloket import garbage


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_was_made_before_is_frozen_and_the_rest_collected_more_rarely() -> None:
    frozen = gc.get_freeze_count()
    garbage.settle()
    assert gc.get_freeze_count() > frozen
    assert gc.get_threshold() == garbage.THRESHOLDS

"""Documents that clients register: bounded in number and length, and never under another's hash."""

from hashlib import sha256

import pytest

from engine.responses import RequestRefused
from omniloket.registered import Registered


def digits(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_a_text_is_found_by_its_hash() -> None:
    registered = Registered(2)
    registered.register(digits("a"), "a")
    assert (registered.text(digits("a")), registered.text(digits("b"))) == ("a", None)


def test_those_that_were_not_used_longest_are_forgotten() -> None:
    registered = Registered(2)
    for text in ("a", "b"):
        registered.register(digits(text), text)
    assert registered.text(digits("a")) == "a"
    registered.register(digits("c"), "c")
    assert [registered.text(digits(text)) for text in "abc"] == ["a", None, "c"]


def test_long_ones_take_the_room_of_several() -> None:
    registered = Registered(3)
    for text in ("a" * 1_000, "b" * 1_000, "c" * 1_000):
        registered.register(digits(text), text)
    assert len(registered) == 3
    registered.register(digits("d" * 2_000), "d" * 2_000)
    assert len(registered) == 2


def test_a_hash_of_another_text_is_refused_also_where_it_is_known() -> None:
    registered = Registered(2)
    registered.register(digits("a"), "a")
    for known in (digits("a"), digits("b")):
        with pytest.raises(RequestRefused):
            registered.register(known, "c")
    assert registered.text(digits("a")) == "a"


@pytest.mark.parametrize("identifier", ["", "portal-7", "A" * 64, "a" * 63])
def test_what_is_no_hash_registers_nothing(identifier: str) -> None:
    registered = Registered(2)
    registered.register(identifier, "a")
    assert len(registered) == 0


def test_nothing_is_registered_where_it_is_not_switched_on() -> None:
    registered = Registered(0)
    registered.register(digits("a"), "a")
    assert registered.text(digits("a")) is None

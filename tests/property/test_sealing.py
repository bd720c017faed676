"""Ids and cursors: what was sealed opens, and nothing else does."""

from string import ascii_letters, digits

from hypothesis import given
from hypothesis import strategies as st

from resolvers.ids import decode, encode
from resolvers.paging import open_cursor, seal_cursor
from sources.sealing import Sealer, bsn_of, citizen_key, citizen_keys

NEW = Sealer({1: bytes(64), 2: bytes(range(64))}, 2)
OLD = Sealer({1: bytes(64)}, 1)
bsns = st.from_regex(r"[0-9]{9}", fullmatch=True)
positions = st.lists(st.one_of(st.integers(-(2**53), 2**53), st.text(max_size=20)), min_size=1, max_size=3)


@given(bsns)
def test_a_citizens_key_opens_under_every_configured_key(bsn: str) -> None:
    assert bsn_of(NEW, citizen_key(NEW, bsn)) == bsn
    assert bsn_of(NEW, citizen_key(OLD, bsn)) == bsn
    assert bsn_of(OLD, citizen_key(NEW, bsn)) is None
    assert citizen_key(NEW, bsn) == citizen_key(NEW, bsn)
    assert citizen_keys(NEW, bsn) == [citizen_key(NEW, bsn), citizen_key(OLD, bsn)]
    assert bsn not in citizen_key(NEW, bsn)


@given(bsns, st.integers(0, 40), st.characters(codec="ascii"))
def test_a_tampered_key_is_nobodys(bsn: str, place: int, letter: str) -> None:
    key = citizen_key(NEW, bsn)
    tampered = key[:place] + letter + key[place + 1 :]
    assert bsn_of(NEW, tampered) == (bsn if tampered == key else None)


@given(positions, st.integers(0, 400), st.characters(codec="ascii"))
def test_a_tampered_cursor_is_none(position: list[int | str], place: int, letter: str) -> None:
    cursor = seal_cursor(NEW, "Contact", position)
    place %= len(cursor)
    tampered = cursor[:place] + letter + cursor[place + 1 :]
    assert open_cursor(NEW, "Contact", tampered) == (position if tampered == cursor else None)


def test_a_cursor_has_one_spelling() -> None:
    for length in range(20):
        cursor = seal_cursor(NEW, "Contact", ["x" * length])
        last = [letter for letter in ascii_letters + digits + "-_" if letter != cursor[-1]]
        assert [open_cursor(NEW, "Contact", cursor[:-1] + letter) for letter in last] == [None] * 63


@given(st.text(max_size=60))
def test_foreign_text_is_no_id_and_no_cursor(text: str) -> None:
    assert bsn_of(NEW, text) is None
    assert open_cursor(NEW, "Contact", text) is None
    decoded = decode(text)
    assert decoded is None or encode(*decoded) == text


@given(positions)
def test_a_cursor_opens_for_its_own_kind_alone(position: list[int | str]) -> None:
    cursor = seal_cursor(NEW, "Contact", position)
    assert open_cursor(NEW, "Contact", cursor) == position
    assert open_cursor(NEW, "Report", cursor) is None
    assert bsn_of(NEW, cursor) is None


@given(st.sampled_from(["Contact", "Report", "Journey"]), st.text(max_size=40))
def test_ids_round_trip(type_name: str, key: str) -> None:
    assert decode(encode(type_name, key)) == (type_name, key)

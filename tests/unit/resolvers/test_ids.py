import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers import ids
from resolvers.context import ANONYMOUS, Context, Services
from sources.records import Channel, Citizen, Medium
from sources.sealing import Sealer, citizen_key

OLD, NEW = b"o" * 64, b"n" * 64
BSN = "900000012"


def context_with(sealer: Sealer) -> Context:
    services = Services(sources=None, sealer=sealer, hub=None)  # type: ignore[arg-type] - ids ask neither
    return Context(services=services, viewer=ANONYMOUS)


@pytest.fixture
def context() -> Context:
    return context_with(Sealer({1: NEW}, current=1))


@given(st.sampled_from(["Contact", "Journey", "Report"]), st.integers(0, 2**63 - 1))
def test_an_id_gives_back_type_and_key(type_name, key):
    assert ids.decode(ids.encode(type_name, key)) == (type_name, str(key))


def test_an_id_that_is_longer_than_any_is_none() -> None:
    assert ids.decode(ids.encode("Report", "9" * 700)) == ("Report", "9" * 700)
    assert ids.decode(ids.encode("Report", "9" * 800)) is None


@given(st.text(max_size=60))
def test_a_text_that_was_not_made_here_is_no_id(text):
    decoded = ids.decode(text)
    assert decoded is None or ids.encode(*decoded) == text


@pytest.mark.parametrize("key", ["-1", "01", "1e3", str(2**63), "x", "", "١"])
def test_a_serial_that_no_source_could_hold_is_absent(context, key):
    assert ids.source_key(ids.encode("Contact", key), context) is None


def test_an_id_of_another_type_is_absent(context):
    assert ids.key_of(ids.encode("Journey", 1), context, "Contact") is None


def test_a_citizens_id_hides_the_bsn_and_finds_it_again(context):
    (made,) = ids.ids([Citizen(bsn=BSN, full_name="Jan")], context)
    assert BSN not in str(ids.decode(made))
    assert ids.source_key(made, context) == ("Citizen", BSN)


def test_an_id_made_under_an_older_key_stays_valid():
    made = ids.encode("Citizen", citizen_key(Sealer({1: OLD}, current=1), BSN))
    assert ids.source_key(made, context_with(Sealer({1: OLD, 2: NEW}, current=2))) == ("Citizen", BSN)
    assert ids.source_key(made, context_with(Sealer({2: NEW}, current=2))) is None


@given(st.integers(0, 60), st.integers(1, 255))
def test_a_citizens_id_that_was_tampered_with_is_absent(place, change):
    context = context_with(Sealer({1: NEW}, current=1))
    key = citizen_key(context.sealer, BSN)
    place %= len(key)
    tampered = key[:place] + chr(33 + (ord(key[place]) - 33 + change) % 90) + key[place + 1 :]
    expected = BSN if tampered == key else None
    found = ids.source_key(ids.encode("Citizen", tampered), context)
    assert (found and found[1]) == expected


def test_a_channel_is_known_by_its_code(context):
    channel = Channel(code="0900-8844", name="Telefoon", medium=Medium.VOICE, urgent=False, open=True)
    (made,) = ids.ids([channel], context)
    assert ids.source_key(made, context) == ("Channel", "0900-8844")

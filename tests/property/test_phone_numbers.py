"""The short way to read a usual Dutch number says what the long way says."""

import phonenumbers
from hypothesis import given
from hypothesis import strategies as st

from sources.phone_numbers import e164

prefixes = st.sampled_from(["+31", "0031", "0", "+31 (0)", "0031(0)"])
nationals = st.from_regex(r"[1-9][0-9]{8}", fullmatch=True)
separators = st.lists(st.tuples(st.integers(0, 14), st.sampled_from(" -")), max_size=4)


@given(prefixes, nationals, separators)
def test_a_usual_number_is_read_as_any_number_is(prefix: str, national: str, separated: list[tuple[int, str]]) -> None:
    typed = prefix + national
    for place, separator in separated:
        typed = typed[:place] + separator + typed[place:]
    read = phonenumbers.parse(typed, "NL")
    assert e164(typed) == phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164)


@given(nationals, st.sampled_from([2, 3]))
def test_an_area_code_may_stand_in_brackets(national: str, digits: int) -> None:
    assert e164(f"(0{national[:digits]}) {national[digits:]}") == f"+31{national}"

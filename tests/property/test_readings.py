"""What back-ends write, read without loss: local times, phone numbers, dates of less precision."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.local_time import local_bound, local_of_utc, utc_of_local
from sources.phone_numbers import e164, typed_forms
from sources.sql.reading import Malformed, partial_date

instants = st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
locals_ = st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31))  # noqa: DTZ001
mobiles = st.integers(10_000_000, 99_999_999).map(lambda number: f"+316{number}")
separators = st.sampled_from(["", " ", "-", ".", "/"])


@given(instants)
def test_an_instant_survives_being_written_save_in_the_repeated_hour(instant: datetime) -> None:
    read = utc_of_local(local_of_utc(instant))
    assert read in (instant, instant - timedelta(hours=1))


@given(locals_)
def test_a_local_time_is_read_as_its_first_occurrence_or_moved_forward(written: datetime) -> None:
    again = local_of_utc(utc_of_local(written))
    assert again in (written, written + timedelta(hours=1))


@given(locals_, instants)
def test_a_bound_splits_written_times_as_instants_do(written: datetime, instant: datetime) -> None:
    skipped = local_of_utc(utc_of_local(written)) != written
    if not skipped:
        assert (written >= local_bound(instant)) == (utc_of_local(written) >= instant)


@given(mobiles, st.sampled_from(["0", "+31", "0031", "+31 (0)"]), separators, separators)
def test_every_way_to_type_a_number_is_found_by_it(number: str, prefix: str, first: str, second: str) -> None:
    national = number.removeprefix("+31")
    typed = f"{prefix}{first}{national[0]}{second}{national[1:5]}{first}{national[5:]}"
    digits = "".join(character for character in typed if character.isdigit())
    assert e164(typed) == number
    assert digits in typed_forms(number)


@given(st.text(max_size=30))
def test_text_that_is_no_number_is_none_or_a_number(text: str) -> None:
    found = e164(text)
    assert found is None or (found.startswith("+") and found[1:].isdigit())


@given(st.dates(date(1, 1, 1)), st.sampled_from([0, 2, 4]))
def test_dates_keep_what_is_known_of_them(day: date, unknown: int) -> None:
    digits = f"{day.year:04}{day.month:02}{day.day:02}"
    written = digits[: 8 - unknown] + "0" * unknown
    assert partial_date(written, "d") == day.isoformat()[: {0: 10, 2: 7, 4: 4}[unknown]]


@given(st.text(max_size=10).filter(lambda text: not (len(text) == 8 and text.isascii() and text.isdigit())))
def test_what_is_no_date_is_malformed_and_never_guessed(written: str) -> None:
    with pytest.raises(Malformed) as caught:
        partial_date(written, "d")
    assert caught.value.column == "d"

import pytest

from resolvers.context import ANONYMOUS, Context, Services
from resolvers.errors import BadUserInput, CursorRejected
from resolvers.paging import page_request, seal_cursor
from sources.paging import PageRequest
from sources.sealing import Sealer

SEALER = Sealer({1: b"k" * 64}, current=1)


@pytest.fixture
def context() -> Context:
    return Context(services=Services(None, SEALER, None), viewer=ANONYMOUS)  # type: ignore[arg-type]


def test_a_page_has_25_items_unless_told(context):
    assert page_request(context, "Contact") == PageRequest(limit=25)


@pytest.mark.parametrize("size", [0, 1, 100])
def test_up_to_100_items_are_served(context, size):
    assert page_request(context, "Contact", first=size).limit == size


@pytest.mark.parametrize("size", [-1, 101, 2**31 - 1])
@pytest.mark.parametrize("name", ["first", "last"])
def test_beyond_the_limit_the_argument_is_named(context, name, size):
    with pytest.raises(BadUserInput, match=f"'{name}' takes a number from 0 to 100, but got: {size}"):
        page_request(context, "Contact", **{name: size})


def test_first_and_last_together_are_refused(context):
    with pytest.raises(BadUserInput, match="not both"):
        page_request(context, "Contact", first=1, last=1)


def test_a_cursor_is_the_position_it_was_made_of(context):
    cursor = seal_cursor(SEALER, "Contact", ("2026-01-02T03:04:05", 7))
    assert page_request(context, "Contact", after=cursor).after == ("2026-01-02T03:04:05", 7)


def test_a_cursor_tells_nothing(context):
    assert "900000012" not in seal_cursor(SEALER, "Citizen", ("900000012",))


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize("cursor", ["", "x", "WyIyMDI2Il0", "é", "A" * 10_000])
def test_a_cursor_that_was_not_made_here_is_refused(context, argument, cursor):
    with pytest.raises(CursorRejected, match=argument):
        page_request(context, "Contact", **{argument: cursor})


def test_a_cursor_of_another_list_is_refused(context):
    with pytest.raises(CursorRejected):
        page_request(context, "Contact", after=seal_cursor(SEALER, "Report", ("2026", 7)))

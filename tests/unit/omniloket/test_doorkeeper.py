"""Who is turned away at the door leaves nothing behind there."""

from typing import Any

from omniloket.access_log import begin_request, current_request
from omniloket.accounts import Accounts
from omniloket.admission import Admission
from omniloket.doorkeeper import Doorkeeper
from omniloket.metrics import Metrics


async def test_the_id_of_a_refusal_is_that_of_no_other_request() -> None:
    """uvloop calls the door in a context that all connections share, and their tasks begin with what is in it."""
    accounts = Accounts(Metrics(_nothing), None, None)
    doorkeeper = Doorkeeper(Admission(running=1, waiting=0, waiting_seconds=1), accounts, is_open_to_others=False)
    own = begin_request()
    assert doorkeeper(b"/graphql", []) is None
    refusal = doorkeeper(b"/graphql", [])
    assert refusal is not None
    assert refusal.startswith(b"omniloket-request: ")
    assert own.encode() not in refusal
    assert current_request() == own


def _nothing() -> Any:
    raise AssertionError

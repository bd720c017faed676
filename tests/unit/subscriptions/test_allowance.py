"""How fast somebody may go, whatever they try."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from subscriptions.allowance import Allowance

PER_SECOND, AT_ONCE = 8.0, 20.0

pauses = st.lists(st.tuples(st.floats(0, 10), st.floats(0.5, 40)), max_size=12)


@given(pauses)
def test_nobody_goes_faster(tried: list[tuple[float, float]]) -> None:
    """Between any two moments no more steps are taken than there were at once, and as time passed."""
    allowance, now = Allowance(PER_SECOND, AT_ONCE), 0.0
    taken: list[tuple[float, float]] = []
    for pause, steps in tried:
        now += pause
        now += allowance.take(steps, now)
        taken.append((now, steps))
    for first, last in combinations(range(len(taken) + 1), 2):
        some = taken[first:last]
        passed = some[-1][0] - some[0][0]
        assert sum(steps for _, steps in some[1:]) <= AT_ONCE + PER_SECOND * passed + 1e-4


@given(st.floats(0, 1e6))
def test_who_was_quiet_waits_for_nothing(now: float) -> None:
    allowance = Allowance(PER_SECOND, AT_ONCE)
    assert allowance.take(AT_ONCE, now) == 0
    assert allowance.take(1, now) > 0


def test_who_waited_has_paid() -> None:
    allowance = Allowance(PER_SECOND, AT_ONCE)
    assert allowance.take(AT_ONCE + PER_SECOND, 100.0) == 1
    assert allowance.take(0, 101.0) == 0
    assert allowance.take(1, 101.0) == 1 / PER_SECOND

import pytest

from sources.breaker import Breaker, Patience


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(Patience(failures=3, rest_seconds=2.0), clock=clock)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.admits()
    for _ in range(times):
        breaker.failed()


def test_a_few_failures_change_nothing(breaker):
    fail(breaker, 2)
    assert breaker.admits()


def test_an_answer_begins_the_count_anew(breaker):
    fail(breaker, 2)
    breaker.answered()
    fail(breaker, 2)
    assert not breaker.is_open


def test_after_many_failures_in_a_row_nothing_is_asked_until_the_rest_is_over(breaker, clock):
    fail(breaker, 3)
    clock.now += 1.9
    assert not breaker.admits()
    clock.now += 0.1
    assert breaker.admits()


def test_one_question_at_a_time_probes(breaker, clock):
    fail(breaker, 3)
    clock.now += 2
    assert [breaker.admits() for _ in range(3)] == [True, False, False]


def test_the_answer_to_a_probe_lets_everything_through(breaker, clock):
    fail(breaker, 3)
    clock.now += 2
    assert breaker.admits()
    breaker.answered()
    assert [breaker.admits() for _ in range(3)] == [True, True, True]


def test_a_probe_that_fails_begins_the_rest_anew(breaker, clock):
    fail(breaker, 3)
    clock.now += 2
    fail(breaker, 1)
    clock.now += 1.9
    assert not breaker.admits()
    clock.now += 0.1
    assert breaker.admits()


def test_a_probe_that_nobody_waits_for_makes_room_for_the_next(breaker, clock):
    fail(breaker, 3)
    clock.now += 2
    assert breaker.admits()
    breaker.abandoned()
    assert breaker.admits()


def test_late_failures_of_questions_asked_before_lengthen_the_rest(breaker, clock):
    fail(breaker, 3)
    clock.now += 1.5
    breaker.failed()
    clock.now += 1
    assert not breaker.admits()

import pytest

from sources.breaker import Breaker, Patience, Turn


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


def admitted(breaker: Breaker, times: int = 1) -> list[Turn]:
    turns = [breaker.admit() for _ in range(times)]
    return [turn for turn in turns if turn is not None]


def fail(breaker: Breaker, times: int) -> None:
    turns = admitted(breaker, times)
    assert len(turns) == times
    for turn in turns:
        turn.failed()


def test_a_few_failures_change_nothing(breaker):
    fail(breaker, 2)
    assert admitted(breaker)


def test_an_answer_begins_the_count_anew(breaker):
    fail(breaker, 2)
    admitted(breaker)[0].answered()
    fail(breaker, 2)
    assert not breaker.is_open


def test_after_many_failures_in_a_row_nothing_is_asked_until_the_rest_is_over(breaker, clock):
    fail(breaker, 3)
    clock.now += 1.9
    assert not admitted(breaker)
    clock.now += 0.1
    assert admitted(breaker)


def test_one_question_at_a_time_probes(breaker, clock):
    fail(breaker, 3)
    clock.now += 2
    assert len(admitted(breaker, 3)) == 1


def test_the_answer_to_a_probe_lets_everything_through(breaker, clock):
    fail(breaker, 3)
    clock.now += 2
    admitted(breaker)[0].answered()
    assert len(admitted(breaker, 3)) == 3


def test_a_probe_that_fails_begins_the_rest_anew(breaker, clock):
    fail(breaker, 3)
    clock.now += 2
    fail(breaker, 1)
    clock.now += 1.9
    assert not admitted(breaker)
    clock.now += 0.1
    assert admitted(breaker)


def test_a_probe_that_nobody_waits_for_makes_room_for_the_next(breaker, clock):
    fail(breaker, 3)
    clock.now += 2
    admitted(breaker)[0].abandoned()
    assert admitted(breaker)


def test_late_failures_of_questions_asked_before_lengthen_the_rest(breaker, clock):
    late = admitted(breaker)[0]
    fail(breaker, 3)
    clock.now += 1.5
    late.failed()
    clock.now += 1
    assert not admitted(breaker)


@pytest.mark.parametrize("how", [Turn.failed, Turn.abandoned])
def test_questions_that_end_late_let_no_second_probe_through(breaker, clock, how):
    late = admitted(breaker)[0]
    fail(breaker, 3)
    clock.now += 2
    assert admitted(breaker)
    how(late)
    clock.now += 2
    assert not admitted(breaker)

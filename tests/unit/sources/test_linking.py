"""The rules by which contacts and reports become journeys."""

from datetime import UTC, datetime, timedelta

from sources.linking import Happening, Rules, StatusLine, linked
from sources.records import EntryKind, JourneyState, ReportStatus

START = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
RULES = Rules(active_days=30)


def contact(
    key: str, days: float, *, citizen: str | None = "a", channel: str = "APP", links: tuple[str, ...] = ()
) -> Happening:
    return Happening(EntryKind.CONTACT, key, START + timedelta(days=days), citizen, links, f"subject {key}", channel)


def report(key: str, days: float, *, citizen: str | None = "a", links: tuple[str, ...] = ()) -> Happening:
    return Happening(EntryKind.REPORT, key, START + timedelta(days=days), citizen, links, f"title {key}")


def line(key: str, days: float, status: ReportStatus) -> StatusLine:
    return StatusLine(key, START + timedelta(days=days), status)


def keys(happenings: list[Happening], lines: tuple[StatusLine, ...] = ()) -> list[list[str]]:
    return [[entry.key for entry in trip.entries] for trip in linked(happenings, lines, RULES)]


def test_a_citizens_contacts_within_the_active_days_are_one_journey() -> None:
    assert keys([contact("1", 0), contact("2", 30), contact("3", 60.01)]) == [["1", "2"], ["3"]]


def test_status_changes_keep_a_journey_active() -> None:
    history = (line("r", 25, ReportStatus.IN_INVESTIGATION), line("r", 50, ReportStatus.CLOSED))
    assert keys([contact("1", 0), report("r", 0, links=("1",)), contact("2", 75)], history) == [["1", "r", "2"]]


def test_an_explicit_link_decides_before_time_does() -> None:
    happenings = [report("r", 0), contact("1", 100), contact("2", 101, links=("r",))]
    assert keys(happenings) == [["r", "2"], ["1"]]


def test_a_report_joins_the_contact_that_it_came_from() -> None:
    happenings = [contact("1", 0), contact("2", 80), report("r", 81, links=("1",))]
    assert keys(happenings) == [["1", "r"], ["2"]]


def test_an_unknown_caller_gets_a_journey_of_its_own() -> None:
    assert keys([contact("1", 0, citizen=None), contact("2", 0, citizen=None)]) == [["1"], ["2"]]


def test_an_unknown_callers_explicit_link_puts_the_contact_on_the_reports_journey() -> None:
    assert keys([report("r", 0), contact("1", 1, citizen=None, links=("r",))]) == [["r", "1"]]


def test_another_citizens_contact_about_a_report_is_not_on_its_journey() -> None:
    happenings = [report("r", 0), contact("1", 1, citizen="b", links=("r",))]
    assert [trip.citizen for trip in linked(happenings, (), RULES)] == ["a", "b"]


def test_a_change_of_channel_is_a_handover() -> None:
    (trip,) = linked([contact("1", 0), contact("2", 1, channel="BALIE"), contact("3", 2, channel="BALIE")], (), RULES)
    assert [(each.from_channel, each.to_channel) for each in trip.passages] == [("APP", "BALIE")]
    assert trip.channels == ["APP", "BALIE"]


def test_the_order_in_which_things_are_given_does_not_matter() -> None:
    happenings = [contact("1", 0), report("r", 0.01, links=("1",)), contact("2", 5, channel="BALIE"), contact("3", 50)]
    assert keys(happenings) == keys(list(reversed(happenings)))


def test_states() -> None:
    (trip,) = linked([report("r", 0)], [line("r", 1, ReportStatus.AWAITING_INFORMATION)], RULES)
    assert trip.state(START + timedelta(days=90), RULES) == (JourneyState.WAITING, None)
    (trip,) = linked([report("r", 0)], [line("r", 1, ReportStatus.CLOSED)], RULES)
    assert trip.state(START + timedelta(days=30), RULES) == (JourneyState.OPEN, None)
    closed_at = START + timedelta(days=31)
    assert trip.state(START + timedelta(days=31), RULES) == (JourneyState.CLOSED, closed_at)

"""The rules by which contacts and reports become journeys."""

from datetime import UTC, datetime, timedelta

from sources.linking.rules import Happening, Owner, Rules, StatusLine, Trip, linked
from sources.records import EntryKind, JourneyState, ReportStatus

START = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
RULES = Rules(active_days=30, closed_days=30)
JANSEN, DE_VRIES = Owner(None, "jansen"), Owner(None, "de vries")


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def contact(
    key: str,
    days: float,
    *,
    owner: Owner = JANSEN,
    channel: str = "APP",
    report: str | None = None,
    agent: str | None = None,
    inbound: bool = True,
) -> Happening:
    return Happening(EntryKind.CONTACT, key, day(days), owner, report, channel, agent, inbound)


def report(key: str, days: float, *, owner: Owner = JANSEN) -> Happening:
    return Happening(EntryKind.REPORT, key, day(days), owner)


def line(key: str, days: float, status: ReportStatus = ReportStatus.IN_INVESTIGATION) -> StatusLine:
    return StatusLine(key, day(days), status)


def trips(happenings: list[Happening], *lines: StatusLine, rules: Rules = RULES) -> list[Trip]:
    return linked(happenings, lines, rules)


def keys(happenings: list[Happening], *lines: StatusLine, rules: Rules = RULES) -> list[list[str]]:
    return [[entry.key for entry in trip.entries] for trip in trips(happenings, *lines, rules=rules)]


def test_a_citizens_contacts_within_the_active_days_are_one_journey() -> None:
    assert keys([contact("1", 0), contact("2", 30), contact("3", 60.01)]) == [["1", "2"], ["3"]]


def test_a_status_change_keeps_a_journey_active() -> None:
    lines = (line("r", 25), line("r", 50, ReportStatus.CLOSED))
    assert keys([contact("1", 0, report="r"), report("r", 0), contact("2", 75)], *lines) == [["1", "r", "2"]]


def test_a_closed_journey_takes_in_nothing_more() -> None:
    rules = Rules(active_days=30, closed_days=5)
    assert keys([contact("1", 0), contact("2", 5), contact("3", 10.01)], rules=rules) == [["1", "2"], ["3"]]
    assert keys([report("r", 0), contact("1", 20)], line("r", 0), rules=rules) == [["r", "1"]]
    assert keys([report("r", 0), contact("1", 20)], line("r", 0, ReportStatus.CLOSED), rules=rules) == [["r"], ["1"]]


def test_an_explicit_link_decides_before_time_does() -> None:
    assert keys([report("r", 0), contact("1", 100), contact("2", 101, report="r")]) == [["r", "2"], ["1"]]


def test_a_report_joins_the_contact_that_it_came_from() -> None:
    assert keys([contact("1", 0, report="r"), contact("2", 80), report("r", 81)]) == [["1", "r"], ["2"]]


def test_what_has_different_owners_is_on_different_journeys() -> None:
    happenings = [report("r", 0), contact("1", 1, owner=DE_VRIES, report="r")]
    assert [trip.owner for trip in trips(happenings)] == [JANSEN, DE_VRIES]


def test_unknown_callers_about_one_report_that_nobody_filed_are_together() -> None:
    tip = Owner(EntryKind.REPORT, "r")
    assert keys([contact("1", 0, owner=tip, report="r"), contact("2", 90, owner=tip, report="r")]) == [["1", "2"]]


def test_a_change_of_channel_is_a_handover_by_the_employee_who_took_the_initiative() -> None:
    (trip,) = trips(
        [
            contact("1", 0),
            contact("2", 1, channel="BALIE", agent="P1"),
            contact("3", 2, channel="BALIE"),
            contact("4", 3, channel="EMAIL", agent="P1", inbound=False),
        ]
    )
    assert [(each.from_channel, each.to_channel, each.agent) for each in trip.passages] == [
        ("APP", "BALIE", None),
        ("BALIE", "EMAIL", "P1"),
    ]
    assert trip.channels == ["APP", "BALIE", "EMAIL"]


def test_contacts_over_a_channel_that_begins_no_journey_join_one_or_none() -> None:
    rules = Rules(starting_channels=frozenset({"APP"}))
    posted = [
        contact("1", 0, channel="X"),
        contact("2", 1),
        contact("3", 2, channel="X"),
        contact("4", 90, channel="X"),
    ]
    assert keys(posted, rules=rules) == [["2", "3"]]


def test_a_contact_that_waited_for_its_report_stands_before_it() -> None:
    rules = Rules(starting_channels=frozenset({"APP"}))
    (trip,) = trips([contact("1", 0, channel="X", report="r"), report("r", 1)], rules=rules)
    assert ([entry.key for entry in trip.entries], trip.opened_at) == (["1", "r"], day(0))


def test_a_journey_waits_for_the_citizen_until_the_citizen_comes() -> None:
    asked = [report("r", 0)], line("r", 1, ReportStatus.AWAITING_INFORMATION)
    states = []
    for answer in (None, contact("1", 0.5), contact("2", 2, inbound=False), contact("3", 2)):
        (trip,) = trips([*asked[0], *([answer] if answer else [])], asked[1])
        states.append(trip.state(day(90), RULES))
    assert states == [JourneyState.WAITING, JourneyState.WAITING, JourneyState.WAITING, JourneyState.OPEN]


def test_a_journey_closes_when_its_reports_have_ended_and_it_was_quiet() -> None:
    (trip,) = trips([report("r", 0)], line("r", 1, ReportStatus.CLOSED))
    assert (trip.closes_at(RULES), trip.state(day(30.9), RULES)) == (day(31), JourneyState.OPEN)
    assert trip.state(day(31), RULES) is JourneyState.CLOSED
    (trip,) = trips([report("r", 0), report("s", 0)], line("r", 1, ReportStatus.CLOSED), line("s", 1))
    assert (trip.closes_at(RULES), trip.state(day(900), RULES)) == (None, JourneyState.OPEN)


def test_a_journey_of_the_last_days_of_all_never_closes() -> None:
    days = (datetime(9998, 12, 3, tzinfo=UTC) - START).days
    (early,) = trips([contact("a", days - 2)])
    (late,) = trips([contact("a", days)])
    assert early.closes_at(RULES) == day(days + 28)
    assert (late.closes_at(RULES), late.state(day(days), RULES)) == (None, JourneyState.OPEN)
    assert late.closes_at(Rules(active_days=30, closed_days=3_650)) is None


def test_a_line_that_is_dated_before_its_report_counts_from_the_report_on() -> None:
    (trip,) = trips([report("r", 5)], line("r", 1, ReportStatus.CLOSED))
    assert trip.closes_at(RULES) == day(35)


def test_the_last_of_several_lines_at_one_instant_is_the_one_with_the_highest_serial() -> None:
    lines = [StatusLine("r", day(1), status, serial) for serial, status in enumerate(ReportStatus, start=1)]
    (trip,) = trips([report("r", 0)], *reversed(lines))
    assert trip.statuses["r"].status is list(ReportStatus)[-1]

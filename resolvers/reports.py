"""Reports, their status history, and what hangs on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from engine.batching import Partial
from resolvers.context import Context
from resolvers.ids import key_of
from resolvers.journeys import journeys_of
from resolvers.paging import Connection, connections_of, root_connection
from resolvers.records import alone, lists_of
from sources.filters import ReportFilter
from sources.paging import PageRequest
from sources.records import Contact, Journey, Report, StatusChange


@dataclass(frozen=True)
class ReportBy:
    """Exactly one of these."""

    id: str | None = None
    number: str | None = None


def number_of(by: ReportBy, context: Context) -> str | None:
    """The number of the report that is meant, or None when the id is not a report's."""
    if by.id is None:
        return by.number
    return cast("str | None", key_of(by.id, context, "Report"))


async def report(roots: Sequence[None], context: Context, *, by: ReportBy) -> Sequence[object]:
    return await alone(context, context.sources.reports, number_of(by, context), len(roots))


async def reports(
    roots: Sequence[None], context: Context, *, page: PageRequest, filter: ReportFilter | None = None
) -> Sequence[Connection[Report] | Partial[Connection[Report]]]:
    """Reports, newest first."""
    found = await root_connection("Report", context.sources.reports, context, page, filter)
    return [found] * len(roots)


async def status_history(
    reports: Sequence[Report], context: Context
) -> Sequence[Sequence[StatusChange] | Partial[Sequence[StatusChange]]]:
    """Every status change of each report, oldest first."""
    return await lists_of(context.sources.status_changes, "report", _numbers(reports), context)


async def citizen(reports: Sequence[Report], context: Context) -> Sequence[object]:
    """The citizen who made each report. One who made it with others is told of nobody else."""
    own = context.scope.bsn
    return await context.records(context.sources.citizens, [own or report.citizen_bsn for report in reports])


async def journey(reports: Sequence[Report], context: Context) -> Sequence[Journey | Exception | None]:
    """The journey of each report; None while it is in none."""
    return await journeys_of("report", _numbers(reports), context)


async def contacts(
    reports: Sequence[Report], context: Context, *, page: PageRequest
) -> Sequence[Connection[Contact] | Partial[Connection[Contact]] | None]:
    """The contacts that were about each report, newest first."""
    return await connections_of("Contact", context.sources.contacts, "report", _numbers(reports), context, page)


async def report_of_change(changes: Sequence[StatusChange], context: Context) -> Sequence[object]:
    return await context.records(context.sources.reports, [change.report_number for change in changes])


async def agent_of_change(changes: Sequence[StatusChange], context: Context) -> Sequence[object]:
    """The employee who made each change, as the servicemodule knows the personnel number."""
    return await context.records(context.sources.agents, [change.agent_key for change in changes])


def _numbers(reports: Sequence[Report]) -> Sequence[str]:
    return [report.number for report in reports]

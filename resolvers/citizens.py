"""Citizens, and what hangs on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from engine.batching import Partial
from resolvers.context import Context
from resolvers.errors import BadUserInput
from resolvers.ids import key_of
from resolvers.paging import Connection, connections_of, root_connection
from resolvers.records import alone
from sources.bsn import is_bsn
from sources.filters import CitizenMatch, ContactFilter, JourneyFilter, ReportFilter
from sources.paging import PageRequest
from sources.phone_numbers import e164
from sources.records import Citizen, Contact, Journey, JourneyState, Report, ReportStatus


@dataclass(frozen=True)
class CitizenBy:
    """Exactly one of these."""

    id: str | None = None
    bsn: str | None = None


async def citizen(roots: Sequence[None], context: Context, *, by: CitizenBy) -> Sequence[object]:
    return await alone(context, context.sources.citizens, _bsn(by, context), len(roots))


async def citizens(
    roots: Sequence[None], context: Context, *, match: CitizenMatch, page: PageRequest
) -> Sequence[Connection[Citizen] | Partial[Connection[Citizen]]]:
    """Citizens who match, in the order of their keys."""
    found = await root_connection("Citizen", context.sources.citizens, context, page, _checked(match))
    return [found] * len(roots)


async def contacts(
    citizens: Sequence[Citizen], context: Context, *, page: PageRequest, channel: tuple[str, ...] | None = None
) -> Sequence[Connection[Contact] | Partial[Connection[Contact]] | None]:
    wanted = ContactFilter(channel=channel)
    return await connections_of("Contact", context.sources.contacts, "citizen", _bsns(citizens), context, page, wanted)


async def reports(
    citizens: Sequence[Citizen], context: Context, *, page: PageRequest, status: tuple[ReportStatus, ...] | None = None
) -> Sequence[Connection[Report] | Partial[Connection[Report]] | None]:
    """The reports that each citizen made; those in which a citizen has another role are not theirs."""
    wanted = ReportFilter(status=status)
    return await connections_of("Report", context.sources.reports, "citizen", _bsns(citizens), context, page, wanted)


async def journeys(
    citizens: Sequence[Citizen], context: Context, *, page: PageRequest, state: tuple[JourneyState, ...] | None = None
) -> Sequence[Connection[Journey] | Partial[Connection[Journey]] | None]:
    wanted = JourneyFilter(state=state)
    return await connections_of("Journey", context.sources.journeys, "citizen", _bsns(citizens), context, page, wanted)


def _bsns(citizens: Sequence[Citizen]) -> Sequence[str]:
    return [citizen.bsn for citizen in citizens]


def _bsn(by: CitizenBy, context: Context) -> str | None:
    if by.id is not None:
        return cast("str | None", key_of(by.id, context, "Citizen"))
    return _checked_bsn(by.bsn or "")


def _checked_bsn(bsn: str) -> str:
    if not is_bsn(bsn):
        raise BadUserInput("'bsn' takes nine digits that pass the eleven-test.")
    return bsn


def _checked(match: CitizenMatch) -> CitizenMatch:
    if match.bsn is not None:
        _checked_bsn(match.bsn)
    if match.phone is not None:
        checked_phone(match.phone)
    return match


def checked_phone(phone: str) -> str:
    """A phone number in E.164; raises BadUserInput when it can't be one."""
    number = e164(phone)
    if number is None:
        raise BadUserInput("'phone' takes a phone number, best in E.164: +31612345678.")
    return number

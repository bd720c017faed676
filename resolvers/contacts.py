"""Contacts, and what hangs on them."""

from collections.abc import Sequence

from msgspec.structs import replace

from engine.batching import Partial
from resolvers.citizens import checked_phone
from resolvers.context import Context
from resolvers.following import Route
from resolvers.ids import key_of
from resolvers.journeys import journeys_of
from resolvers.paging import Connection, followed, root_connection
from resolvers.records import alone, lists_of
from sources.filters import ContactFilter
from sources.paging import PageRequest
from sources.records import Attachment, Contact, Journey, Report


async def contact(roots: Sequence[None], context: Context, *, id: str) -> Sequence[object]:
    return await alone(context, context.sources.contacts, key_of(id, context, "Contact"), len(roots))


async def contacts(
    roots: Sequence[None], context: Context, *, page: PageRequest, filter: ContactFilter | None = None
) -> Sequence[Connection[Contact] | Partial[Connection[Contact]]]:
    """Contacts, newest first."""
    found = await root_connection("Contact", context.sources.contacts, context, page, _checked(filter))
    return [found] * len(roots)


async def citizen(contacts: Sequence[Contact], context: Context) -> Sequence[object]:
    """The citizen of each contact; None for an unknown caller."""
    return await context.records(context.sources.citizens, [contact.citizen_bsn for contact in contacts])


async def journey(contacts: Sequence[Contact], context: Context) -> Sequence[Journey | Exception | None]:
    """The journey of each contact; None while it is in none."""
    return await journeys_of("contact", [str(contact.key) for contact in contacts], context)


async def attachments(
    contacts: Sequence[Contact], context: Context
) -> Sequence[Sequence[Attachment] | Partial[Sequence[Attachment]]]:
    return await lists_of(context.sources.attachments, "contact", [contact.key for contact in contacts], context)


async def reports(
    contacts: Sequence[Contact], context: Context, *, page: PageRequest
) -> Sequence[Connection[Report] | Partial[Connection[Report]] | BaseException]:
    """The reports that each contact was about, in the order in which they were linked to it."""
    sources = context.sources
    route = Route(sources.contact_subjects, "contact", sources.reports, lambda number: number)
    return await followed("ContactReport", route, [contact.key for contact in contacts], context, page)


def _checked(filter: ContactFilter | None) -> ContactFilter | None:
    if filter is None or filter.phone is None:
        return filter
    return replace(filter, phone=checked_phone(filter.phone))

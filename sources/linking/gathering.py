"""The facts that the rules look at, gathered from the sources: in batches, and complete for each owner.

Who owns a fact: a contact's citizen (BSN) or a report's reporter. Where there is none, an explicit link tells: a
report is its first caller's, by time; a contact that of the first of its reports that somebody owns. Else the contact
is with its first report, and the two are nobody's.
"""

import asyncio
from collections.abc import Collection as Several
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sources.linking.rules import Happening, Owner, StatusLine
from sources.paging import ALL, Page
from sources.ports import Sources
from sources.records import Contact, Direction, EntryKind, Report, StatusChange
from sources.scope import EVERYTHING

K = TypeVar("K", int, str)
R = TypeVar("R")

Fact = tuple[EntryKind, str]
"""A contact or report, by its key in its source."""


@dataclass(frozen=True)
class Gathered:
    """Everything of some owners."""

    happenings: Sequence[Happening]
    lines: Sequence[StatusLine]


async def owners_of(facts: Iterable[Fact], sources: Sources) -> set[Owner]:
    """Who owns these facts now. Those that are gone, or cannot be read, are nobody's."""
    known = _Known(sources)
    contacts, reports = numbers_among(facts)
    await known.read_contacts(contacts)
    await known.read_claims(contacts, reports)
    owners = [known.owner_of_contact(number) for number in contacts] + [known.owner_of_report(each) for each in reports]
    return {owner for owner in owners if owner is not None}


async def no_longer_unknown(contacts: Sequence[Fact], sources: Sources) -> list[Fact]:
    """Those of some contacts of unknown callers that a caller is known for now, or that are gone or cannot be read."""
    numbers, _ = numbers_among(contacts)
    found = await sources.contacts.by_ids(numbers, EVERYTHING)
    return [
        fact
        for fact, contact in zip(contacts, found, strict=True)
        if not isinstance(contact, Contact) or contact.citizen_bsn is not None
    ]


async def everything_of(owners: Several[Owner], sources: Sources) -> Gathered:
    """All contacts and reports of these owners, with the reports' histories."""
    known = _Known(sources)
    await known.read_everything_of(owners)
    happenings = await asyncio.to_thread(known.happenings_of, owners)  # can be thousands
    numbers = [each.key for each in happenings if each.kind is EntryKind.REPORT]
    histories = await sources.status_changes.of_parents("report", numbers, ALL, EVERYTHING)
    return Gathered(happenings, [line_of(change) for page in histories for change in page.rows])


class _Known:
    """What has been read so far: each contact, report and link once."""

    def __init__(self, sources: Sources) -> None:
        self.contacts: dict[int, Contact] = {}
        self.reports: dict[str, Report] = {}
        self._sources = sources
        self._reports_of: dict[int, Sequence[str]] = {}
        self._contacts_of: dict[str, Sequence[Contact]] = {}
        self._owners: dict[str, Owner | None] = {}

    async def read_everything_of(self, owners: Several[Owner]) -> None:
        bsns = [owner.bsn for owner in owners if owner.bsn is not None]
        alone = numbers_among((owner.kind, owner.key) for owner in owners if owner.kind is not None)
        await self.read_contacts(alone[0])
        self._keep_contacts(await self._sources.contacts.of_parents("citizen", bsns, ALL, EVERYTHING))
        filed = await self._sources.reports.of_parents("citizen", bsns, ALL, EVERYTHING)
        self._keep_reports(report for page in filed for report in page.rows)
        await self.read_claims(list(self.contacts), alone[1])
        about = [number for number in self.reports if self.owner_of_report(number) in owners]
        await self._read_contacts_of(about)
        unknown = [each.key for number in about for each in self._contacts_of[number] if each.citizen_bsn is None]
        await self.read_claims(unknown, [])

    async def read_contacts(self, numbers: Iterable[int]) -> None:
        found = await self._sources.contacts.by_ids(_missing(numbers, self.contacts), EVERYTHING)
        self.contacts.update((contact.key, contact) for contact in found if isinstance(contact, Contact))

    async def read_claims(self, contacts: Sequence[int], reports: Sequence[str]) -> None:
        """What decides who owns these contacts and reports: links, reporters, first callers."""
        await self._read_reports_of(contacts)
        linked = (number for contact in contacts for number in self._reports_of[contact])
        await self._read_reports([*reports, *linked])
        await self._read_contacts_of([number for number, each in self.reports.items() if each.citizen_bsn is None])

    def owner_of_contact(self, number: int) -> Owner | None:
        contact = self.contacts.get(number)
        if contact is None:
            return None
        if contact.citizen_bsn is not None:
            return Owner(None, contact.citizen_bsn)
        reports = [report for report in self._reports_of.get(number, ()) if report in self.reports]
        owners = [owner for owner in map(self.owner_of_report, reports) if owner is not None]
        known = (owner for owner in owners if owner.bsn is not None)
        return next(known, owners[0] if owners else Owner(EntryKind.CONTACT, str(number)))

    def owner_of_report(self, number: str) -> Owner | None:
        """Worked out once for what has been read: everybody who called about a report asks."""
        if number not in self._owners:
            self._owners[number] = self._decided(number)
        return self._owners[number]

    def happenings_of(self, owners: Several[Owner]) -> list[Happening]:
        """What has been read of these owners."""
        contacts = map(self._contacted, self.contacts.values())
        reports = map(self._reported, self.reports.values())
        return [each for each in (*contacts, *reports) if each is not None and each.owner in owners]

    def _decided(self, number: str) -> Owner | None:
        report = self.reports.get(number)
        if report is None:
            return None
        if report.citizen_bsn is not None:
            return Owner(None, report.citizen_bsn)
        callers = [contact for contact in self._contacts_of.get(number, ()) if contact.citizen_bsn is not None]
        first = min(callers, key=lambda contact: (contact.occurred_at, contact.key), default=None)
        return Owner(EntryKind.REPORT, number) if first is None else Owner(None, first.citizen_bsn or "")

    def _contacted(self, contact: Contact) -> Happening | None:
        owner = self.owner_of_contact(contact.key)
        reports = self._reports_of.get(contact.key, ())
        return owner and Happening(
            kind=EntryKind.CONTACT,
            key=str(contact.key),
            at=contact.occurred_at,
            owner=owner,
            report=next((number for number in reports if self.owner_of_report(number) == owner), None),
            channel=contact.channel.code if contact.channel else None,
            agent=contact.handled_by.key if contact.handled_by else None,
            inbound=contact.direction is Direction.INBOUND,
        )

    def _reported(self, report: Report) -> Happening | None:
        owner = self.owner_of_report(report.number)
        return owner and Happening(EntryKind.REPORT, report.number, report.filed_at, owner)

    async def _read_reports(self, numbers: Iterable[str]) -> None:
        found = await self._sources.reports.by_ids(_missing(numbers, self.reports), EVERYTHING)
        self._keep_reports(report for report in found if isinstance(report, Report))

    async def _read_reports_of(self, contacts: Iterable[int]) -> None:
        wanted = _missing(contacts, self._reports_of)
        pages = await self._sources.contact_subjects.of_parents("contact", wanted, ALL, EVERYTHING)
        self._reports_of.update((number, page.rows) for number, page in zip(wanted, pages, strict=True))

    async def _read_contacts_of(self, reports: Iterable[str]) -> None:
        wanted = _missing(reports, self._contacts_of)
        pages = await self._sources.contacts.of_parents("report", wanted, ALL, EVERYTHING)
        self._contacts_of.update((number, page.rows) for number, page in zip(wanted, pages, strict=True))
        self._owners.clear()
        self._keep_contacts(pages)

    def _keep_reports(self, reports: Iterable[Report]) -> None:
        self.reports.update((report.number, report) for report in reports)
        self._owners.clear()

    def _keep_contacts(self, pages: Sequence[Page[Contact]]) -> None:
        self.contacts.update((contact.key, contact) for page in pages for contact in page.rows)


def line_of(change: StatusChange) -> StatusLine:
    """A status change, as the rules see it."""
    return StatusLine(change.report_number, change.at, change.status, change.key)


def _missing(keys: Iterable[K], known: Mapping[K, R]) -> list[K]:
    return [key for key in dict.fromkeys(keys) if key not in known]


def numbers_among(facts: Iterable[Fact]) -> tuple[list[int], list[str]]:
    """The contacts' numbers and the reports' among some facts."""
    contacts: list[int] = []
    reports: list[str] = []
    for kind, key in facts:
        if kind is EntryKind.CONTACT:
            contacts.append(int(key))
        elif kind is EntryKind.REPORT:
            reports.append(key)
    return contacts, reports

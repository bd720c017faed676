"""The whole house of sources in memory, on records that were read from elsewhere."""

from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from sources.filters import CitizenMatch, ContactFilter, EntryFilter, JourneyFilter, NameMatch, ReportFilter
from sources.memory import MemoryBackEnd, MemoryCollection, MemoryLog
from sources.phone_numbers import e164
from sources.ports import Sources
from sources.records import (
    Agent,
    Attachment,
    Channel,
    Citizen,
    Contact,
    ContactSubject,
    Handover,
    Involvement,
    Journey,
    JourneyEntry,
    JourneyNews,
    Report,
    StatusChange,
)
from sources.scope import Scope
from sources.sealing import Sealer, citizen_keys


@dataclass
class Facts:
    """Every record, and the links between them that records do not hold themselves."""

    citizens: list[Citizen] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    agents: list[Agent] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    attachments: dict[int, tuple[int, Attachment]] = field(default_factory=dict)
    subjects: dict[int, tuple[int, str]] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    status_changes: list[StatusChange] = field(default_factory=list)
    journeys: list[Journey] = field(default_factory=list)
    entries: list[JourneyEntry] = field(default_factory=list)
    journey_channels: list[tuple[int, int, str]] = field(default_factory=list)
    handovers: list[Handover] = field(default_factory=list)
    news: list[JourneyNews] = field(default_factory=list)
    involvements: list[Involvement] = field(default_factory=list)


def memory_sources(facts: Facts, sealer: Sealer) -> Sources:
    """Every port over the facts."""
    contacts = {contact.key: contact for contact in facts.contacts}
    reports = {report.number: report for report in facts.reports}
    journeys = {journey.key: journey for journey in facts.journeys}

    def sees_contact(contact: Contact, scope: Scope) -> bool:
        return scope.everyone or (scope.bsn is not None and contact.citizen_bsn == scope.bsn)

    def sees_report(report: Report, scope: Scope) -> bool:
        if scope.everyone:
            return scope.confidential or not report.confidential
        return scope.bsn is not None and report.citizen_bsn == scope.bsn

    def sees_journey(journey: Journey, scope: Scope) -> bool:
        return scope.everyone or (scope.bsn is not None and citizens_of(journey) == [scope.bsn])

    def linked_reports(contact: Contact) -> list[str]:
        return [number for key, number in facts.subjects.values() if key == contact.key]

    def of_kind(journey: Journey, kind: str) -> list[str]:
        return [each.entry_key for each in facts.entries if each.journey_key == journey.key and each.kind.value == kind]

    def channels_of(journey: Journey) -> list[str]:
        return [code for key, _, code in facts.journey_channels if key == journey.key]

    owners = {key: each.bsn for each in facts.citizens for key in citizen_keys(sealer, each.bsn)}

    def citizens_of(journey: Journey) -> list[str]:
        return [owners[journey.citizen_key]] if journey.citizen_key in owners else []

    return Sources(
        citizens=MemoryCollection(
            "persons",
            facts.citizens,
            key=lambda each: each.bsn,
            order=lambda each: (each.bsn,),
            visible=lambda each, scope: scope.everyone or each.bsn == scope.bsn,
            matches=matches_citizen,
        ),
        channels=MemoryCollection(
            "servicemodule",
            facts.channels,
            key=lambda each: each.code,
            order=lambda each: (each.code,),
            visible=lambda *_: True,
            public=True,
        ),
        agents=MemoryCollection(
            "servicemodule",
            facts.agents,
            key=lambda each: each.key,
            order=lambda each: (each.key,),
            visible=lambda *_: True,
        ),
        contacts=MemoryCollection(
            "servicemodule",
            facts.contacts,
            key=lambda each: each.key,
            order=lambda each: (each.occurred_at, each.key),
            descending=True,
            visible=sees_contact,
            matches=matches_contact,
            links={
                "citizen": lambda each: [each.citizen_bsn] if each.citizen_bsn else [],
                "report": linked_reports,
            },
        ),
        attachments=_pairs(
            "servicemodule",
            facts.attachments,
            visible=lambda key, scope: sees_contact(contacts[key], scope),
        ),
        contact_subjects=_pairs(
            "servicemodule",
            facts.subjects,
            visible=lambda key, scope: sees_contact(contacts[key], scope),
        ),
        reports=MemoryCollection(
            "incidents",
            facts.reports,
            key=lambda each: each.number,
            order=lambda each: (each.filed_at, each.number),
            descending=True,
            visible=sees_report,
            matches=matches_report,
            links={"citizen": lambda each: [each.citizen_bsn] if each.citizen_bsn else []},
        ),
        status_changes=MemoryCollection(
            "incidents",
            facts.status_changes,
            key=lambda each: each.key,
            order=lambda each: (each.at, each.key),
            visible=lambda each, scope: sees_report(reports[each.report_number], scope),
            links={"report": lambda each: [each.report_number]},
        ),
        journeys=MemoryCollection(
            "journeys",
            facts.journeys,
            key=lambda each: each.key,
            order=lambda each: (each.last_active_at, each.key),
            descending=True,
            visible=sees_journey,
            matches=lambda each, wanted: matches_journey(each, wanted, channels_of(each)),
            links={
                "contact": lambda each: of_kind(each, "C"),
                "report": lambda each: of_kind(each, "R"),
                "citizen": citizens_of,
            },
        ),
        journey_entries=MemoryCollection(
            "journeys",
            facts.entries,
            key=lambda each: each.key,
            order=lambda each: (each.at, each.key),
            descending=True,
            visible=lambda each, scope: sees_journey(journeys[each.journey_key], scope),
            matches=matches_entry,
            links={"journey": lambda each: [each.journey_key], "key": lambda each: [each.entry_key]},
        ),
        journey_channels=_Codes(
            "journeys",
            facts.journey_channels,
            key=lambda each: each[1],
            order=lambda each: (each[1],),
            visible=lambda each, scope: sees_journey(journeys[each[0]], scope),
            links={"journey": lambda each: [each[0]]},
        ),
        handovers=MemoryCollection(
            "journeys",
            facts.handovers,
            key=lambda each: each.key,
            order=lambda each: (each.at, each.key),
            visible=lambda each, scope: sees_journey(journeys[each.journey_key], scope),
            links={"journey": lambda each: [each.journey_key]},
        ),
        contact_log=_log("servicemodule", facts.contacts),
        subject_log=_log("servicemodule", subjects_of(facts)),
        status_log=_log("incidents", facts.status_changes),
        involvement_log=_log("incidents", facts.involvements),
        journey_log=_log("journeys", facts.news),
        back_ends=(
            MemoryBackEnd("persons", ("Citizen",)),
            MemoryBackEnd("servicemodule", ("Channel", "Contact", "Agent", "Attachment")),
            MemoryBackEnd("incidents", ("Report", "StatusChange")),
            MemoryBackEnd("journeys", ("Journey", "Handover")),
        ),
    )


def subjects_of(facts: Facts) -> list[ContactSubject]:
    """The explicit links, as lines of a log."""
    return [ContactSubject(serial, contact, number) for serial, (contact, number) in facts.subjects.items()]


def matches_citizen(citizen: Citizen, match: CitizenMatch) -> bool:
    if match.bsn is not None:
        return citizen.bsn == match.bsn
    if match.phone is not None:
        return citizen.phone == e164(match.phone)
    if match.email is not None:
        return (citizen.email or "").lower() == match.email.lower()
    return match.name is not None and _has_name(citizen, match.name)


def matches_contact(contact: Contact, wanted: ContactFilter) -> bool:
    channel = contact.channel.code if contact.channel else None
    unit = contact.handled_by.unit if contact.handled_by else None
    return (
        (wanted.channel is None or channel in wanted.channel)
        and (wanted.direction is None or contact.direction is wanted.direction)
        and (wanted.unit is None or unit == wanted.unit)
        and (wanted.phone is None or contact.phone == e164(wanted.phone))
        and (wanted.since is None or contact.occurred_at >= wanted.since)
        and (wanted.until is None or contact.occurred_at < wanted.until)
        and (wanted.unassigned is None or (contact.handled_by is None) is wanted.unassigned)
    )


def matches_report(report: Report, wanted: ReportFilter) -> bool:
    return (
        (wanted.number is None or report.number in wanted.number)
        and (wanted.status is None or report.status in wanted.status)
        and (wanted.kind is None or report.kind in wanted.kind)
        and (wanted.unit is None or report.unit == wanted.unit)
        and (wanted.since is None or report.filed_at >= wanted.since)
        and (wanted.until is None or report.filed_at < wanted.until)
    )


def matches_journey(journey: Journey, wanted: JourneyFilter, channels: list[str]) -> bool:
    return (
        (wanted.state is None or journey.state in wanted.state)
        and (wanted.channel is None or any(code in wanted.channel for code in channels))
        and (wanted.since is None or journey.last_active_at >= wanted.since)
        and (wanted.until is None or journey.last_active_at < wanted.until)
    )


def matches_entry(entry: JourneyEntry, wanted: EntryFilter) -> bool:
    return entry.kind.value in wanted.kinds


def _has_name(citizen: Citizen, name: NameMatch) -> bool:
    born = name.birth_date.isoformat() if name.birth_date else None
    return (
        (citizen.family_name or "").lower() == name.family_name.lower()
        and (name.given_names is None or (citizen.given_names or "").lower().startswith(name.given_names.lower()))
        and (born is None or citizen.birth_date == born)
    )


class _Codes(MemoryCollection[Any, None]):
    """Rows of (parent, ordinal, value) that are given as their values."""

    def _page(self, records: Any, page: Any) -> Any:
        found = super()._page(records, page)
        return replace(found, rows=[each[-1] for each in found.rows])

    async def by_ids(self, ids: Any, scope: Scope) -> Any:
        return [None if each is None else each[-1] for each in await super().by_ids(ids, scope)]


def _pairs(source: str, pairs: dict[int, tuple[int, Any]], *, visible: Any) -> _Codes:
    """Values that hang on a contact, by their serial."""
    return _Codes(
        source,
        [(parent, serial, value) for serial, (parent, value) in pairs.items()],
        key=lambda each: each[1],
        order=lambda each: (each[1],),
        visible=lambda each, scope: visible(each[0], scope),
        links={"contact": lambda each: [each[0]]},
    )


def _log(source: str, records: list[Any]) -> MemoryLog[Any]:
    log: MemoryLog[Any] = MemoryLog(source)
    for record in sorted(records, key=lambda each: each.key):
        log.append(record)
    return log

"""A second opinion on who may see what: slow, simple, written from docs/access.md, sharing no code with the server.

It looks at the rows of a small world, and tells each object as a viewer should get it: as JSON, with "!CODE" for a
field that is refused.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sources.sealing import citizen_key
from support.askers import Asker
from support.back_ends import SEALER
from support.marks import AMSTERDAM
from support.small_world import Row, World

Json = Any

FORBIDDEN = "!FORBIDDEN"
PURPOSE_REQUIRED = "!PURPOSE_REQUIRED"

DIRECTIONS = {"I": "INBOUND", "U": "OUTBOUND"}
KINDS = {"MELD": "NOTIFICATION", "AANG": "CRIME_REPORT", "TIP": "TIP", "GEVV": "LOST_PROPERTY"}
STATUSES = {
    "ONTV": "RECEIVED",
    "BEOO": "UNDER_ASSESSMENT",
    "WACH": "AWAITING_INFORMATION",
    "OPSP": "IN_INVESTIGATION",
    "OVER": "TRANSFERRED",
    "AFGE": "CLOSED",
}
PURPOSES = ("intake",)
_ADDRESS = ("street", "houseNumber", "postalCode", "city", "lines", "country")


def global_id(kind: str, key: object) -> str:
    return urlsafe_b64encode(f"{kind}:{key}".encode()).rstrip(b"=").decode()


def id_of_citizen(bsn: str) -> str:
    return global_id("Citizen", citizen_key(SEALER, bsn))


class Oracle:
    """What one viewer may see of a world."""

    def __init__(self, world: World, asker: Asker) -> None:
        self._rows = world.rows
        self._asker = asker
        self._bsn = world.bsn_of(asker)
        self.handles = asker.role in ("AGENT", "SUPERVISOR") and asker.purpose in PURPOSES
        self._is_cleared = asker.role == "SUPERVISOR" or asker.clearance

    @property
    def refusal(self) -> str | None:
        """What everything personal is answered with; None for those who may ask for it."""
        if self.handles or self._asker.role == "CITIZEN":
            return None
        return PURPOSE_REQUIRED if self._asker.role in ("AGENT", "SUPERVISOR") else FORBIDDEN

    @property
    def refusal_of_agents(self) -> str | None:
        """What the id of an employee is answered with."""
        return FORBIDDEN if self._asker.role == "CITIZEN" else self.refusal

    def everything(self) -> dict[str, list[Json]]:
        """Every object that the viewer may see, by its type, in the order of its list."""
        return {
            "Citizen": [self._citizen(row) for row in self.people()],
            "Contact": [self._contact(row) for row in self.contacts()],
            "Attachment": [self._attachment(row) for row in self.attachments()],
            "Report": [self._report(row) for row in self.reports()],
            "StatusChange": [self._status_change(row) for row in self.status_changes()],
            "Journey": [self._journey(row) for row in self.journeys()],
            "Handover": [self._handover(row) for row in self.handovers()],
            "Agent": [self._agent(row) for row in self.agents()],
            "Channel": [self._whole_channel(row) for row in self._rows["kanaal"]],
        }

    # Which rows the viewer may see

    def people(self) -> list[Row]:
        return [row for row in self._rows["persoon"] if self.handles or row["bsn"] == self._bsn]

    def contacts(self) -> list[Row]:
        seen = [row for row in self._rows["klantcontact"] if self.handles or self.is_own(row["bsn"])]
        return sorted(seen, key=lambda row: (row["tijdstip"], row["nummer"]), reverse=True)

    def attachments(self) -> list[Row]:
        seen = {row["nummer"] for row in self.contacts()}
        return [row for row in self._rows["bijlage"] if row["klantcontact_nummer"] in seen]

    def reports(self) -> list[Row]:
        if self.handles:
            seen = [row for row in self._rows["incident"] if self._is_cleared or not row["vertrouwelijk"]]
        else:
            seen = [row for row in self._rows["incident"] if any(map(self.is_own, self._reporters(row["nummer"])))]
        return sorted(seen, key=lambda row: (row["aangemaakt_op"], row["nummer"]), reverse=True)

    def status_changes(self) -> list[Row]:
        seen = {row["nummer"] for row in self.reports()}
        changes = [row for row in self._rows["incident_status"] if row["incident_nummer"] in seen]
        return sorted(changes, key=lambda row: (row["tijdstip"], row["volgnummer"]))

    def journeys(self) -> list[Row]:
        own = citizen_key(SEALER, self._bsn) if self._bsn else None
        seen = [row for row in self._rows["journey"] if self.handles or (own and row["citizen_key"] == own)]
        return sorted(seen, key=lambda row: (row["last_active_at"], row["id"]), reverse=True)

    def handovers(self) -> list[Row]:
        seen = {row["id"] for row in self.journeys()}
        return [row for row in self._rows["handover"] if row["journey_id"] in seen]

    def agents(self) -> list[Row]:
        """Those whom the viewer may ask for by id."""
        return self._rows["medewerker"] if self.handles else []

    # How the viewer gets them

    def _citizen(self, row: Row) -> Json:
        bsn = row["bsn"]
        return {
            "id": id_of_citizen(bsn),
            "bsn": bsn,
            "givenNames": row["voornamen"],
            "familyNamePrefix": row["voorvoegsel"],
            "familyName": row["geslachtsnaam"],
            "fullName": f"{row['voornamen']} {row['titel_predicaat']} {row['voorvoegsel']} {row['geslachtsnaam']}",
            "birthDate": _date(row["geboortedatum"]),
            "deceasedOn": _date(row["overlijdensdatum"]),
            "address": self._address(row),
            "email": row["emailadres"],
            "phone": _phone(row["telefoonnummer"]),
            "contacts": _page(_contact_id(each["nummer"]) for each in self.contacts() if each["bsn"] == bsn),
            "reports": _page(
                _report_id(each["nummer"]) for each in self.reports() if bsn in self._reporters(each["nummer"])
            ),
            "journeys": _page(
                global_id("Journey", each["id"])
                for each in self.journeys()
                if each["citizen_key"] == citizen_key(SEALER, bsn)
            ),
        }

    def _contact(self, row: Row) -> Json:
        number = row["nummer"]
        seen = {each["nummer"] for each in self.reports()}
        about = [each for each in self._rows["klantcontact_onderwerp"] if each["klantcontact_nummer"] == number]
        return {
            "id": _contact_id(number),
            "channel": self._channel(row["kanaal_cd"]),
            "direction": DIRECTIONS[row["richting"]],
            "subject": row["onderwerp"],
            "body": row["tekst"],
            "occurredAt": _local(row["tijdstip"]),
            "phone": _phone(row["telefoonnummer"]),
            "handledBy": self._agent_of(row["medewerker_nr"]),
            "location": _location(row, row["nauwkeurigheid_m"], None),
            "attachments": [
                self._attachment(each) for each in self._rows["bijlage"] if each["klantcontact_nummer"] == number
            ],
            "citizen": self._citizen_of(row["bsn"]),
            "journey": self._journey_of("C", str(number)),
            "reports": _page(
                _report_id(each["incident_nummer"])
                for each in sorted(about, key=lambda each: each["volgnummer"])
                if each["incident_nummer"] in seen
            ),
        }

    def _attachment(self, row: Row) -> Json:
        return {
            "id": global_id("Attachment", row["nummer"]),
            "name": row["naam"],
            "mediaType": row["mediatype"],
            "sizeBytes": row["omvang"],
            "url": row["locatie"],
        }

    def _report(self, row: Row) -> Json:
        number = row["nummer"]
        links = self._rows["klantcontact_onderwerp"]
        about = {each["klantcontact_nummer"] for each in links if each["incident_nummer"] == number}
        where = {**dict.fromkeys(_ADDRESS), "street": row["straat"], "city": row["plaats"]}
        return {
            "id": _report_id(number),
            "number": number,
            "kind": KINDS[row["soort_cd"]],
            "category": row["categorie"],
            "title": row["titel"],
            "description": row["omschrijving"],
            "status": STATUSES[row["status_cd"]],
            "statusLabel": self._label(row["status_cd"]),
            "statusHistory": [
                self._status_change(each) for each in self.status_changes() if each["incident_nummer"] == number
            ],
            "unit": row["eenheid"],
            "location": _location(row, None, where),
            "incidentAt": _local(row["pleegtijdstip"]),
            "filedAt": _local(row["aangemaakt_op"]),
            "updatedAt": _local(row["gewijzigd_op"]),
            "confidential": bool(row["vertrouwelijk"]) if self.handles else FORBIDDEN,
            "citizen": self._citizen_of(self._shown_reporter(number)),
            "journey": self._journey_of("R", number),
            "contacts": _page(_contact_id(each["nummer"]) for each in self.contacts() if each["nummer"] in about),
        }

    def _status_change(self, row: Row) -> Json:
        report = next(each for each in self._rows["incident"] if each["nummer"] == row["incident_nummer"])
        return {
            "id": global_id("StatusChange", row["volgnummer"]),
            "report": {"id": _report_id(report["nummer"])},
            "status": STATUSES[row["status_cd"]],
            "label": self._label(row["status_cd"]),
            "previous": row["vorige_status_cd"] and STATUSES[row["vorige_status_cd"]],
            "note": row["notitie"] if self._sees_notes_of(report) else FORBIDDEN,
            "at": _local(row["tijdstip"]),
            "by": self._agent_of(row["medewerker_nr"]),
        }

    def _journey(self, row: Row) -> Json:
        entries = sorted(
            (each for each in self._rows["journey_entry"] if each["journey_id"] == row["id"]),
            key=lambda each: (each["at"], each["position"]),
        )
        contacts = {str(each["nummer"]) for each in self.contacts()}
        reports = {each["nummer"] for each in self.reports()}
        seen_contacts = [each["key"] for each in entries if each["kind"] == "C" and each["key"] in contacts]
        seen_reports = [each["key"] for each in entries if each["kind"] == "R" and each["key"] in reports]
        passed = [each for each in self._rows["journey_channel"] if each["journey_id"] == row["id"]]
        owner = self._owner(row["citizen_key"])
        return {
            "id": global_id("Journey", row["id"]),
            "state": row["state"],
            "subject": self._subject(entries),
            "openedAt": _utc(row["opened_at"]),
            "lastActiveAt": _utc(row["last_active_at"]),
            "closedAt": row["closed_at"] and _utc(row["closed_at"]),
            "channels": [self._channel(each["code"]) for each in sorted(passed, key=lambda each: each["ordinal"])],
            "citizen": self._citizen_of(owner),
            "contacts": _page(_contact_id(key) for key in reversed(seen_contacts)),
            "reports": _page(_report_id(key) for key in reversed(seen_reports)),
            "timeline": _page(self._timeline(row["id"], seen_contacts, seen_reports)),
        }

    def _timeline(self, journey: int, contacts: Iterable[str], reports: Iterable[str]) -> Iterable[str]:
        """By instant, then by the name of the back-end: incidents, journeys, servicemodule."""
        rows = self._rows
        at = {str(row["nummer"]): row["tijdstip"] for row in rows["klantcontact"]}
        entries = [
            *((_local(at[key]), "servicemodule", _contact_id(key)) for key in contacts),
            *(
                (_local(row["tijdstip"]), "incidents", global_id("StatusChange", row["volgnummer"]))
                for row in rows["incident_status"]
                if row["incident_nummer"] in reports
            ),
            *(
                (_utc(row["at"]), "journeys", global_id("Handover", row["id"]))
                for row in rows["handover"]
                if row["journey_id"] == journey
            ),
        ]
        return [key for _, _, key in sorted(entries)]

    def _subject(self, entries: Iterable[Row]) -> str | None:
        """The subject or title of the first entry that the viewer may see."""
        contacts = {str(row["nummer"]): row["onderwerp"] for row in self.contacts()}
        titles = {row["nummer"]: row["titel"] for row in self.reports()}
        subjects = (contacts.get(each["key"]) if each["kind"] == "C" else titles.get(each["key"]) for each in entries)
        return next((each for each in subjects if each), None)

    def _handover(self, row: Row) -> Json:
        return {
            "id": global_id("Handover", row["id"]),
            "from": self._channel(row["from_channel"]),
            "to": self._channel(row["to_channel"]),
            "by": self._agent_of(row["agent_key"]),
            "at": _utc(row["at"]),
            "note": row["note"] if self.handles else FORBIDDEN,
        }

    def _agent(self, row: Row) -> Json:
        return {
            "id": global_id("Agent", row["personeelsnummer"]),
            "name": row["naam"] if self.handles else FORBIDDEN,
            "unit": row["eenheid"],
        }

    # What hangs on them

    def is_own(self, bsn: str | None) -> bool:
        return bsn is not None and bsn == self._bsn

    def _reporters(self, number: str) -> list[str]:
        """The people who made a report, the first one first."""
        involved = sorted(self._rows["betrokkene"], key=lambda row: row["volgnummer"])
        return [row["bsn"] for row in involved if (row["incident_nummer"], row["rol_cd"]) == (number, "AAN")]

    def _shown_reporter(self, number: str) -> str | None:
        """The first who made the report; a citizen who made it with others is told of nobody else."""
        made = self._reporters(number)
        return next(filter(self.is_own, made), next(iter(made), None))

    def _owner(self, key: str | None) -> str | None:
        return next((row["bsn"] for row in self._rows["persoon"] if citizen_key(SEALER, row["bsn"]) == key), None)

    def _sees_notes_of(self, report: Row) -> bool:
        is_of_own_unit = report["eenheid"] is not None and report["eenheid"] == self._asker.unit
        return self.handles and (self._asker.role == "SUPERVISOR" or is_of_own_unit)

    def _address(self, row: Row) -> Json:
        if self.handles and not self._is_cleared and row["indicatie_geheim"]:
            return FORBIDDEN
        if row["straatnaam"] is None:
            return None
        return {
            "street": row["straatnaam"],
            "houseNumber": f"{row['huisnummer']}{row['huisletter']}",
            "postalCode": row["postcode"],
            "city": row["woonplaats"],
            "lines": [row["adresregel1"], row["adresregel2"]],
            "country": row["land"],
        }

    def _citizen_of(self, bsn: str | None) -> Json:
        return {"id": id_of_citizen(bsn)} if bsn in {row["bsn"] for row in self.people()} else None

    def _journey_of(self, kind: str, key: str) -> Json:
        seen = {row["id"] for row in self.journeys()}
        for entry in self._rows["journey_entry"]:
            if (entry["kind"], entry["key"]) == (kind, key) and entry["journey_id"] in seen:
                return {"id": global_id("Journey", entry["journey_id"])}
        return None

    def _agent_of(self, number: str | None) -> Json:
        return next((self._agent(row) for row in self._rows["medewerker"] if row["personeelsnummer"] == number), None)

    def _channel(self, code: str) -> Json:
        return next({"code": row["code"], "name": row["naam"]} for row in self._rows["kanaal"] if row["code"] == code)

    def _whole_channel(self, row: Row) -> Json:
        parts = {"id": global_id("Channel", row["code"]), "medium": "VOICE", "urgent": False, "open": True}
        return {**parts, **self._channel(row["code"])}

    def _label(self, code: str) -> str:
        return next((row["omschrijving"] for row in self._rows["statuscode"] if row["code"] == code), code)


def _contact_id(number: int | str) -> str:
    return global_id("Contact", number)


def _report_id(number: str) -> str:
    return global_id("Report", number)


def _page(ids: Iterable[str]) -> Json:
    """A connection of which everything was asked."""
    nodes = [{"node": {"id": each}} for each in ids]
    return {"totalCount": len(nodes), "edges": nodes, "pageInfo": {"hasNextPage": False, "hasPreviousPage": False}}


def _location(row: Row, accuracy: float | None, address: Json) -> Json:
    if row["breedtegraad"] is None:
        return None
    return {
        "latitude": row["breedtegraad"],
        "longitude": row["lengtegraad"],
        "accuracyMetres": accuracy,
        "address": address,
    }


def _phone(typed: str) -> str:
    return "+31" + typed.replace("-", "").removeprefix("0")


def _date(digits: str | None) -> str | None:
    return digits and f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def _local(written: datetime) -> str:
    return _utc(written.replace(tzinfo=AMSTERDAM).astimezone(UTC))


def _utc(instant: datetime) -> str:
    return instant.replace(tzinfo=None).isoformat() + "Z"

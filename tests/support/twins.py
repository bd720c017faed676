"""What of a small world a viewer may not see, and worlds that differ from it in nothing else."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.access_oracle import Json, Oracle
from support.askers import Asker
from support.small_world import World, build, key_of

LOGS = ("klantcontact", "incident_status", "journey_news")
"""The tables that live updates follow. How far each reaches shows in every live cursor, so their ends stay."""

LOG_PLACES = (("contact:", ".nummer"), ("status:", ".volgnummer"))


@dataclass(frozen=True)
class Hidden:
    """Markers, the places where they stand, and whole rows, by table and primary key, that a viewer may not see."""

    markers: frozenset[str]
    places: frozenset[str]
    rows: frozenset[tuple[str, Any]]


def hidden_from(asker: Asker, world: World) -> Hidden:
    seen = Oracle(world, asker)
    text = "\n".join(texts_in(seen.everything()))
    places = frozenset(place for place, marker in world.markers.items() if marker not in text)
    rows = {
        (table, key_of(table, row))
        for table, keys in _rows_seen(world, seen, text).items()
        for row in world.rows[table]
        if key_of(table, row) not in keys
    }
    return Hidden(frozenset(world.markers[place] for place in places), places, frozenset(rows))


async def changed(world: World, hidden: Hidden, directory: Path) -> World:
    """A world in which everything hidden says something else. Places in the logs stay, and so do instants."""
    logged = {place for place in hidden.places for start, end in LOG_PLACES if _is_between(place, start, end)}
    return await build(directory, changed={place for place in hidden.places - logged if not place.endswith(" at")})


async def removed(world: World, hidden: Hidden, directory: Path) -> World:
    """A world in which nothing hidden exists, but for the ends of the logs."""
    ends = {table: max(world.rows[table], key=lambda row: key_of(table, row)) for table in LOGS}
    kept = {(table, key_of(table, row)) for table, row in ends.items()}
    kept.add(("incident", ends["incident_status"]["incident_nummer"]))
    return await build(directory, removed=hidden.rows - kept)


def texts_in(answer: Json) -> list[str]:
    """Every value in an answer as text, ids and cursors also as what they say."""
    if isinstance(answer, dict):
        return [text for each in answer.values() for text in texts_in(each)]
    if isinstance(answer, list):
        return [text for each in answer for text in texts_in(each)]
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return [text, decoded(text)]


def decoded(text: str) -> str:
    """What is behind a text in base64url; nothing where it is none."""
    try:
        return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)).decode("latin-1")
    except ValueError:
        return ""


def _rows_seen(world: World, seen: Oracle, text: str) -> dict[str, AbstractSet[Any]]:
    """The keys of the rows of which a viewer may see anything."""
    contacts = {row["nummer"] for row in seen.contacts()}
    reports = {row["nummer"] for row in seen.reports()}
    journeys = {row["id"] for row in seen.journeys()}
    statuses, handovers = {row["volgnummer"] for row in seen.status_changes()}, {row["id"] for row in seen.handovers()}
    on_journeys = {"C": {str(number) for number in contacts}, "R": reports}
    told = {"C": contacts, "S": statuses, "H": handovers}
    return {
        "persoon": {row["bsn"] for row in seen.people()},
        "medewerker": {row["personeelsnummer"] for row in world.rows["medewerker"] if row["personeelsnummer"] in text},
        "klantcontact": contacts,
        "klantcontact_onderwerp": {
            row["volgnummer"]
            for row in world.rows["klantcontact_onderwerp"]
            if row["klantcontact_nummer"] in contacts and row["incident_nummer"] in reports
        },
        "bijlage": {row["nummer"] for row in seen.attachments()},
        "incident": reports,
        "incident_status": statuses,
        "betrokkene": {
            row["volgnummer"]
            for row in world.rows["betrokkene"]
            if row["incident_nummer"] in reports
            and row["rol_cd"] == "AAN"
            and (seen.handles or seen.is_own(row["bsn"]))
        },
        "journey": journeys,
        "journey_entry": {
            row["position"]
            for row in world.rows["journey_entry"]
            if row["journey_id"] in journeys and (row["kind"] == "H" or row["key"] in on_journeys[row["kind"]])
        },
        "journey_channel": {
            (row["journey_id"], row["ordinal"])
            for row in world.rows["journey_channel"]
            if row["journey_id"] in journeys
        },
        "journey_news": {
            row["position"]
            for row in world.rows["journey_news"]
            if row["journey_id"] in journeys and row["key"] in told[row["kind"]]
        },
        "handover": handovers,
    }


def _is_between(text: str, start: str, end: str) -> bool:
    return text.startswith(start) and text.endswith(end)

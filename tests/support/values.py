"""The values that documents over a small world are made of."""

from typing import Any

from support.access_oracle import global_id, id_of_citizen
from support.askers import ASKERS
from support.documents import Values
from support.in_process import Served, from_the_beginning
from support.small_world import AGENTS, CHANNELS, World

_KEYS = {
    "Agent": ("medewerker", "personeelsnummer"),
    "Attachment": ("bijlage", "nummer"),
    "Channel": ("kanaal", "code"),
    "Contact": ("klantcontact", "nummer"),
    "Handover": ("handover", "id"),
    "Journey": ("journey", "id"),
    "Report": ("incident", "nummer"),
    "StatusChange": ("incident_status", "volgnummer"),
}
NO_BSN = "999999990"
"""Passes the eleven-test, and is nobody's."""

_CURSORS = """
    {
      Contact: contacts(first: 100) { edges { cursor node { ContactReport: reports { edges { cursor } } } } }
      Report: reports(first: 100) { edges { cursor } }
      Journey: journeys(first: 100) {
        edges {
          cursor
          node {
            JourneyContact: contacts { edges { cursor } }
            JourneyReport: reports { edges { cursor } }
            Timeline: timeline(first: 100) { edges { cursor } }
          }
        }
      }
    }
"""
_PEOPLE = "query($bsn: BSN!) { Citizen: citizens(match: {bsn: $bsn}) { edges { cursor } } }"


async def values_in(served: Served) -> Values:
    """What a world holds, whoever may see it, and one of each kind that nobody has."""
    rows = served.world.rows
    people = rows["persoon"]
    bsns = [*(row["bsn"] for row in people), NO_BSN]
    return Values(
        ids=ids_in(served.world),
        cursors=await _cursors(served, bsns),
        texts={
            "number": [row["nummer"] for row in rows["incident"]] + ["PL1700-1"],
            "phone": [row["telefoonnummer"] for row in (*people, *rows["klantcontact"])] + ["+31612345678"],
            "email": [row["emailadres"].upper() for row in people] + ["nobody@example.nl"],
            "familyName": [row["geslachtsnaam"] for row in people] + ["Niemand"],
            "givenNames": [row["voornamen"][:5] for row in people] + [""],
            "unit": [unit for unit in AGENTS.values() if unit] + ["PL0"],
            "channel": [*CHANNELS, "FAX"],
        },
        bsns=bsns,
        days=[_day(row["geboortedatum"]) for row in people],
        instants=[f"{each.isoformat()}Z" for row in rows["journey_entry"] for each in (row["at"],)],
    )


def ids_in(world: World) -> dict[str, list[str]]:
    """The id of everything that there is by its type, and one of nothing."""
    ids = {kind: [global_id(kind, row[key]) for row in world.rows[table]] for kind, (table, key) in _KEYS.items()}
    people = [id_of_citizen(row["bsn"]) for row in world.rows["persoon"]]
    return {
        **{kind: [*each, global_id(kind, 5)] for kind, each in ids.items()},
        "Citizen": [*people, id_of_citizen(NO_BSN)],
    }


async def _cursors(served: Served, bsns: list[str]) -> dict[str, list[str]]:
    """Of every kind, as a supervisor gets them; those of live updates from the start of all logs, and from later."""
    found: dict[str, list[str]] = {}
    supervisor = ASKERS["supervisor"]
    _gather(await served.answer(supervisor, _CURSORS, {}), found)
    for bsn in bsns:
        _gather(await served.answer(supervisor, _PEOPLE, {"bsn": bsn}), found)
    live = await served.answer(supervisor, "{ liveCursor }", {})
    start = from_the_beginning(served.world.urls)
    found["live"] = [start, start, start, live["data"]["liveCursor"]]
    return found


def _gather(answer: Any, found: dict[str, list[str]], kind: str = "") -> None:
    """Every cursor in an answer, by the name of its connection."""
    if isinstance(answer, dict):
        for name, each in answer.items():
            if name == "cursor":
                found.setdefault(kind, []).append(each)
            else:
                _gather(each, found, name if name[0].isupper() else kind)
    elif isinstance(answer, list):
        for each in answer:
            _gather(each, found, kind)


def _day(digits: str) -> str:
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"

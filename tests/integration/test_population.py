"""The made-up population: the same everywhere and each time, plausible, and made within bounded memory."""

import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sources.bsn import is_bsn
from sources.demo.loading import PostgresDatabases, SqliteFiles, load
from sources.demo.people import bsns
from sources.demo.population import BATCH, Population
from sources.sql import journeys
from sources.sql.incidents import BETROKKENE, INCIDENT, INCIDENT_STATUS
from sources.sql.opening import MAPPINGS
from sources.sql.persons import PERSOON
from sources.sql.servicemodule import KLANTCONTACT, SOURCE
from support.back_ends import Urls, rows_of, run, write

CITIZENS, SEED = 600, 3
BACK_ENDS = [name for name in MAPPINGS if name != journeys.SOURCE]


def made(citizens: int, seed: int = SEED) -> dict[str, list[dict[str, Any]]]:
    """Every row of the back-ends, by table."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for batch in Population(citizens, seed).batches():
        for table, more in batch.rows.items():
            rows[table.name] += more
    return rows


def test_the_same_number_and_seed_make_the_same_rows() -> None:
    assert made(50) == made(50)
    assert made(50) != made(50, SEED + 1)


def test_more_citizens_leave_the_first_as_they_are() -> None:
    few, many = made(50), made(80)
    assert few.keys() == many.keys()
    assert {name: rows == many[name][: len(rows)] for name, rows in few.items()} == dict.fromkeys(few, True)
    assert len(many[PERSOON.name]) == 80


def test_bsns_pass_the_eleven_test_and_none_is_given_twice() -> None:
    given = list(bsns(5_000))
    assert all(map(is_bsn, given))
    assert len(set(given)) == 5_000
    assert given[:600] == [row["bsn"] for row in made(600)[PERSOON.name]]


def test_people_and_their_dealings_are_plausible() -> None:
    rows = made(CITIZENS)
    channels: dict[str, set[str]] = defaultdict(set)
    for contact in rows[KLANTCONTACT.name]:
        channels[contact["bsn"]].add(contact["kanaal_cd"])
    strangers = channels.pop(None)  # pyright: ignore[reportArgumentType]
    assert strangers
    assert sum(len(each) > 1 for each in channels.values()) > CITIZENS / 3, "they hop channels"
    dead = {person["bsn"] for person in rows[PERSOON.name] if person["overlijdensdatum"]}
    assert dead
    assert not dead & channels.keys()
    numbers = {incident["nummer"] for incident in rows[INCIDENT.name]}
    assert {line["incident_nummer"] for line in rows[INCIDENT_STATUS.name]} == numbers
    reporters = Counter(role["incident_nummer"] for role in rows[BETROKKENE.name] if role["rol_cd"] == "AAN")
    assert reporters == Counter(numbers)


def test_memory_does_not_grow_with_the_population() -> None:
    assert _peak(6 * BATCH) < 1.5 * _peak(2 * BATCH)


def test_both_kinds_of_database_hold_the_same_rows(postgres: str, tmp_path: Path) -> None:
    expected = made(CITIZENS)
    targets = [SqliteFiles(tmp_path), PostgresDatabases(postgres, "omniloket_population")]
    for target in targets:
        run(load(target, Population(CITIZENS, SEED), "population", lambda _: None))
        held = run(_held(target.urls))
        assert {name: len(rows) for name, rows in held.items()} == {name: len(expected[name]) for name in held}
        for name, rows in held.items():
            assert _comparable(rows) == _comparable(expected[name]), name
        numbers = [row["nummer"] for row in held[KLANTCONTACT.name]]
        assert run(_next_contact(target.urls)) == max(numbers) + 1


async def _held(urls: Urls) -> dict[str, list[Mapping[Any, Any]]]:
    return {
        table.name: await rows_of(urls[name], table)
        for name in BACK_ENDS
        for table in MAPPINGS[name].metadata.sorted_tables
    }


async def _next_contact(urls: Urls) -> int:
    """The number that the back-end gives to a new contact."""
    new = {"kanaal_cd": "APP", "richting": "I", "tijdstip": datetime.fromisoformat("2026-11-05 12:00")}
    await write(urls[SOURCE], KLANTCONTACT.insert().values(**new))
    return max(row["nummer"] for row in await rows_of(urls[SOURCE], KLANTCONTACT))


def _comparable(rows: Any) -> Counter[tuple[tuple[str, Any], ...]]:
    """Rows as a bag: a column that is left out is NULL, and instants are what is written."""
    return Counter(
        tuple(sorted((name, str(value)) for name, value in row.items() if value is not None)) for row in rows
    )


def _peak(citizens: int) -> int:
    tracemalloc.start()
    for _ in Population(citizens, SEED).batches():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak

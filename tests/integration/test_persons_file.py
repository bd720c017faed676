"""Citizens from a file in the answer form of the persons register's API: each loads, and nothing is lost or misread."""

import json
from pathlib import Path
from typing import Any

import pytest

from sources.demo.brp import PersonsFileError, read_persons
from sources.demo.loading import PostgresDatabases, SqliteFiles, load
from sources.demo.population import Population
from support.back_ends import run
from support.houses import opened

FILE = Path(__file__).resolve().parents[1] / "fixtures" / "brp-persons.json"
QUERY = """
  query Person($bsn: BSN!) {
    citizen(by: { bsn: $bsn }) {
      bsn fullName givenNames familyNamePrefix familyName birthDate deceasedOn email phone
      address { street houseNumber postalCode city lines country }
    }
  }
"""
NOTHING: dict[str, Any] = dict.fromkeys(
    ["givenNames", "familyNamePrefix", "familyName", "birthDate", "deceasedOn", "email", "phone", "address"]
)


def person(full_name: str, *, address: dict[str, Any] | None = None, **known: Any) -> dict[str, Any]:
    """What the answer shows: what is not told is null."""
    nowhere = dict.fromkeys(["street", "houseNumber", "postalCode", "city", "lines", "country"])
    return {**NOTHING, "fullName": full_name, **known, "address": address and {**nowhere, **address}}


EXPECTED = {
    "900000004": person(
        "Jan Willem van der Heide",
        givenNames="Jan Willem ",
        familyNamePrefix="van der",
        familyName="Heide",
        birthDate="1970-05-12",
        address={
            "street": "Burgemeester de Bruinstraat",
            "houseNumber": "9B-1",
            "postalCode": "3011AB",
            "city": "Rotterdam",
        },
    ),
    "900000016": person(
        "Anne Visser",
        givenNames="Anne",
        familyName="Visser",
        birthDate="1970-05",
        address={
            "street": "Kerkstraat",
            "houseNumber": "tegenover 4",
            "postalCode": "2272BV",
            "city": "Leidschendam-Voorburg",
        },
    ),
    "900000028": person("Ahmed Öztürk", givenNames="Ahmed", familyName="Öztürk", birthDate="0970"),
    "900000041": person("Sita Ramdin", givenNames="Sita", familyName="Ramdin"),
    "900000053": person("Piet Dood", givenNames="Piet", familyName="Dood", deceasedOn="2020-02-29"),
    "900000065": person("Wim Verdwenen", givenNames="Wim", familyName="Verdwenen", deceasedOn="XXXX"),
    "900000077": person("Kees Jaartal", givenNames="Kees", familyName="Jaartal", deceasedOn="2008"),
    "900000089": person(
        "Maria Janssens",
        givenNames="Maria",
        familyName="Janssens",
        address={"lines": ["Kortrijksesteenweg 12", "9000 Gent", "postbus 7"], "country": "België"},
    ),
    "900000090": person("Suparman", familyName="Suparman", address={"lines": ["1000 Skopje"], "country": "5113"}),
    "900000107": person("Prince", givenNames="Prince", address={"lines": ["Onderweg"]}),
    "900000119": person(
        "Floris baron van Ter Duin",
        givenNames="Floris",
        familyNamePrefix="van",
        familyName="Ter Duin",
        address={"lines": ["Woonboot tegenover de molen"]},
    ),
    "900000120": person(
        "jonkvrouw Louise de l'Oiseau", givenNames="Louise", familyNamePrefix="de l'", familyName="Oiseau"
    ),
    "900000132": person(""),
    "900000144": person("O'Brien \"van\" 't Hof; --", familyName="O'Brien \"van\" 't Hof; --"),
}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_every_person_loads_and_nothing_is_lost(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    postgres = request.getfixturevalue("postgres") if kind == "postgresql" else None
    target = SqliteFiles(tmp_path) if postgres is None else PostgresDatabases(postgres, "omniloket_persons")
    rows = read_persons(FILE)
    run(load(target, Population(0, 1, rows), "persons", lambda _: None))
    async with opened(target.urls) as ask:
        found = {bsn: (await ask.data(QUERY, bsn=bsn))["citizen"] for bsn in EXPECTED}
    assert found == {bsn: {"bsn": bsn, **each} for bsn, each in EXPECTED.items()}
    assert [row["bsn"] for row in rows] == list(EXPECTED)
    assert [row["bsn"] for row in rows if row["indicatie_geheim"]] == ["900000016"]


GOOD = {"burgerservicenummer": "900000004"}


def dated(**given: Any) -> dict[str, Any]:
    return {**GOOD, "geboorte": {"datum": given}}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({}, "burgerservicenummer"),
        ({"burgerservicenummer": 900000004}, "burgerservicenummer"),
        ({"burgerservicenummer": "90000000"}, "burgerservicenummer"),
        ({"burgerservicenummer": "९०००००००४"}, "burgerservicenummer"),
        (None, "person"),
        ("900000004", "person"),
        ({**GOOD, "naam": "Jansen"}, "naam"),
        ({**GOOD, "naam": {"voornamen": 1}}, "voornamen"),
        ({**GOOD, "naam": {"geslachtsnaam": "Jan\0sen"}}, "geslachtsnaam"),
        ({**GOOD, "geheimhoudingPersoonsgegevens": "false"}, "geheimhoudingPersoonsgegevens"),
        ({**GOOD, "overlijden": {"datum": "2020-01-01"}}, "datum"),
        ({**GOOD, "overlijden": {"datum": {"type": "Datum", "datum": "2020-02-30"}}}, "overlijden.datum"),
        ({**GOOD, "verblijfplaats": {"verblijfadres": {"huisnummer": "9"}}}, "huisnummer"),
        ({**GOOD, "verblijfplaats": {"verblijfadres": {"huisnummer": True}}}, "huisnummer"),
        ({**GOOD, "verblijfplaats": {"verblijfadres": {"huisnummer": 2**63}}}, "huisnummer"),
        ({**GOOD, "verblijfplaats": {"verblijfadres": {"land": "België"}}}, "land"),
        (dated(type="Datum"), "geboorte.datum"),
        (dated(type="Datum", datum="1970-00-00"), "geboorte.datum"),
        (dated(type="Datum", datum=19700101), "geboorte.datum"),
        (dated(type="JaarMaandDatum", jaar=1970), "geboorte.datum"),
        (dated(type="JaarMaandDatum", jaar=1970, maand=13), "geboorte.datum"),
        (dated(type="JaarDatum", jaar="1970"), "geboorte.datum"),
        (dated(type="JaarDatum", jaar=99_999), "geboorte.datum"),
        (dated(type="Eeuw", jaar=1900), "geboorte.datum"),
        (dated(datum="1970-01-01"), "geboorte.datum"),
        ({"burgerservicenummer": "900000016"}, "burgerservicenummer"),
    ],
)
def test_what_cannot_be_read_is_told_by_person_and_field(tmp_path: Path, wrong: object, field: str) -> None:
    file = tmp_path / "persons.json"
    file.write_text(json.dumps([{"burgerservicenummer": "900000016"}, wrong]))
    with pytest.raises(PersonsFileError, match=f"Person 2 of the file: .*{field}") as caught:
        read_persons(file)
    assert "Jan" not in str(caught.value)
    assert "9000" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"[", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"personen": []}']
)
def test_a_file_that_is_no_array_of_persons_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "persons.json"
    file.write_bytes(content)
    with pytest.raises(PersonsFileError, match=r"persons\.json (is not JSON|must hold a JSON array)"):
        read_persons(file)

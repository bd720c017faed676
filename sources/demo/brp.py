"""Persons in the answer form of the national persons register's API (BRP Personen Bevragen), as rows of `persoon`."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, cast

import orjson

from sources.demo.people import Row
from sources.sql.persons import SECRET

Given = Mapping[str, Any]

_DATES = ("Datum", "JaarMaandDatum", "JaarDatum", "DatumOnbekend")
_UNKNOWN_DATE = "00000000"
_HIGHEST_NUMBER = 99_999


class PersonsFileError(Exception):
    """The file cannot be loaded; the message names the person by its place in the file, and the field."""


def read_persons(path: Path) -> list[Row]:
    """Every person of a JSON array, in its order. Raises PersonsFileError."""
    try:
        given = orjson.loads(path.read_bytes())
    except OSError as error:
        raise PersonsFileError(f"{path} cannot be read: {error.strerror}.") from None
    except orjson.JSONDecodeError:
        raise PersonsFileError(f"{path} is not JSON.") from None
    if not isinstance(given, list) or not given:
        raise PersonsFileError(f"{path} must hold a JSON array of persons, not an empty one.")
    return _rows(cast("list[object]", given))


def _rows(persons: Sequence[object]) -> list[Row]:
    rows: dict[str, Row] = {}
    for place, person in enumerate(persons, start=1):
        try:
            row = _row(_object(person, "person"))
        except _Malformed as error:
            raise PersonsFileError(f"Person {place} of the file: {error}.") from None
        if row["bsn"] in rows:
            raise PersonsFileError(f"Person {place} of the file: its burgerservicenummer stands in it twice.")
        rows[row["bsn"]] = row
    return list(rows.values())


class _Malformed(Exception):
    pass


def _row(person: Given) -> Row:
    bsn = person.get("burgerservicenummer")
    if not (isinstance(bsn, str) and len(bsn) == 9 and bsn.isascii() and bsn.isdigit()):
        raise _Malformed("'burgerservicenummer' must be nine digits")
    name = _part(person, "naam")
    title = _part(name, "adellijkeTitelPredicaat")
    secret = person.get("geheimhoudingPersoonsgegevens")
    if secret is not None and not isinstance(secret, bool):
        raise _Malformed("'geheimhoudingPersoonsgegevens' must be true or false")
    return {
        "bsn": bsn,
        "voornamen": _text(name, "voornamen"),
        "titel_predicaat": _text(title, "omschrijving"),
        "titel_soort": _text(title, "soort"),
        "voorvoegsel": _text(name, "voorvoegsel"),
        "geslachtsnaam": _text(name, "geslachtsnaam"),
        "geboortedatum": _date(person, "geboorte"),
        "overlijdensdatum": _date(person, "overlijden") or (_UNKNOWN_DATE if person.get("overlijden") else None),
        "indicatie_geheim": SECRET if secret else 0,
        **_address(_part(_part(person, "verblijfplaats"), "verblijfadres"), _part(person, "gemeenteVanInschrijving")),
    }


def _address(address: Given, municipality: Given) -> Row:
    """In the Netherlands by parts, or a described place (locatie), or the lines of an address abroad."""
    number = address.get("huisnummer")
    if number is not None and (type(number) is not int or not 0 <= number <= _HIGHEST_NUMBER):
        raise _Malformed(f"'huisnummer' must be a number from 0 to {_HIGHEST_NUMBER}")
    return {
        "straatnaam": _text(address, "officieleStraatnaam") or _text(address, "korteStraatnaam"),
        "huisnummer": number,
        "huisletter": _text(address, "huisletter"),
        "huisnummertoevoeging": _text(address, "huisnummertoevoeging"),
        "aanduiding_huisnummer": _text(_part(address, "aanduidingBijHuisnummer"), "omschrijving"),
        "postcode": _text(address, "postcode"),
        # An address from before the national address register has no town: the API's own address lines show the
        # municipality in its place.
        "woonplaats": _text(address, "woonplaats") or (None if number is None else _text(municipality, "omschrijving")),
        "locatiebeschrijving": _text(address, "locatiebeschrijving"),
        "adresregel1": _text(address, "regel1"),
        "adresregel2": _text(address, "regel2"),
        "adresregel3": _text(address, "regel3"),
        "land": _country(_part(address, "land")),
    }


def _country(given: Given) -> str | None:
    """The country's name; its code where the register no longer has a name for it."""
    code = _text(given, "code")
    return _text(given, "omschrijving") or (None if code == "0000" else code)


def _date(person: Given, event: str) -> str | None:
    """The date of an event, of any precision, as eight digits with zeros for what is unknown."""
    given = _part(_part(person, event), "datum")
    try:
        return _digits(given) if given else None
    except (KeyError, TypeError, ValueError):
        raise _Malformed(f"'{event}.datum' must be a date of the type {', '.join(_DATES)}") from None


def _digits(given: Given) -> str:
    """What a date's type says is known of it; raises KeyError, TypeError or ValueError for what is no date."""
    match given["type"]:
        case "Datum":
            return date.fromisoformat(given["datum"]).isoformat().replace("-", "")
        case "JaarMaandDatum":
            return date(given["jaar"], given["maand"], 1).isoformat().replace("-", "")[:6] + "00"
        case "JaarDatum":
            return date(given["jaar"], 1, 1).isoformat()[:4] + "0000"
        case "DatumOnbekend":
            return _UNKNOWN_DATE
        case _:
            raise ValueError


def _part(given: Given, name: str) -> Given:
    value = given.get(name)
    return {} if value is None else _object(value, name)


def _object(value: object, name: str) -> Given:
    if not isinstance(value, dict):
        raise _Malformed(f"'{name}' must be an object")
    return cast("dict[str, Any]", value)


def _text(given: Given, name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise _Malformed(f"'{name}' must be text")
    if value is not None and "\0" in value:
        raise _Malformed(f"'{name}' must be text without U+0000")
    return value

"""The persons register (`persoon`): who citizens are. Its schema is the register's, never migrated by us."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from sources.filters import CitizenMatch, NameMatch
from sources.phone_numbers import e164, typed_forms
from sources.records import Address, Citizen
from sources.scope import Scope
from sources.sql.collection import Own, SqlCollection
from sources.sql.database import Database
from sources.sql.reading import Reader, Row, digits_of, partial_date
from sources.sql.statements import Condition
from sources.sql.tables import table_of

SOURCE = "persons"

SECRET = 7
"""`indicatie_geheim` as the municipal registers code it: 0 none, 7 no disclosure (LO GBA, element 70.10)."""

UNKNOWN_DATE = "XXXX"
"""A date of which even the year is unknown (ISO 8601-2, section 8.2): for a death, which none would deny."""


class Register(SQLModel, registry=registry()):
    """The tables of this database, and of no other."""


class Persoon(Register, table=True):
    """A person by citizen service number (BSN).

    Dates are eight digits with zeros for what is unknown: 19700500 is May 1970, 00000000 an unknown date.
    """

    bsn: str = Field(primary_key=True, max_length=9)
    voornamen: str | None = None
    titel_predicaat: str | None = None
    titel_soort: str | None = None
    voorvoegsel: str | None = None
    geslachtsnaam: str | None = None
    geboortedatum: str | None = Field(default=None, max_length=8)
    overlijdensdatum: str | None = Field(default=None, max_length=8)
    straatnaam: str | None = None
    huisnummer: int | None = None
    huisletter: str | None = None
    huisnummertoevoeging: str | None = None
    aanduiding_huisnummer: str | None = None
    postcode: str | None = None
    woonplaats: str | None = None
    locatiebeschrijving: str | None = None
    adresregel1: str | None = None
    adresregel2: str | None = None
    adresregel3: str | None = None
    land: str | None = None
    indicatie_geheim: int = 0
    emailadres: str | None = None
    telefoonnummer: str | None = None


PERSOON = table_of(Persoon)
_columns = PERSOON.c
_NAME_COLUMNS = [_columns.voornamen, _columns.voorvoegsel, _columns.geslachtsnaam]
_ADDRESS_COLUMNS = [
    _columns.straatnaam,
    _columns.huisnummer,
    _columns.huisletter,
    _columns.huisnummertoevoeging,
    _columns.aanduiding_huisnummer,
    _columns.postcode,
    _columns.woonplaats,
    _columns.locatiebeschrijving,
    _columns.adresregel1,
    _columns.adresregel2,
    _columns.adresregel3,
    _columns.land,
]
FAMILY_NAME = sa.func.lower(_columns.geslachtsnaam)
EMAIL = sa.func.lower(_columns.emailadres)
PHONE = digits_of(_columns.telefoonnummer)

sa.Index("persoon_naam", FAMILY_NAME, _columns.bsn)
sa.Index("persoon_email", EMAIL)
sa.Index("persoon_telefoon", PHONE)


def citizens(database: Database) -> SqlCollection[Citizen, CitizenMatch]:
    """Citizens by BSN, in the order of their BSNs."""
    return SqlCollection(
        database,
        rows=PERSOON,
        columns=list(_columns),
        key=_columns.bsn,
        order=[_columns.bsn],
        read=_READ_CITIZEN,
        visible=_visible,
        narrow=_narrow,
        parts={
            "Citizen.full_name": [_columns.titel_predicaat, _columns.titel_soort, *_NAME_COLUMNS],
            "Citizen.given_names": [_columns.voornamen],
            "Citizen.family_name_prefix": [_columns.voorvoegsel],
            "Citizen.family_name": [_columns.geslachtsnaam],
            "Citizen.birth_date": [_columns.geboortedatum],
            "Citizen.deceased_on": [_columns.overlijdensdatum],
            "Citizen.address": _ADDRESS_COLUMNS,
            "Citizen.email": [_columns.emailadres],
            "Citizen.phone": [_columns.telefoonnummer],
        },
    )


def _visible(scope: Scope, own: Own) -> Condition:
    return sa.true() if scope.everyone else _columns.bsn.in_(own)


def _narrow(match: CitizenMatch) -> Sequence[Condition]:
    if match.bsn is not None:
        return [_columns.bsn == match.bsn]
    if match.phone is not None:
        return [PHONE.in_(typed_forms(match.phone))]
    if match.email is not None:
        return [sa.func.lower(match.email) == EMAIL]
    return _narrow_by_name(match.name) if match.name else [sa.false()]


def _narrow_by_name(name: NameMatch) -> Sequence[Condition]:
    conditions: list[Condition] = [sa.func.lower(name.family_name) == FAMILY_NAME]
    if name.given_names is not None:
        conditions.append(_begins_with(_columns.voornamen, name.given_names))
    if name.birth_date is not None:
        conditions.append(_columns.geboortedatum == name.birth_date.strftime("%Y%m%d"))
    return conditions


def _begins_with(column: sa.ColumnElement[Any], beginning: str) -> Condition:
    """Compared as text, not as a pattern: a name may hold what LIKE takes for a wildcard."""
    return sa.func.lower(sa.func.substr(column, 1, len(beginning))) == sa.func.lower(beginning)


class _Person(Row):
    bsn: str
    voornamen: str | None
    titel_predicaat: str | None
    titel_soort: str | None
    voorvoegsel: str | None
    geslachtsnaam: str | None
    geboortedatum: str | None
    overlijdensdatum: str | None
    straatnaam: str | None
    huisnummer: int | None
    huisletter: str | None
    huisnummertoevoeging: str | None
    aanduiding_huisnummer: str | None
    postcode: str | None
    woonplaats: str | None
    locatiebeschrijving: str | None
    adresregel1: str | None
    adresregel2: str | None
    adresregel3: str | None
    land: str | None
    indicatie_geheim: int
    emailadres: str | None
    telefoonnummer: str | None


def _citizen_of(row: _Person) -> Citizen:
    return Citizen(
        bsn=row.bsn,
        full_name=_full_name(row),
        given_names=row.voornamen,
        family_name_prefix=row.voorvoegsel,
        family_name=row.geslachtsnaam,
        birth_date=partial_date(row.geboortedatum, "geboortedatum"),
        deceased_on=partial_date(row.overlijdensdatum, "overlijdensdatum", unknown=UNKNOWN_DATE),
        address=_address(row),
        secret=row.indicatie_geheim != 0,
        email=row.emailadres,
        phone=e164(row.telefoonnummer),
    )


def _full_name(row: _Person) -> str:
    """A title stands before the family name, a predicate before the given names (Wet op de adeldom)."""
    given, title, prefix = row.voornamen or "", row.titel_predicaat or "", row.voorvoegsel or ""
    family = prefix + ("" if prefix.endswith("'") else " ") + (row.geslachtsnaam or "")
    name = f"{title} {given} {family}" if row.titel_soort == "predicaat" else f"{given} {title} {family}"
    return " ".join(name.split())


def _address(row: _Person) -> Address | None:
    written = (row.locatiebeschrijving, row.adresregel1, row.adresregel2, row.adresregel3)
    lines = [line for line in written if line]
    address = Address(
        street=row.straatnaam,
        house_number=_house_number(row),
        postal_code=row.postcode,
        city=row.woonplaats,
        lines=tuple(lines) or None,
        country=row.land,
    )
    return None if address == _NO_ADDRESS else address


_NO_ADDRESS = Address()


def _house_number(row: _Person) -> str | None:
    """As it is written on an envelope: "9B", "2A-1", "tegenover 4" (opposite number 4)."""
    if row.huisnummer is None:
        return None
    addition = f"-{row.huisnummertoevoeging}" if row.huisnummertoevoeging else ""
    letters = f"{row.huisnummer}{row.huisletter or ''}{addition}"
    return f"{row.aanduiding_huisnummer} {letters}" if row.aanduiding_huisnummer else letters


_READ_CITIZEN = Reader(_Person, _citizen_of)

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
from sources.sql.collection import Condition, Own, SqlCollection
from sources.sql.database import Database
from sources.sql.reading import RowView, digits_of
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
        read=_read,
        visible=_visible,
        narrow=_narrow,
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


def _read(row: RowView) -> Citizen:
    return Citizen(
        bsn=row.text("bsn"),
        full_name=_full_name(row),
        given_names=row.text_or_none("voornamen"),
        family_name_prefix=row.text_or_none("voorvoegsel"),
        family_name=row.text_or_none("geslachtsnaam"),
        birth_date=row.partial_date("geboortedatum"),
        deceased_on=row.partial_date("overlijdensdatum", unknown=UNKNOWN_DATE),
        address=_address(row),
        secret=row.integer("indicatie_geheim") != 0,
        email=row.text_or_none("emailadres"),
        phone=e164(row.text_or_none("telefoonnummer")),
    )


def _full_name(row: RowView) -> str:
    """A title stands before the family name, a predicate before the given names (Wet op de adeldom)."""
    title = row.text_or_none("titel_predicaat")
    is_predicate = row.text_or_none("titel_soort") == "predicaat"
    prefix, family = row.text_or_none("voorvoegsel") or "", row.text_or_none("geslachtsnaam") or ""
    parts = [
        title if is_predicate else None,
        row.text_or_none("voornamen"),
        None if is_predicate else title,
        prefix + family if prefix.endswith("'") else f"{prefix} {family}",
    ]
    return " ".join(" ".join(part for part in parts if part).split())


def _address(row: RowView) -> Address | None:
    written = [row.text_or_none(f"adresregel{line}") for line in (1, 2, 3)]
    lines = [line for line in [row.text_or_none("locatiebeschrijving"), *written] if line]
    address = Address(
        street=row.text_or_none("straatnaam"),
        house_number=_house_number(row),
        postal_code=row.text_or_none("postcode"),
        city=row.text_or_none("woonplaats"),
        lines=tuple(lines) or None,
        country=row.text_or_none("land"),
    )
    return None if address == Address() else address


def _house_number(row: RowView) -> str | None:
    """As it is written on an envelope: "9B", "2A-1", "tegenover 4" (opposite number 4)."""
    number = row.integer_or_none("huisnummer")
    if number is None:
        return None
    addition = row.text_or_none("huisnummertoevoeging")
    letters = f"{number}{row.text_or_none('huisletter') or ''}" + (f"-{addition}" if addition else "")
    marker = row.text_or_none("aanduiding_huisnummer")
    return f"{marker} {letters}" if marker else letters

"""Made-up people, as rows of the persons register."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from faker import Faker

from sources.demo.places import ABROAD, UNITS, Town

Row = dict[str, Any]

FIRST_BSN = 900_000_000
_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2)
_POOL = 1500
_FORMATS = ("06-{0}{1}", "06 {0} {1}", "06{0}{1}", "+316{0}{1}", "+31 (0)6 {0}{1}", "0031 6 {0} {1}")
_LANDLINES = ("0{area}-{line}", "(0{area}) {line}", "0{area}{line}", "+31 {area} {line}")


def bsns(count: int) -> Iterator[str]:
    """The first numbers from FIRST_BSN on that pass the eleven-test, in order."""
    base = FIRST_BSN // 10
    while count > 0:
        digits = str(base)
        check = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True)) % 11
        base += 1
        if check < 10:
            count -= 1
            yield f"{digits}{check}"


@dataclass(frozen=True)
class Names:
    """What names and streets are drawn from."""

    given: tuple[str, ...]
    family: tuple[tuple[str | None, str], ...]
    streets: tuple[str, ...]


def names(seed: int) -> Names:
    """Pools of Dutch names; the same seed gives the same ones."""
    faker = Faker("nl_NL")
    faker.seed_instance(seed)
    return Names(
        given=tuple(faker.first_name() for _ in range(_POOL)),
        family=tuple(_split(faker.last_name()) for _ in range(_POOL)),
        streets=tuple(faker.street_name() for _ in range(_POOL)),
    )


def person(bsn: str, serial: int, town: Town, names: Names, random: Random) -> Row:
    """A row of `persoon`: some with one name, a date of which less is known, an address abroad, secrecy."""
    given, (prefix, family) = _given_names(names, random), random.choice(names.family)
    born = random.randrange(1932, 2009)
    row: Row = {
        "bsn": bsn,
        "voornamen": given,
        "voorvoegsel": prefix,
        "geslachtsnaam": family,
        "geboortedatum": _partial(born, random),
        "overlijdensdatum": _partial(random.randrange(2021, 2024), random) if random.random() < 0.02 else None,
        "indicatie_geheim": 7 if random.random() < 0.02 else 0,
        "emailadres": f"{_plain(given)}.{_plain(family)}{serial}@example.nl" if random.random() < 0.7 else None,
        "telefoonnummer": phone(random) if random.random() < 0.8 else None,
        **(_abroad(random) if random.random() < 0.02 else _address(town, names, random)),
    }
    if random.random() < 0.005:
        row["voornamen" if random.random() < 0.5 else "geslachtsnaam"] = None
        row["voorvoegsel"] = row["voorvoegsel"] if row["geslachtsnaam"] else None
    return row


def phone(random: Random) -> str:
    """A phone number as people type it."""
    if random.random() < 0.85:
        return random.choice(_FORMATS).format(random.randrange(1000, 9999), random.randrange(1000, 9999))
    area, line = random.choice(("10", "20", "30", "40", "70")), random.randrange(2_000_000, 8_000_000)
    return random.choice(_LANDLINES).format(area=area, line=line)


def town_of(random: Random) -> tuple[str, Town]:
    """A unit's code, and a town of it."""
    unit = random.choice(UNITS)
    return unit.code, random.choice(unit.towns)


def _split(name: str) -> tuple[str | None, str]:
    """Prefix (voorvoegsel) and family name: "van der", "Heijden"."""
    words = name.split(" ")
    first = next((index for index, word in enumerate(words) if word[:1].isupper()), 0)
    return " ".join(words[:first]) or None, " ".join(words[first:])


def _given_names(names: Names, random: Random) -> str:
    return " ".join(random.choice(names.given) for _ in range(random.choice((1, 1, 1, 2, 2, 3))))


def _partial(year: int, random: Random) -> str:
    """Eight digits, with zeros for what is unknown."""
    known = random.random()
    month = 0 if known < 0.005 else random.randrange(1, 13)
    day = 0 if known < 0.02 else random.randrange(1, 29)
    return "00000000" if known < 0.001 else f"{year}{month:02}{day:02}"


def _address(town: Town, names: Names, random: Random) -> Row:
    return {
        "straatnaam": random.choice(names.streets),
        "huisnummer": random.randrange(1, 300),
        "huisletter": random.choice("ABC") if random.random() < 0.1 else None,
        "huisnummertoevoeging": random.choice(("1", "2", "hs", "bis")) if random.random() < 0.05 else None,
        "postcode": f"{town.postal_digits + random.randrange(20)}{random.choice('ABCDEFGHJK')}{random.choice('ABC')}",
        "woonplaats": town.name,
    }


def _abroad(random: Random) -> Row:
    *lines, country = random.choice(ABROAD)
    written = [line and line.format(number=random.randrange(1, 200)) for line in lines]
    return {"adresregel1": written[0], "adresregel2": written[1], "adresregel3": written[2], "land": country}


def _plain(name: str) -> str:
    return "".join(letter for letter in name.split(" ")[0].lower() if letter.isascii() and letter.isalpha()) or "post"

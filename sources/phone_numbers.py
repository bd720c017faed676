"""Phone numbers: as typed in back-ends, E.164 in answers."""

import re

import phonenumbers

HOME_REGION = "NL"

_USUAL = re.compile(r"(?:(?:\+31|0031)(?:\(0\))?|0)([1-9]\d{8})", re.ASCII)
"""A Dutch number of nine digits, spaces and hyphens left out: most are typed like this, and read a hundred times faster
so than as any number of the world; those that begin with 0 three times faster still. Each of them is possible.
"""
_AREA = re.compile(r"\((0\d{2,3})\)(\d+)", re.ASCII)
"""An area code in brackets, which says no more than one without."""


def e164(typed: str | None) -> str | None:
    """The number in E.164 ("+31612345678"), or None when it can't be one. Without a prefix it is Dutch."""
    if not typed:
        return None
    bare = typed.replace(" ", "").replace("-", "")
    if len(bare) == 10 and bare[0] == "0" != bare[1] and bare.isdecimal() and bare.isascii():
        return f"+31{bare[1:]}"
    if bare.startswith("("):
        bare = _AREA.sub(r"\1\2", bare, count=1)
    usual = _USUAL.fullmatch(bare)
    if usual is not None:
        return f"+31{usual[1]}"
    return _e164_of_the_world(typed)


def _e164_of_the_world(typed: str) -> str | None:
    try:
        number = phonenumbers.parse(typed, HOME_REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def typed_forms(number: str) -> list[str]:
    """The digits of every common way to type an E.164 number, to look it up among numbers as typed.

    "+31612345678" gives 31612345678, 0031612345678, 310612345678 (for "+31 (0)6 ..."), and for a Dutch number
    0612345678.
    """
    wanted = e164(number)
    if wanted is None:
        return []
    parsed = phonenumbers.parse(wanted, None)
    national, country = str(parsed.national_number), str(parsed.country_code)
    forms = [country + national, "00" + country + national, country + "0" + national, "00" + country + "0" + national]
    if country == str(phonenumbers.country_code_for_region(HOME_REGION)):
        forms.append("0" + national)
    return forms

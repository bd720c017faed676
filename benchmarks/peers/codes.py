"""What is the same in the peers: the back-ends' codes, local time and keys, as Omniloket answers them."""

from sources.sql.incidents import STATUSES

STATUS = {code: status.value for code, status in STATUSES.items()}
"""A code that is not here is OTHER."""


def instant(column: str) -> str:
    """In SQL, the instant of a naive local time: of an hour that was written twice, the first.

    PostgreSQL takes the second; an hour back and forth gives the first, and is an hour late after the clock went
    forward.
    """
    early = f"(({column} - interval '1 hour') AT TIME ZONE 'Europe/Amsterdam' + interval '1 hour')"
    return f"least({column} AT TIME ZONE 'Europe/Amsterdam', {early})"


def utc(column: str) -> str:
    """In SQL, the text of that instant."""
    return f"""to_char({instant(column)} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


def status(column: str) -> str:
    """In SQL, the status that a code stands for."""
    cases = " ".join(f"WHEN '{code}' THEN '{name}'" for code, name in STATUS.items())
    return f"CASE {column} {cases} ELSE 'OTHER' END"


def node_id(kind: str, column: str) -> str:
    """In SQL, the id that clients have for a key."""
    return f"rtrim(encode(convert_to('{kind}:' || {column}, 'UTF8'), 'base64'), '=')"


FULL_NAME = """
    regexp_replace(btrim(concat_ws(' ',
        CASE WHEN p.titel_soort = 'predicaat' THEN p.titel_predicaat END, p.voornamen,
        CASE WHEN p.titel_soort IS DISTINCT FROM 'predicaat' THEN p.titel_predicaat END,
        coalesce(p.voorvoegsel, '') || CASE WHEN p.voorvoegsel LIKE '%''' THEN '' ELSE ' ' END
            || coalesce(p.geslachtsnaam, ''))), ' +', ' ', 'g')
"""
"""In SQL, of a row `p` of persoon."""

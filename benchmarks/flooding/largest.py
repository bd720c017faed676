"""The largest documents and answers that pass the limits, each in another respect. None is an ordinary question."""

from graphql import get_introspection_query

_CITIZEN = "id givenNames familyName fullName birthDate"
_PERSON = f"{_CITIZEN} bsn phone email"
_CONTACT = "id subject body occurredAt direction phone"


def _journeys(pages: int, of_each: str) -> str:
    return f"query Q {{ journeys(first: {pages}) {{ edges {{ node {{ {of_each} }} }} }} }}"


def _contacts(pages: int, of_each: str) -> str:
    return _journeys(pages, f"contacts(first: 100) {{ edges {{ node {{ {of_each} }} }} }}")


def _aliases(field: str, count: int) -> str:
    return " ".join(f"a{number}: {field}" for number in range(count))


def _each(names: str) -> str:
    """Each of some fields as often as it may stand at one place."""
    return " ".join(" ".join([name] * 20) for name in names.split())


_WORDS = " ".join(['"x"'] * 1_900)
_FEW_WORDS = " ".join(['"x"'] * 80)
_STATES = _aliases("journeys(first: 0, filter: { state: $states }) { edges { cursor } }", 20)
_WITH_JOURNEYS = _aliases("journeys(first: 1) { edges { node { id } } }", 2)

LARGEST = {
    "3,999 states in a variable, at 20 places": f"query Q($states: [JourneyState!]) {{ {_STATES} }}",
    "1,000 representations": "query Q($wanted: [_Any!]!) { _entities(representations: $wanted) { __typename } }",
    "1,900 ids in a list": f"query Q {{ nodes(ids: [{_WORDS}]) {{ id }} }}",
    "1,600 values in filters": "query Q { "
    + " ".join(
        f"a{number}: contacts(first: 1, filter: {{ channel: [{_FEW_WORDS}] }}) {{ totalCount }}" for number in range(20)
    )
    + " }",
    "240 operations": "query Q { viewer { role } } "
    + " ".join(f"query Q{number} {{ viewer {{ role }} }}" for number in range(239)),
    "900 fields": f"query Q {{ viewer {{ citizen {{ {_each(_PERSON)} journeys(first: 1) {{ edges {{ node {{ "
    f"{_each('id state subject openedAt closedAt lastActiveAt')} contacts(first: 1) {{ edges {{ node {{ "
    f"{_each(_CONTACT)} citizen {{ {_each(_PERSON)} }} }} }} }} }} }} }} }} }} }}",
    "19 fragments of the same fields": f"query Q {{ viewer {{ {' '.join(f'...F{each}' for each in range(19))} }} }} "
    + " ".join(f"fragment F{number} on Viewer {{ citizen {{ {_WITH_JOURNEYS} }} }}" for number in range(19)),
    "the whole schema": get_introspection_query(
        descriptions=True, input_value_deprecation=True, schema_description=True, specified_by_url=True
    ).replace("IntrospectionQuery", "Q"),
    "4,800 contacts": _contacts(48, "id subject body occurredAt direction"),
    "4,800 contacts, their ids alone": _contacts(48, "id"),
    "4,800 cursors": _journeys(48, "contacts(first: 100) { edges { cursor } }"),
    "1,600 contacts with 48 instants each": _contacts(14, _aliases("occurredAt", 48)),
    "1,600 contacts with 48 ids each": _contacts(14, _aliases("id", 48)),
    "3,200 contacts with their channels": _contacts(32, "id subject channel { code name medium }"),
    "3,200 contacts with their citizens": _contacts(32, f"id citizen {{ {_CITIZEN} }}"),
    "3,200 contacts with their journeys": _contacts(32, "id journey { id state }"),
    "4,800 entries of timelines": _journeys(
        48,
        "timeline(first: 100) { edges { node { __typename ... on Contact { id subject } ... on Handover { at } } } }",
    ),
    "1,900 contacts at the root": "query Q { "
    + " ".join(
        f"a{number}: contacts(first: 100) {{ edges {{ cursor node {{ {_CONTACT} }} }} }}" for number in range(19)
    )
    + " }",
}
"""Documents by name; the operation is Q."""

VARIABLES = {
    "3,999 states in a variable, at 20 places": {"states": ["OPEN"] * 3_999},
    "1,000 representations": {
        "wanted": [{"__typename": "Report", "number": f"PL1700-2026{number:06}"} for number in range(1_000)]
    },
}
"""What goes with some of them."""

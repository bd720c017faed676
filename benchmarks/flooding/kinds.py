"""What a server has to refuse: a request of each kind, anew each time, so that no answer is remembered."""

from collections.abc import Callable, Mapping

import orjson

Make = Callable[[int], bytes]
"""A request as it goes over the connection, from its number."""

_DEPTH, _ALIASES, _REPEATED, _CHAIN, _BRANCHES = 60, 1_000, 10_000, 24, 12
_LARGE = 2_000_000
_NESTED = 100_000
_VALUES = 32_000
_TWICE = 480
_RANGES = 30_000


def kinds(token: str) -> Mapping[str, Make]:
    """By name. All but the last carry a token that holds."""

    def asking(document: Callable[[int], str]) -> Make:
        return lambda number: post(orjson.dumps({"query": document(number)}), token)

    return {
        "1,000 aliases": asking(_aliases),
        "depth 60": asking(_deep),
        "2 MB": asking(_large),
        "10,000 repeated fields": asking(_repeated),
        "a chain of 24 fragments, each spread twice": asking(_chain),
        "3^12 aliased fragments": asking(_branches),
        "variables nested 100,000 deep": lambda number: post(_nested(number), token),
        "32,000 values in a variable": lambda number: post(_values(number), token),
        "480 fields in a fragment defined twice": asking(_twice),
        "30,000 ranges in Accept": lambda number: post(
            orjson.dumps({"query": f"query F{number} {{ viewer {{ role }} }}"}), token, f"accept: {'a,' * _RANGES}"
        ),
        "an unknown document id": lambda number: post(orjson.dumps({"documentId": f"sha256:{number:064x}"}), token),
        "a bad token": lambda number: post(
            orjson.dumps({"query": "{ viewer { role } }"}), f"{token.rpartition('.')[0]}.{number:043d}"
        ),
    }


def post(body: bytes, token: str, *headers: str) -> bytes:
    """A POST with a body and a token, and whatever other headers."""
    lines = [
        "POST /graphql HTTP/1.1",
        "host: 127.0.0.1",
        "content-type: application/json",
        f"authorization: Bearer {token}",
        "omniloket-purpose: intake",
        f"content-length: {len(body)}",
        *headers,
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body


def _aliases(number: int) -> str:
    return f"query F{number} {{ {' '.join(f'a{each}: viewer {{ role }}' for each in range(_ALIASES))} }}"


def _deep(number: int) -> str:
    step = "contacts { edges { node { citizen { journeys { edges { node { "
    steps = _DEPTH // 7 + 1
    start = f"query F{number} {{ viewer {{ citizen {{ journeys {{ edges {{ node {{ "
    return f"{start}{step * steps} id {'} ' * (7 * steps + 6)}"


def _large(number: int) -> str:
    field = "viewer { role } "
    return f"query F{number} {{ {field * (_LARGE // len(field))} }}"


def _repeated(number: int) -> str:
    return f"query F{number} {{ viewer {{ {'role ' * _REPEATED} }} }}"


def _chain(number: int) -> str:
    links = (f"fragment L{each} on Viewer {{ ...L{each + 1} ...L{each + 1} }}" for each in range(_CHAIN))
    return f"query F{number} {{ viewer {{ ...L0 }} }} {' '.join(links)} fragment L{_CHAIN} on Viewer {{ role }}"


def _branches(number: int) -> str:
    """Each fragment asks for the same field by three names, each with the next fragment in it."""
    below = "journeys(first: 1) { edges { node { citizen { ...B%d } } } }"
    fragments = (
        f"fragment B{each} on Citizen {{ {' '.join(f'{alias}: {below % (each + 1)}' for alias in 'xyz')} }}"
        for each in range(_BRANCHES)
    )
    return (
        f"query F{number} {{ viewer {{ citizen {{ ...B0 }} }} }} {' '.join(fragments)} "
        f"fragment B{_BRANCHES} on Citizen {{ id }}"
    )


def _nested(number: int) -> bytes:
    document = b'{"query": "query F%d { viewer { role } }", "variables": {"x": ' % number
    return document + b"[" * _NESTED + b"]" * _NESTED + b"}}"


def _values(number: int) -> bytes:
    query = f"query F{number}($states: [JourneyState!]) {{ journeys(filter: {{ state: $states }}) {{ totalCount }} }}"
    return orjson.dumps({"query": query, "variables": {"states": ["OPEN"] * _VALUES}})


def _twice(number: int) -> str:
    asked = "viewer { role } " * _TWICE
    return f"query F{number} {{ ...A }} fragment A on Query {{ {asked} }} fragment A on Query {{ __typename }}"

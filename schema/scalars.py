"""The scalars: instants, dates, and numbers that are not to be computed with."""

from datetime import UTC, date, datetime
from typing import Any, NewType

import msgspec
from graphql import GraphQLError, ValueNode
from graphql.language import IntValueNode, StringValueNode
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition, scalar

PartialDate = NewType("PartialDate", str)
BSN = NewType("BSN", str)

_json = msgspec.json.Encoder().encode


def _instant(given: object) -> datetime:
    """An aware instant; the message never repeats what was given."""
    if isinstance(given, str):
        try:
            instant = datetime.fromisoformat(given)
        except ValueError:
            instant = None
        if instant is not None and instant.tzinfo is not None and 1 < instant.year < 9999:
            return instant.astimezone(UTC)
    raise GraphQLError("DateTime takes ISO 8601 with an offset, such as 2026-05-12T09:30:00Z.")


def _instant_text(instant: datetime) -> str:
    """ISO 8601 in UTC, with Z. msgspec writes it five times as fast as `isoformat`."""
    in_utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return _json(in_utc)[1:-1].decode()


def _day(given: object) -> date:
    if isinstance(given, str):
        try:
            return date.fromisoformat(given)
        except ValueError:
            pass
    raise GraphQLError("Date takes an ISO 8601 date, such as 1970-05-12.")


def _bsn(given: object) -> str:
    """Any text or number is taken here, so that GraphQL's own messages never repeat one; resolvers check it."""
    return str(given)


def _bsn_literal(node: ValueNode, _variables: object = None) -> str:
    return node.value if isinstance(node, StringValueNode | IntValueNode) else ""


def _unparsed(_given: object) -> Any:
    raise GraphQLError("PartialDate stands in answers only.")


SCALARS: dict[object, ScalarDefinition] = {
    datetime: scalar(
        name="DateTime",
        description="An instant in ISO 8601, given in UTC with Z: 2026-05-12T09:30:00Z. Taken with any offset.",
        serialize=_instant_text,
        parse_value=_instant,
    ),
    date: scalar(
        name="Date",
        description="A calendar date in ISO 8601: 1970-05-12.",
        serialize=date.isoformat,
        parse_value=_day,
    ),
    PartialDate: scalar(
        name="PartialDate",
        description="A date of which less may be known, ISO 8601 with reduced precision: 1970, 1970-05, 1970-05-12.",
        serialize=str,
        parse_value=_unparsed,
    ),
    BSN: scalar(
        name="BSN",
        description="A citizen service number (burgerservicenummer): nine digits that pass the eleven-test.",
        serialize=str,
        parse_value=_bsn,
        parse_literal=_bsn_literal,
    ),
}

CONFIG = StrawberryConfig(scalar_map=SCALARS)

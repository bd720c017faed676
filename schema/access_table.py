"""The rules as a table for people: each field by role."""

from collections.abc import Iterable

from graphql import GraphQLSchema

from schema.access import Claim, Sight
from schema.rules import Hidden, Rule, rules
from sources.records import Role

WORDS = {
    Sight.OWN: "own",
    Sight.UNLESS_CONFIDENTIAL: "unless confidential",
    Sight.UNLESS_SECRET: "unless secret",
    Sight.OWN_UNIT: "own unit",
    Sight.BY_TYPE: "as its type",
}
"""What the table says of a sight; of those that are not here, nothing more than that it is seen."""

SEEN, NOT_SEEN, NOT_BY_ID = "yes", "-", "not by id"


def table(schema: GraphQLSchema, hidden: Hidden | None = None) -> str:
    """The rule of each field, and of each type that has ids, as a table in Markdown."""
    roles = [role.value for role in Role]
    lines = [_row(["", *roles, "decided by"]), _row(["---"] * (len(roles) + 2))]
    lines += [_row([f"`{rule.coordinate}`", *_cells(rule), _claims(rule)]) for rule in rules(schema, hidden)]
    return "\n".join(lines) + "\n"


def _cells(rule: Rule) -> Iterable[str]:
    for role in Role:
        sights = rule.sights.get(role)
        if sights is None:
            yield NOT_SEEN
        elif "." not in rule.coordinate and Sight.NESTED in sights:
            yield NOT_BY_ID
        else:
            yield ", ".join(WORDS[sight] for sight in Sight if sight in sights and sight in WORDS) or SEEN


def _claims(rule: Rule) -> str:
    return ", ".join(claim.value.lower() for claim in Claim if claim in rule.claims)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")

"""Documents over the zoo: everything that plans cover, in any combination."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, cast

from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)
from graphql.utilities import do_types_overlap

ARGUMENTS: Mapping[str, Sequence[str | None]] = {
    "loud": (None, "true", "null", "$loud"),
    "times": ("[1, 2]", "3", "[$number, 4]", "$numbers"),
    "by": ("{key: 1}", '{name: "x"}', "{ranges: [{least: 1}, null]}", "{key: $number}", "$by"),
    "diet": (None, "MEAT", "null", "$diet"),
    "within": (None, '{least: 2, unit: "kg"}', "{least: $number, most: null}", "$within", "null"),
}
"""What may be given for each argument; None leaves it out."""

VARIABLES: Mapping[str, tuple[str, Sequence[Any]]] = {
    "loud": ("Boolean = true", (True, False, None)),
    "number": ("Int!", (0, 7)),
    "numbers": ("[Int!]! = [5]", ([], [1, 2])),
    "by": ("By!", ({"key": 3}, {"ranges": [{"least": 1, "most": None}, None]})),
    "diet": ("Diet", ("LEAVES", None)),
    "within": ("Range = {least: 1}", ({"least": 9}, None)),
    "on": ("Boolean!", (True, False)),
    "off": ("Boolean! = false", (True, False)),
    "perhaps": ("Boolean = true", (True, False)),
}
"""Each variable's declaration, and the values that may be given for it; it may be left out where it has a default."""

MOST_SELECTIONS, DEEPEST, FRAGMENTS = 5, 4, 3


@dataclass(frozen=True)
class Question:
    document: str
    variables: dict[str, Any]


def question(chance: Random, schema: GraphQLSchema) -> Question:
    """A valid document, and values for its variables."""
    return _Writer(chance, schema).question()


class _Writer:
    def __init__(self, chance: Random, schema: GraphQLSchema) -> None:
        self._chance = chance
        self._schema = schema
        composite = [
            each
            for each in schema.type_map.values()
            if isinstance(each, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
            and not each.name.startswith("__")
        ]
        self._conditions = [each for each in composite if each is not schema.query_type]
        self._fragments = {f"F{number}": chance.choice(composite) for number in range(FRAGMENTS)}

    def question(self) -> Question:
        """Fragments may spread those after them; what nothing uses is left out."""
        query = cast("GraphQLObjectType", self._schema.query_type)
        names = list(self._fragments)
        text = f"{{ {self._selections(query, 0, names)} }}"
        for index, (name, type_) in enumerate(self._fragments.items()):
            body = self._selections(type_, 2, names[index + 1 :])
            if f"...{name} " in text:
                text += f" fragment {name} on {type_.name} {{ {body} }}"
        used = [name for name in VARIABLES if any(f"${name}{end}" in text for end in ")], }")]
        declared = ", ".join(f"${name}: {VARIABLES[name][0]}" for name in used)
        variables = {name: self._chance.choice(VARIABLES[name][1]) for name in used if self._is_given(name)}
        return Question(f"query Q{f'({declared})' if used else ''} {text}", variables)

    def _is_given(self, name: str) -> bool:
        declaration = VARIABLES[name][0]
        return declaration.endswith("!") or self._chance.random() < 0.7

    def _selections(self, type_: GraphQLNamedType, depth: int, fragments: Sequence[str]) -> str:
        count = self._chance.randrange(1, MOST_SELECTIONS)
        return " ".join(self._selection(type_, depth, fragments) for _ in range(count))

    def _selection(self, type_: GraphQLNamedType, depth: int, fragments: Sequence[str]) -> str:
        kind = self._chance.random()
        if kind < 0.12 and depth < DEEPEST:
            return self._inline_fragment(type_, depth, fragments)
        if kind < 0.25:
            fitting = [each for each in fragments if self._overlap(type_, self._fragments[each])]
            if fitting:
                return f"...{self._chance.choice(fitting)} {self._directive()}"
        if kind < 0.30 or isinstance(type_, GraphQLUnionType):
            return f"__typename {self._directive()}"
        return self._field(cast("Any", type_), depth, fragments)

    def _inline_fragment(self, type_: GraphQLNamedType, depth: int, fragments: Sequence[str]) -> str:
        fitting = [each for each in self._conditions if self._overlap(type_, each)]
        if not fitting or self._chance.random() < 0.3:
            return f"... {self._directive()} {{ {self._selections(type_, depth + 1, fragments)} }}"
        condition = self._chance.choice(fitting)
        body = self._selections(condition, depth + 1, fragments)
        return f"... on {condition.name} {self._directive()} {{ {body} }}"

    def _field(self, type_: GraphQLObjectType | GraphQLInterfaceType, depth: int, fragments: Sequence[str]) -> str:
        is_deep = depth >= DEEPEST
        names = [name for name, each in type_.fields.items() if not is_deep or is_leaf_type(get_named_type(each.type))]
        if not names:
            return "__typename"
        name = self._chance.choice(names)
        field = type_.fields[name]
        named = get_named_type(field.type)
        below = "" if is_leaf_type(named) else f" {{ {self._selections(named, depth + 1, fragments)} }}"
        return f"{self._called(name, list(field.args))} {self._directive()}{below}"

    def _called(self, name: str, arguments: Sequence[str]) -> str:
        """A field with an alias that tells its arguments, so that no two of a kind contradict each other."""
        chosen = [self._chance.randrange(len(ARGUMENTS[each])) for each in arguments]
        values = {each: ARGUMENTS[each][index] for each, index in zip(arguments, chosen, strict=True)}
        given = [f"{each}: {value}" for each, value in values.items() if value is not None]
        alias = f"{name}{''.join(map(str, chosen))}: " if chosen else self._chance.choice(["", "", f"other_{name}: "])
        return f"{alias}{name}{'(' + ', '.join(given) + ')' if given else ''}"

    def _directive(self) -> str:
        if self._chance.random() < 0.85:
            return ""
        condition = self._chance.choice(["true", "false", "$on", "$off", "$perhaps"])
        return f"@{self._chance.choice(['include', 'skip'])}(if: {condition})"

    def _overlap(self, one: Any, other: Any) -> bool:
        return do_types_overlap(self._schema, one, other)

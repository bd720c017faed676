"""Documents over the whole schema, as a hypothesis strategy: every root and field, reaching for data that is there.

Arguments are drawn from what a world holds, whoever may see it, and a little from what nobody has.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
)
from hypothesis import strategies as st

MEASURED = {
    ("SourceHealth", name) for name in ("available", "checkedAt", "latencyMs", "tailLagMs", "heldBackMs", "heldBackBy")
}
"""Fields that are not asked for: they are measured anew for every answer, so that no two answers are the same."""

ROOTS = ("node", "nodes", "viewer", "citizen", "citizens", "contact", "contacts", "report", "reports", "journey")
ROOTS += (
    "journeys",
    "contacts",
    "reports",
    "journeys",
    "nodes",
    "_entities",
    "_service",
    "channels",
    "sources",
    "liveCursor",
)
PAGING = ("first", "after", "last", "before")
ENTITIES = ("Agent", "Channel", "Citizen", "Contact", "Journey", "Report")
CURSORS = {
    ("Contact", "reports"): "ContactReport",
    ("Journey", "contacts"): "JourneyContact",
    ("Journey", "reports"): "JourneyReport",
    ("Journey", "timeline"): "Timeline",
}
"""The kind of a connection's cursors, where it is not that of its items."""


@dataclass(frozen=True)
class Values:
    """What arguments are drawn from. `ids` by type, `cursors` by kind; `texts` by the argument's name."""

    ids: Mapping[str, Sequence[str]]
    cursors: Mapping[str, Sequence[str]]
    texts: Mapping[str, Sequence[str]]
    bsns: Sequence[str]
    days: Sequence[str]
    instants: Sequence[str]

    def leaning_to(self, is_wanted: Callable[[str], bool]) -> "Values":
        """The same values, some of them more often."""

        def leaning(pool: Sequence[str]) -> Sequence[str]:
            return [*pool, *(each for each in pool if is_wanted(each)), *(each for each in pool if is_wanted(each))]

        return replace(
            self,
            ids={kind: leaning(pool) for kind, pool in self.ids.items()},
            texts={name: leaning(pool) for name, pool in self.texts.items()},
            bsns=leaning(self.bsns),
        )


@dataclass(frozen=True)
class Document:
    """A question with its variables. Subscriptions need a socket; a query may be asked over one as well."""

    text: str
    variables: Mapping[str, Any]
    over_socket: bool


def documents(schema: GraphQLSchema, values: Values) -> st.SearchStrategy[Document]:
    """Any document; most of them valid, and most of those about something that is there.

    Half of them are written by choices of hypothesis, which makes those that fail smaller, and half by a seeded
    generator, which spreads them more evenly.
    """

    @st.composite
    def written(draw: st.DrawFn) -> Document:
        return _Writer(draw(st.randoms(use_true_random=draw(st.booleans()))), schema, values).document()

    return written()


@dataclass
class _Writer:
    """One document while it is written."""

    random: Random
    schema: GraphQLSchema
    values: Values
    variables: dict[str, Any] = field(default_factory=dict[str, Any])
    declared: list[str] = field(default_factory=list[str])
    fragments: list[str] = field(default_factory=list[str])
    names: int = 0
    fields_left: int = 30

    def document(self) -> Document:
        is_subscription = self.chance(25)
        root = self.schema.subscription_type if is_subscription else self.schema.query_type
        assert root is not None
        names = [self.pick(list(root.fields))] if is_subscription else self.some(ROOTS, 1, 2)
        selection = " ".join(self.root_field(root, name) for name in names)
        kind = "subscription" if is_subscription else "query"
        declared = f"({', '.join(self.declared)})" if self.declared else ""
        text = " ".join([f"{kind} Q{declared} {{ {selection} }}", *self.fragments])
        return Document(text, self.variables, is_subscription or self.chance(10))

    # Selections

    def root_field(self, root: GraphQLObjectType, name: str) -> str:
        if name in ("node", "nodes", "_entities"):
            return self.by_identity(name)
        return self.field(root, name, 4)

    def by_identity(self, root: str) -> str:
        """Objects of a few types by their ids, with what such types have."""
        kinds = self.some(ENTITIES if root == "_entities" else list(self.values.ids), 1, 1 if root == "node" else 3)
        if root == "node":
            argument = self.argument("id", "ID!", self.id(kinds[0]))
        elif root == "nodes":
            argument = self.argument("ids", "[ID!]!", [self.id(kind) for kind in self.repeated(kinds)])
        else:
            wanted = [self.representation(kind) for kind in self.repeated(kinds)]
            argument = self.variable("representations", "[_Any!]!", wanted)
        shown = " ".join(f"... on {kind} {self.selection(self.type(kind), 3, mixed=True)}" for kind in kinds)
        return f"{self.alias()}: {root}({argument}) {{ __typename {shown} }}"

    def representation(self, kind: str) -> dict[str, str]:
        given = {"__typename": kind}
        if kind == "Channel":
            return {**given, "code": self.pick(self.values.texts["channel"])}
        if kind == "Report" and self.chance(50):
            return {**given, "number": self.pick(self.values.texts["number"])}
        return {**given, "id": self.id(kind)}

    def field(self, parent: GraphQLObjectType, name: str, depth: int, *, mixed: bool = False) -> str:
        """`mixed`: beside fields of other types, with which it must not be mistaken."""
        definition: GraphQLField = parent.fields[name]
        type_: Any = get_named_type(definition.type)
        arguments = self.arguments(parent, name, definition, depth)
        self.fields_left -= 1
        if is_leaf_type(type_) and not arguments and not mixed and self.chance(85):
            return name
        written = f"{self.alias()}: {name}{arguments}"
        return written if is_leaf_type(type_) else f"{written} {self.selection(type_, depth - 1)}"

    def selection(self, type_: Any, depth: int, *, mixed: bool = False) -> str:
        if is_abstract_type(type_):
            kinds = self.schema.get_possible_types(type_)
            shown = " ".join(f"... on {each.name} {self.selection(each, depth, mixed=True)}" for each in kinds)
            return f"{{ __typename {shown} }}"
        if type_.name.endswith("Connection"):
            return self.page(type_, depth)
        written = "{ " + " ".join(self.fields(type_, depth, mixed=mixed)) + " }"
        if not self.chance(15):
            return written
        name = f"F{self.alias()}"
        self.fragments.append(f"fragment {name} on {type_.name} {written}")
        return f"{{ ...{name} }}"

    def fields(self, type_: GraphQLObjectType, depth: int, *, mixed: bool) -> Iterable[str]:
        leaves = [name for name, each in type_.fields.items() if is_leaf_type(get_named_type(each.type))]
        leaves = [name for name in leaves if (type_.name, name) not in MEASURED]
        deeper = [name for name in type_.fields if name not in leaves and (type_.name, name) not in MEASURED]
        yield from (self.field(type_, name, 0, mixed=mixed) for name in self.some(leaves, 1, 5))
        if deeper and depth > 0 and self.fields_left > 0:
            yield from (self.field(type_, name, depth, mixed=mixed) for name in self.some(deeper, 1, 2))
        elif not leaves:
            yield "__typename"

    def page(self, type_: GraphQLObjectType, depth: int) -> str:
        edge: Any = get_named_type(type_.fields["edges"].type)
        node = self.selection(get_named_type(edge.fields["node"].type), depth)
        cursor = "cursor " if self.chance(25) else ""
        parts = [f"edges {{ {cursor}node {node} }}"]
        parts += ["totalCount"] if self.chance(40) else []
        if self.chance(35):
            parts.append("pageInfo { hasNextPage hasPreviousPage startCursor endCursor }")
        if "incompleteSources" in type_.fields and self.chance(20):
            parts.append("incompleteSources")
        return "{ " + " ".join(parts) + " }"

    # Arguments

    def arguments(self, parent: GraphQLObjectType, name: str, definition: GraphQLField, depth: int) -> str:
        given: list[str] = []
        is_paged = "first" in definition.args
        if is_paged:
            given += self.paging(parent, name, definition, is_root=depth == 4)
        for argument_name, argument in definition.args.items():
            if is_paged and argument_name in PAGING:
                continue
            if isinstance(argument.type, GraphQLNonNull) or self.chance(85 if argument_name == "after" else 40):
                value = self.value(argument_name, argument.type, _meant(name))
                given.append(self.argument(argument_name, str(argument.type), value, argument.type))
        return f"({', '.join(given)})" if given else ""

    def paging(self, parent: GraphQLObjectType, name: str, definition: GraphQLField, *, is_root: bool) -> list[str]:
        item: Any = get_named_type(definition.type)
        kind = CURSORS.get((parent.name, name), item.name.removesuffix("Connection"))
        size = "last" if "last" in definition.args and self.chance(30) else "first"
        given: list[str] = []
        if not is_root or self.chance(60):
            given.append(self.argument(size, "Int", self.pick((1, 2, 3, 5, 0, 100) if is_root else (1, 2, 3))))
        places = [place for place in ("after", "before") if place in definition.args and self.chance(15)]
        return [*given, *(self.argument(place, "String", self.cursor(kind)) for place in places)]

    def argument(self, name: str, type_name: str, value: Any, type_: GraphQLInputType | None = None) -> str:
        if self.chance(50):
            return self.variable(name, type_name, value)
        return f"{name}: {_literal(value, type_)}"

    def variable(self, name: str, type_name: str, value: Any) -> str:
        alias = self.alias()
        self.variables[alias] = value
        self.declared.append(f"${alias}: {type_name}")
        return f"{name}: ${alias}"

    def value(self, name: str, type_: GraphQLInputType, kind: str) -> Any:
        """A value for an argument or input field; `kind`: the type that an id is to be of."""
        if isinstance(type_, GraphQLNonNull):
            return self.value(name, type_.of_type, kind)
        if isinstance(type_, GraphQLList):
            return [self.value(name, type_.of_type, kind) for _ in range(self.pick((1, 2, 3)))]
        if isinstance(type_, GraphQLEnumType):
            return self.pick(list(type_.values))
        if isinstance(type_, GraphQLInputObjectType):
            return self.input(type_, kind)
        by_scalar: dict[str, Callable[[], Any]] = {
            "ID": lambda: self.id(kind),
            "BSN": lambda: self.pick(self.values.bsns),
            "Boolean": lambda: self.chance(50),
            "Date": lambda: self.pick(self.values.days),
            "DateTime": lambda: self.pick(self.values.instants),
            "String": lambda: self.cursor("live") if name == "after" else self.pick(self.values.texts[name]),
        }
        return by_scalar[type_.name]()

    def input(self, type_: GraphQLInputObjectType, kind: str) -> dict[str, Any]:
        names: Iterable[str] = type_.fields
        if type_.is_one_of:
            names = [self.pick(list(type_.fields))]
        else:
            names = [name for name, each in type_.fields.items() if _is_required(each) or self.chance(25)]
        return {name: self.value(name, type_.fields[name].type, kind) for name in names}

    def id(self, kind: str) -> str:
        """Mostly of something that is there; now and then of another type, or changed."""
        chosen = self.pick(self.values.ids[self.pick(list(self.values.ids)) if self.chance(5) else kind])
        return chosen[:-2] + "A" + chosen[-1] if self.chance(5) else chosen

    def cursor(self, kind: str) -> str:
        foreign = self.chance(10)
        return self.pick(self.values.cursors[self.pick(list(self.values.cursors)) if foreign else kind])

    # Choices

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) >= 100 - percent

    def pick(self, options: Sequence[Any]) -> Any:
        return self.random.choice(options)

    def some(self, options: Sequence[str], least: int, most: int) -> list[str]:
        """Different ones, in any order."""
        if not options:
            return []
        wanted = self.random.randint(min(least, len(options)), min(most, len(options)))
        return list(dict.fromkeys(self.pick(options) for _ in range(wanted)))

    def repeated(self, kinds: Sequence[str]) -> list[str]:
        return [self.pick(kinds) for _ in range(self.pick((1, 2, 3, 6)))]

    def alias(self) -> str:
        self.names += 1
        return f"a{self.names}"

    def type(self, name: str) -> Any:
        found = self.schema.type_map[name]
        assert is_object_type(found)
        return found


def _meant(field_name: str) -> str:
    """The type of the ids that a field takes."""
    kinds = {"citizen": "Citizen", "contact": "Contact", "journey": "Journey", "journeyUpdated": "Journey"}
    return kinds.get(field_name, "Report")


def _is_required(definition: GraphQLInputField | GraphQLArgument) -> bool:
    return isinstance(definition.type, GraphQLNonNull)


def _literal(value: Any, type_: Any) -> str:
    """A value as a document writes it; enum values have no quotes."""
    if isinstance(type_, GraphQLNonNull):
        return _literal(value, type_.of_type)
    if isinstance(value, list):
        return f"[{', '.join(_literal(each, type_.of_type if type_ else None) for each in value)}]"
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{name}: {_literal(each, type_.fields[name].type)}" for name, each in value.items()) + "}"
        )
    return value if isinstance(type_, GraphQLEnumType) else json.dumps(value)

"""What one document may ask, looked at before graphql-core: its parser recurses, and its validation is quadratic.

Two looks. The first is at the text, in one pass of a regular expression, twenty times as fast as parsing: how many
tokens, how deeply nested. The second is at what was parsed, fragments where they are spread. How much that is in all is
worked out first, once for each fragment; only what is within bounds is then walked.

Validation looks at every variable of a fragment again for each operation that spreads it, and at each operation some
twenty times; and a list in a fragment is coerced anew wherever that is spread. So values count as selections do, and
further operations as several.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

from engine.fragments import fragments_of
from engine.occurrences import inside, values_of

_TOKEN = re.compile(
    r'"""(?:\\"""|[^"]|"(?!""))*(?:""")?|"(?:[^"\\\n\r]|\\.)*"?|#[^\n\r]*'
    r"|[_A-Za-z]\w*|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\.\.|[!$&()\[\]{}:=@|]",
    re.ASCII | re.DOTALL,
)
"""GraphQL specification, section 2.1. What is no token is for the parser to refuse. A string that does not end, ends
with the text, so that no character is looked at again and again.
"""

OPERATION = 10
"""As how many selections each operation after the first counts."""

FRAGMENTS_IN_EACH_OTHER = 100
"""How long a chain of fragments may be, each spread in the one before: what looks at them recurses."""

CHARACTERS_A_VALUE = 1_000
"""Of a text in variables that stand at several places, as how many values it counts there."""

PAIRS = 50
"""For each of `repetitions`, how many pairs of the same field at one place there may be in the whole document."""

_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")

_NONE: Mapping[str, int] = {}

INTROSPECTION = frozenset({"__schema", "__type"})
"""The fields of the root that show the schema."""

_LISTS_OF_INTROSPECTION = frozenset({"types", "fields", "interfaces", "possibleTypes", "inputFields"})
"""The lists that lead to types: each one within another multiplies the answer."""


@dataclass(frozen=True)
class Limits:
    """What one document may have. Selections, depth, aliases and the rest count with fragments where they are spread.

    `nesting` is of brackets of any kind, in the text and in the JSON of variables; `values` are those in that JSON, at
    any depth, as often as their variable stands in the operation. `selections` are the values in the text as well, and
    each operation after the first is several. `repetitions` of one key in one selection set, and `fragments` that
    stand there, in each other too: validation compares each with each. `introspections` of `__schema` and `__type`
    together, `introspection_depth` of lists that lead to types.
    """

    characters: int = 32_768
    tokens: int = 2_000
    nesting: int = 50
    values: int = 4_000
    selections: int = 1_000
    depth: int = 20
    aliases: int = 50
    root_fields: int = 20
    directives: int = 5
    repetitions: int = 20
    fragments: int = 40
    introspections: int = 2
    introspection_depth: int = 2


class Exceeded(Exception):
    """A document, or its variables, are beyond a limit. `limit`: its name in Limits; the message tells the bound."""

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


def check_text(text: str, limits: Limits) -> None:
    """Raises Exceeded for a text that is not to be parsed."""
    if len(text) > limits.characters:
        raise Exceeded("characters", f"A document may have at most {limits.characters} characters.")
    tokens = _TOKEN.findall(text)
    if len(tokens) > limits.tokens and sum(not each.startswith("#") for each in tokens) > limits.tokens:
        raise Exceeded("tokens", f"A document may have at most {limits.tokens} tokens.")
    depth = 0
    for each in tokens:
        if each in _OPENING:
            depth += 1
            if depth > limits.nesting:
                raise Exceeded("nesting", f"A document may be nested at most {limits.nesting} deep.")
        elif each in _CLOSING:
            depth -= 1


def check_document(document: DocumentNode, limits: Limits) -> bool:
    """Whether the document can be validated. Raises Exceeded, or RecursionError.

    It cannot where fragments go in circles, or where two have one name: only one of them is counted here, and
    validation looks into both.
    """
    fragments = fragments_of(document)
    if len(fragments) < sum(isinstance(each, FragmentDefinitionNode) for each in document.definitions):
        return False
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    sizes = _Sizes(fragments, _defaults(operations))
    total = sum(sizes.values(each) + sizes.of(each.selection_set) for each in operations)
    total += OPERATION * (len(operations) - 1)
    unused = [each for name, each in fragments.items() if name not in sizes.known]
    total += sum(sizes.of(each.selection_set) for each in unused)
    if total > limits.selections:
        raise Exceeded(
            "selections",
            f"A document may have at most {limits.selections} selections and values, fragments counted where they are "
            "spread.",
        )
    if sizes.is_circular:
        return False
    for each in (*operations, *unused):
        _check_directives(each.directives or (), limits)
        _Walk(fragments, limits).start(each.selection_set)
    return True


def _defaults(operations: Sequence[OperationDefinitionNode]) -> Mapping[str, int]:
    """How many values the defaults of variables are, by their names; of several of one name, the most."""
    found: dict[str, int] = {}
    for operation in operations:
        for each in operation.variable_definitions or ():
            if each.default_value is not None:
                name = each.variable.name.value
                found[name] = max(found.get(name, 0), len(list(inside(each.default_value))))
    return found


class _Sizes:
    """How many selections a selection set has, with all below it, and the values in them.

    Each fragment is worked out once. `defaults`: how many values stand for a variable that is left out.
    """

    def __init__(self, fragments: dict[str, FragmentDefinitionNode], defaults: Mapping[str, int]) -> None:
        self.is_circular = False
        self._fragments = fragments
        self._defaults = defaults
        self._depth = 0
        self.known: dict[str, int | None] = {}

    def of(self, selections: SelectionSetNode) -> int:
        return sum(self._one(each) for each in selections.selections)

    def values(self, node: OperationDefinitionNode | SelectionNode) -> int:
        """Those in the arguments and directives that stand there."""
        return sum(
            1 + self._defaults.get(each.name.value, 0) if isinstance(each, VariableNode) else 1
            for each in values_of(node)
        )

    def _one(self, node: SelectionNode) -> int:
        own = 1 + self.values(node)
        if isinstance(node, FragmentSpreadNode):
            return own + self._fragment(node.name.value)
        below: SelectionSetNode | None = getattr(node, "selection_set", None)
        return own if below is None else own + self.of(below)

    def _fragment(self, name: str) -> int:
        if name not in self._fragments:
            return 0
        if name not in self.known:
            if self._depth == FRAGMENTS_IN_EACH_OTHER:
                most = FRAGMENTS_IN_EACH_OTHER
                raise Exceeded("fragments", f"A document may have at most {most} fragments within each other.")
            self.known[name] = None
            self._depth += 1
            self.known[name] = self.of(self._fragments[name].selection_set)
            self._depth -= 1
        known = self.known[name]
        if known is None:
            self.is_circular = True
        return known or 0


@dataclass
class _Walk:
    """Goes through one operation, or a fragment that none spreads; how much that is, is bounded before."""

    fragments: dict[str, FragmentDefinitionNode]
    limits: Limits
    aliases: int = 0
    introspections: int = 0
    pairs: int = 0

    def start(self, selections: SelectionSetNode) -> None:
        self._level([selections], 1, None)

    def _level(self, sets: Sequence[SelectionSetNode], depth: int, lists: int | None) -> None:
        """What is asked at one place, by however many selection sets, `depth` fields down.

        `lists`: how many lead there, each to types; None outside introspection.
        """
        limits = self.limits
        if depth > limits.depth:
            raise Exceeded("depth", f"A document may be at most {limits.depth} fields deep.")
        spread: set[str] = set()
        fields = [node for each in sets for node in self._fields(each, spread)]
        if len(spread) > limits.fragments:
            raise Exceeded("fragments", f"A document may have at most {limits.fragments} fragments at one place.")
        if depth == 1 and len(fields) > limits.root_fields:
            raise Exceeded("root_fields", f"A document may ask at most {limits.root_fields} fields of the root.")
        merged: dict[tuple[str, str], list[FieldNode]] = {}
        for node in fields:
            name = node.name.value
            merged.setdefault((node.alias.value if node.alias else name, name), []).append(node)
        for (_, name), nodes in merged.items():
            self._field(name, nodes, depth, lists)

    def _field(self, name: str, nodes: Sequence[FieldNode], depth: int, lists: int | None) -> None:
        """One field of the answer, by however many places that ask for it."""
        limits = self.limits
        most, most_pairs = limits.repetitions, PAIRS * limits.repetitions
        if len(nodes) > most:
            raise Exceeded("repetitions", f"A document may ask for a field at most {most} times at one place.")
        self.pairs += len(nodes) * (len(nodes) - 1) // 2
        if self.pairs > most_pairs:
            raise Exceeded("repetitions", f"A document may repeat fields in at most {most_pairs} pairs in all.")
        self.aliases += sum(node.alias is not None for node in nodes)
        if self.aliases > limits.aliases:
            raise Exceeded("aliases", f"A document may have at most {limits.aliases} aliases.")
        if lists is not None and any(node.alias is not None for node in nodes):
            # However often it is asked, the schema is a large answer: its price is the same.
            raise Exceeded("aliases", "A document may have no aliases within __schema and __type.")
        self.introspections += len(nodes) if name in INTROSPECTION else 0
        if self.introspections > limits.introspections:
            raise Exceeded("introspections", f"A document may introspect at most {limits.introspections} times.")
        if name in INTROSPECTION:
            lists = 0
        elif lists is not None:
            lists += name in _LISTS_OF_INTROSPECTION
        if lists is not None and lists > limits.introspection_depth:
            raise Exceeded(
                "introspection_depth",
                f"Introspection may have at most {limits.introspection_depth} lists of types or fields in each other.",
            )
        below = [node.selection_set for node in nodes if node.selection_set is not None]
        if below:
            self._level(below, depth + 1, lists)

    def _fields(self, selections: SelectionSetNode, spread: set[str]) -> Iterator[FieldNode]:
        """The fields that stand in a selection set, and in the fragments in it, whose names are added to `spread`."""
        for node in selections.selections:
            _check_directives(node.directives or (), self.limits)
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from self._fields(node.selection_set, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value in self.fragments:
                spread.add(node.name.value)
                yield from self._fields(self.fragments[node.name.value].selection_set, spread)


def check_variables(variables: Mapping[str, Any], limits: Limits, repeated: Mapping[str, int] = _NONE) -> int:
    """How many values JSON holds; declared or not, all of it counts. Raises Exceeded for what is not to be coerced.

    `repeated`: how often variables stand that do so more than once: as often their values are converted, each of them
    in a time that grows with its length.
    """
    held = _held(variables, limits)
    for name, times in repeated.items():
        value = variables.get(name)
        if isinstance(value, dict | list):
            held += (times - 1) * _held(cast("Any", value), limits)
        held += (times - 1) * _long(value)
    if held > limits.values:
        raise _too_many(limits)
    return held


def _held(value: Mapping[str, Any] | list[Any], limits: Limits) -> int:
    """Without recursion: it may be nested deeper than Python's stack."""
    level: list[Any] = [value]
    held = 0
    for _ in range(limits.nesting):
        held += sum(map(len, level))
        if held > limits.values:
            raise _too_many(limits)
        level = [inner for each in level for inner in _inside(each) if isinstance(inner, dict | list)]
        if not level:
            return held
    raise Exceeded("nesting", f"The JSON of variables may be nested at most {limits.nesting} deep.")


def _long(value: Any) -> int:
    """As how many values the long texts in one count besides; its nesting is bounded."""
    if isinstance(value, str):
        return len(value) // CHARACTERS_A_VALUE
    return sum(map(_long, _inside(cast("Any", value)))) if isinstance(value, dict | list) else 0


def _too_many(limits: Limits) -> Exceeded:
    return Exceeded(
        "values", f"The JSON of variables may hold at most {limits.values} values, as often as the document uses them."
    )


def _inside(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _check_directives(directives: Sequence[object], limits: Limits) -> None:
    if len(directives) > limits.directives:
        raise Exceeded("directives", f"A field may have at most {limits.directives} directives.")

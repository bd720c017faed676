"""Documents: parsed and validated once, and remembered within bounds, invalid ones too."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoFragmentCyclesRule,
    UniqueFragmentNamesRule,
    ValuesOfCorrectTypeRule,
    specified_rules,
    validate,
)

from engine.limits import Exceeded, Limits, check_document, check_text
from engine.literal_misfits import FittingValues
from engine.one_of import OneOfVariables
from engine.parsing import parse
from engine.prepared import Prepared
from engine.responses import Response, beyond, invalid, unparsed

_REMEMBERED_CHARACTERS = 1_000
"""How long remembered documents may be on average: a parsed one takes 20 to 200 bytes of memory a character."""

_RULES = (
    *(FittingValues if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules),
    OneOfVariables,
)
_RULES_OF_FRAGMENTS = (UniqueFragmentNamesRule, NoFragmentCyclesRule)
"""For documents whose fragments go in circles or share a name: how long the other rules take is not bounded there."""


@dataclass(frozen=True)
class Document:
    """A document, None when it could not be parsed, and what is wrong with it.

    `prepared`: those of its operations that were asked for, by the name that was given.
    """

    document: DocumentNode | None
    errors: Sequence[Response] = ()
    prepared: dict[str | None, Prepared] = field(default_factory=dict[str | None, Prepared])


@dataclass
class Counts:
    """How often a document was remembered, was not, and had to be forgotten for another."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0


class Documents:
    """The documents of one schema. `most`: how many are remembered; fewer where they are long."""

    def __init__(self, schema: GraphQLSchema, limits: Limits | None, most: int) -> None:
        self._schema = schema
        self._limits = limits
        self._most = most
        self._remembered: OrderedDict[str, Document] = OrderedDict()
        self._pinned: Mapping[str, Document] = {}
        self._characters = 0
        self.counts = Counts()

    @property
    def remembered(self) -> int:
        """How many there are, besides those for good."""
        return len(self._remembered)

    def knows(self, query: str) -> bool:
        """Whether a document has been parsed and validated already, and is remembered."""
        return query in self._remembered or query in self._pinned

    async def pin(self, queries: Iterable[str]) -> Mapping[str, Sequence[Response]]:
        """Remembers these documents for good, instead of those before them. Others have their turn in between.

        Gives what is wrong with each that is; then those before them stay.
        """
        pinned: dict[str, Document] = {}
        for query in queries:
            pinned[query] = self._pinned.get(query) or self._checked(query)
            await asyncio.sleep(0)
        wrong = {query: document.errors for query, document in pinned.items() if document.errors}
        if not wrong:
            self._pinned = pinned
        return wrong

    def known(self, query: str) -> Document:
        """The document of this text."""
        found = self._pinned.get(query)
        if found is not None:
            self.counts.hits += 1
            return found
        found = self._remembered.get(query)
        if found is None:
            self.counts.misses += 1
            found = self._checked(query)
            self._remember(query, found)
        else:
            self.counts.hits += 1
            self._remembered.move_to_end(query)
        return found

    def _remember(self, query: str, document: Document) -> None:
        """In place of those that were not asked for longest, where there are too many or they are too long."""
        most = self._most
        self._remembered[query] = document
        self._characters += len(query)
        while len(self._remembered) > most or self._characters > most * _REMEMBERED_CHARACTERS:
            forgotten, _ = self._remembered.popitem(last=False)
            self._characters -= len(forgotten)
            self.counts.evictions += 1

    def _checked(self, query: str) -> Document:
        """Parsed and validated. A chain of fragments beyond Python's stack is refused as well."""
        try:
            if self._limits is not None:
                check_text(query, self._limits)
            document = parse(query)
            is_bounded = self._limits is None or check_document(document, self._limits)
            rules = _RULES if is_bounded else _RULES_OF_FRAGMENTS
            errors = validate(self._schema, document, rules, max_errors=20, hide_suggestions=True)
        except Exceeded as error:
            return Document(None, [beyond(error)])
        except RecursionError:
            return Document(None, [beyond(Exceeded("nesting", "A document's fragments may not be chained that long."))])
        except GraphQLError as error:
            return Document(None, [unparsed(error)])
        return Document(document, [invalid(error) for error in errors])

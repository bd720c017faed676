"""Parses documents into nodes without tokens.

graphql-core's nodes refer to the tokens that they begin and end with, and each token to the ones before and after it: a
third of what a parsed document consists of, and in circles, so that only the garbage collector takes a forgotten one
away. Where an error is, is told by positions alone.
"""

import re
from bisect import bisect_left
from functools import cached_property
from typing import Any, cast

from graphql import DocumentNode, Location, Source, SourceLocation, Token
from graphql.language.parser import Parser


def parse(text: str) -> DocumentNode:
    """The document of a text; raises GraphQLSyntaxError, or RecursionError for one that is nested too deeply.

    Braces with nothing in them are an error of syntax (GraphQL specification, section 2.8), which graphql-core has to
    be told.
    """
    parser = _Parser(Text(text), allow_empty_selection_sets=False)
    first = parser.first
    try:
        return parser.parse_document()
    finally:
        _let_go(first)


_LINE_TERMINATOR = re.compile(r"\r\n|[\n\r]")
"""GraphQL specification, section 2.1.2."""


class Text(Source):
    """A source that finds its lines once, however many errors need a line and a column."""

    def get_location(self, position: int) -> SourceLocation:
        ends, starts = self._lines
        before = bisect_left(ends, position)
        return SourceLocation(before + 1, position + 1 - starts[before])

    @cached_property
    def _lines(self) -> tuple[list[int], list[int]]:
        """Where lines end, and where they begin."""
        found = list(_LINE_TERMINATOR.finditer(self.body))
        return [each.start() for each in found], [0, *(each.end() for each in found)]


class _Parser(Parser):
    """Nodes know where they are, and no tokens."""

    @property
    def first(self) -> Token:
        return self._lexer.token

    def loc(self, start_token: Token) -> Location | None:
        place = super().loc(start_token)
        if place is not None:
            tokens = cast("Any", place)
            tokens.start_token = tokens.end_token = None
        return place


def _let_go(token: Token | None) -> None:
    """Takes a chain of tokens apart, from its first on."""
    while token is not None:
        following, token.next, token.prev = token.next, None, None
        token = following

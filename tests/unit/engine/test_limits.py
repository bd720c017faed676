"""What one document may ask: each limit just within and just beyond, and counts that are those of a naive expansion."""

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from graphql import GraphQLSyntaxError, Lexer, Source, TokenKind, get_introspection_query, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.limits import Exceeded, Limits, check_document, check_text, check_variables

LIMITS = Limits(
    characters=2_000,
    tokens=200,
    nesting=12,
    selections=60,
    depth=8,
    aliases=5,
    root_fields=4,
    directives=2,
    repetitions=3,
    fragments=4,
    introspections=1,
    introspection_depth=2,
)


def _check(text: str, limits: Limits = LIMITS) -> bool:
    check_text(text, limits)
    return check_document(parse(text), limits)


def _deep(most: int) -> str:
    return "{ " + "a { " * (most - 1) + "b" + " }" * most


def _chained(links: int) -> str:
    """Each fragment is spread twice by the one before it: 2^n fields by n fragments."""
    chain = " ".join(f"fragment F{each} on T {{ ...F{each + 1} ...F{each + 1} }}" for each in range(links))
    return f"{{ ...F0 }} {chain} fragment F{links} on T {{ a }}"


def _spread(count: int) -> str:
    """Different fragments at one place."""
    return f"{{ a {{ {' '.join(f'...F{n}' for n in range(count))} }} }} " + " ".join(
        f"fragment F{n} on T {{ f{n} }}" for n in range(count)
    )


def _in_each_other(links: int) -> str:
    """Each fragment is spread by the one before it, at a place of its own."""
    chain = " ".join(f"fragment F{each} on T {{ a {{ ...F{each + 1} }} }}" for each in range(1, links))
    return f"{{ ...F1 }} {chain} fragment F{links} on T {{ a }}"


def _long(tokens: int) -> str:
    """So many tokens, most of them of variables: a variable that is declared has 4, or 5 if it may not be null."""
    left = tokens - 6
    strict = left % 4
    return "query (" + "$v: T! " * strict + "$v: T " * ((left - 5 * strict) // 4) + ") { a }"


def _several(selections: int) -> str:
    """Five operations, of which each is three selections and all but one are ten more; the others are nobody's."""
    operations = " ".join(f"query Q{each} {{ ...F }}" for each in range(5))
    others = " ".join(f"g{each}" for each in range(selections - 5 * 3 - 4 * 10 - 1))
    return f"{operations} fragment F on T {{ f f }} fragment G on T {{ g {{ {others} }} }}"


EDGES: dict[str, tuple[Callable[[int], str], int, str]] = {
    "characters": (lambda n: "{ a } #" + "x" * (n - 7), 2_000, "2000 characters"),
    "tokens": (_long, 200, "200 tokens"),
    "nesting": (lambda n: "{ a(b: " + "[" * (n - 2) + "]" * (n - 2) + ") }", 12, "12 deep"),
    "selections": (lambda n: "{ a { " + " ".join(f"f{each}" for each in range(n - 1)) + " } }", 60, "60 selections"),
    "selections, values": (lambda n: "{ a(b: [" + "1 " * (n - 2) + "]) }", 60, "60 selections"),
    "selections, in objects": (lambda n: "{ a(b: {" + "c: 1 " * (n - 2) + "}) }", 60, "60 selections"),
    "selections, of directives": (lambda n: "{ a @d(b: [" + "1 " * (n - 2) + "]) }", 60, "60 selections"),
    "selections, of the operation's directives": (
        lambda n: "query @d(b: [" + "1 " * (n - 2) + "]) { a }",
        60,
        "60 selections",
    ),
    "selections, defaults": (
        lambda n: "query ($x: T = [" + "1 " * (n // 2 - 3) + "]) { a(b: $x) c(d: $x)" + " e" * (n % 2) + " }",
        60,
        "60 selections",
    ),
    "selections, values in fragments": (
        lambda n: (
            "{ ...F ...F } fragment F on T { a(b: ["
            + "$b " * (n // 2 - 3)
            + "]) }"
            + " fragment G on T { g }" * (n % 2)
        ),
        60,
        "60 selections",
    ),
    "selections, operations": (_several, 60, "60 selections"),
    "depth": (_deep, 8, "8 fields deep"),
    "aliases": (lambda n: "{ a { " + " ".join(f"x{each}: b" for each in range(n)) + " } }", 5, "5 aliases"),
    "root_fields": (lambda n: "{ " + " ".join(f"f{each}" for each in range(n)) + " }", 4, "4 fields of the root"),
    "directives": (lambda n: "{ a " + "@d " * n + "}", 2, "2 directives"),
    "repetitions": (lambda n: "{ a { " + "b " * n + "} }", 3, "3 times at one place"),
    "repetitions, merged": (lambda n: "{ a { b } " + "a { b } " * (n - 1) + "}", 3, "3 times at one place"),
    "fragments": (_spread, 4, "4 fragments at one place"),
    "fragments, in each other": (
        lambda n: (
            "{ a { ...F0 } } "
            + " ".join(f"fragment F{each} on T {{ ...F{each + 1} }}" for each in range(n - 1))
            + f" fragment F{n - 1} on T {{ a }}"
        ),
        4,
        "4 fragments at one place",
    ),
    "fragments, of fields that are merged": (
        lambda n: _spread(n).replace("...F1 ", "} a { ...F1 ", 1),
        4,
        "4 fragments at one place",
    ),
    "introspections": (lambda n: "{ " + "__schema { a } " * n + "}", 1, "1 times"),
    "introspection_depth": (
        lambda n: "{ __schema { types { " + "fields { type { " * (n - 1) + "a" + " } }" * (n - 1) + " } } }",
        2,
        "2 lists of types or fields in each other",
    ),
}


@pytest.mark.parametrize("name", EDGES)
def test_a_document_is_taken_just_within_a_limit_and_refused_just_beyond(name: str) -> None:
    make, most, told = EDGES[name]
    assert _check(make(most))
    with pytest.raises(Exceeded, match=f"at most {told}") as refused:
        _check(make(most + 1))
    assert refused.value.limit == name.partition(",")[0]


def test_pairs_of_the_same_field_are_counted() -> None:
    """Each field that is asked 4 times is 6 pairs."""
    limits = Limits(repetitions=4)
    most = " ".join(f"f{n} " * 4 for n in range(33)) + " g g h h"
    assert _check(f"{{ a {{ {most} }} }}", limits)
    with pytest.raises(Exceeded, match="at most 200 pairs in all") as refused:
        _check(f"{{ a {{ {most} i i }} }}", limits)
    assert refused.value.limit == "repetitions"


def test_every_limit_has_an_edge() -> None:
    of_documents = {each.name for each in dataclasses.fields(Limits)} - {"values"}
    assert {name.partition(",")[0] for name in EDGES} == of_documents


def test_comments_and_strings_are_no_brackets_and_one_token_at_most() -> None:
    text = '{ a(b: "' + "([{" * 50 + '", c: """' + '{ \\""" ' * 50 + '""") # ' + "{" * 50 + "\n }"
    assert _check(text)


def test_a_string_that_does_not_end_takes_one_look() -> None:
    check_text('{ a(b: """' + '\\"' * 900, LIMITS)


@pytest.mark.parametrize("hiding", ["[1" + "-1" * 300 + "]", '"""\\\\""" """ c: [' + "1 " * 300 + "]"])
def test_nothing_hides_tokens(hiding: str) -> None:
    with pytest.raises(Exceeded, match="200 tokens"):
        check_text(f"{{ a(b: {hiding}) }}", LIMITS)


def test_a_block_string_hides_no_brackets() -> None:
    with pytest.raises(Exceeded, match="nested at most 12 deep"):
        check_text('{ a(b: """\\\\""" """ c: ' + "[" * 20 + "]" * 20 + ") }", LIMITS)


def _lexed(text: str) -> int:
    """The tokens of graphql-core's own lexer, as far as it comes."""
    lexer, number = Lexer(Source(text)), 0
    try:
        while lexer.advance().kind is not TokenKind.EOF:
            number += 1
    except GraphQLSyntaxError:
        pass
    return number


pieces = st.sampled_from(
    ['"', '"""', '\\\\"""', "\\", "\n", "# ", "1", "0", "-1", "-", "+", "e", ".", "...", "a", "{", " "]
)


@settings(max_examples=1_000)
@given(st.lists(pieces, max_size=12).map("".join))
def test_a_text_has_at_least_as_many_tokens_as_the_parser_finds(text: str) -> None:
    number = _lexed(text)
    if number > 0:
        with pytest.raises(Exceeded):
            check_text(text, Limits(tokens=number - 1))


@pytest.mark.parametrize("links", [24, 200])
def test_fragments_that_multiply_are_counted_and_not_followed(links: int) -> None:
    with pytest.raises(Exceeded):
        check_document(parse(_chained(links)), LIMITS)


def test_a_chain_of_fragments_has_an_end() -> None:
    limits = Limits(tokens=10_000, depth=1_000)
    assert _check(_in_each_other(100), limits)
    for links in (101, 500):
        with pytest.raises(Exceeded, match="100 fragments within each other") as refused:
            _check(_in_each_other(links), limits)
        assert refused.value.limit == "fragments"


def test_introspection_has_no_aliases_within() -> None:
    limits = Limits(aliases=50, introspections=2)
    assert _check("{ a: __schema { types { name } } b: __schema { queryType { name } } c: d { e: f } }", limits)
    for inner in ("a: types { name }", "types { a: name }", "types { ...F } } } fragment F on __Type { x: name { y "):
        with pytest.raises(Exceeded, match="no aliases within") as refused:
            _check(f"{{ __schema {{ {inner} }} }}", limits)
        assert refused.value.limit == "aliases"


def test_fragments_count_where_they_are_spread() -> None:
    spread = "{ a { ...F } b { ...F } } fragment F on T { c { d } }"
    assert _check(spread, Limits(selections=8))
    with pytest.raises(Exceeded, match="7 selections"):
        _check(spread, Limits(selections=7))


def test_a_fragment_that_nobody_spreads_is_looked_at_as_well() -> None:
    with pytest.raises(Exceeded, match="3 times at one place"):
        _check("{ a } fragment F on T { b b b b }")


def test_the_selections_of_all_operations_count_together() -> None:
    with pytest.raises(Exceeded, match="60 selections"):
        _check(" ".join(f"query Q{each} {{ a {{ ...F }} }}" for each in range(10)) + " fragment F on T { b c d e f }")


@pytest.mark.parametrize(
    "text", ["{ ...F } fragment F on T { ...F }", "{ ...F } fragment F on T { ...G } fragment G on T { a { ...F } }"]
)
def test_fragments_in_a_circle_are_told_of(text: str) -> None:
    assert not _check(text)


def test_two_fragments_of_one_name_are_told_of_before_either_is_looked_into() -> None:
    many = "b { c } " * 480
    assert not _check(f"{{ ...F }} fragment F on T {{ {many} }} fragment F on T {{ a }}", Limits())


def test_a_fragment_that_is_not_there_is_for_validation() -> None:
    assert _check("{ ...F }")


def test_the_usual_introspection_is_well_within() -> None:
    assert _check(get_introspection_query(descriptions=True), Limits(tokens=400, selections=300))


def _nested(depth: int) -> dict[str, Any]:
    found: Any = {}
    for _ in range(depth - 1):
        found = [found]
    return {"x": found}


def test_variables_are_nested_as_deep_as_their_brackets() -> None:
    check_variables(_nested(4), Limits(nesting=5))
    with pytest.raises(Exceeded, match="nested at most 5 deep"):
        check_variables(_nested(5), Limits(nesting=5))
    check_variables({"x": 1, "y": "{" * 99}, Limits(nesting=1))
    with pytest.raises(Exceeded, match="nested at most 50 deep"):
        check_variables(_nested(100_000), Limits())


@pytest.mark.parametrize(
    "variables",
    [{"a": [0, 0, 0, 0]}, {"a": {"b": 0, "c": 0}, "d": [0]}, {"a": [[[0]], []]}, dict.fromkeys("abcde", "x" * 99)],
)
def test_values_in_variables_are_counted_at_any_depth(variables: dict[str, Any]) -> None:
    with pytest.raises(Exceeded, match="hold at most 4 values") as found:
        check_variables(variables, Limits(values=4))
    assert found.value.limit == "values"
    assert check_variables(variables, Limits(values=5)) == 5


@pytest.mark.parametrize(("times", "held"), [(2, 7), (3, 10)])
def test_values_count_as_often_as_their_variable_stands(times: int, held: int) -> None:
    variables = {"a": [1, {"b": 2}], "c": 3, "d": "nothing to convert"}
    repeated = {"a": times, "d": 100, "absent": 100}
    assert check_variables(variables, Limits(values=held + 2), repeated) == held + 2
    with pytest.raises(Exceeded) as refused:
        check_variables(variables, Limits(values=held + 1), repeated)
    assert refused.value.limit == "values"


@pytest.mark.parametrize("value", ["x" * 3_500, ["x" * 1_750, {"y": "x" * 2_750}]])
def test_a_long_text_counts_as_several_values_wherever_else_it_stands(value: Any) -> None:
    """One for every 1,000 characters, at each place but the first."""
    once = check_variables({"a": value}, Limits())
    held = check_variables({"a": value}, Limits(), {"a": 5})
    assert held == once + 4 * 3 + (0 if isinstance(value, str) else 4 * 3)
    with pytest.raises(Exceeded):
        check_variables({"a": value}, Limits(values=held - 1), {"a": 5})


names = st.sampled_from("abc")
fields = st.deferred(lambda: st.builds(_field, names, st.none() | selections))
selections = st.deferred(
    lambda: st.lists(
        fields | st.sampled_from(["...F", "...G"]) | st.builds("... {{ {} }}".format, fields), min_size=1, max_size=4
    )
).map(" ".join)
flat = st.lists(names | st.just("...G"), min_size=1, max_size=3).map(" ".join)


def _field(name: str, below: str | None) -> str:
    return name if below is None else f"{name} {{ {below} }}"


def _expanded(text: str, fragments: dict[str, str]) -> str:
    """Fragments written out where they are spread, each still counting as one selection."""
    for name, body in fragments.items():
        text = text.replace(f"...{name}", f"... {{ {body} }}")
    return text


@given(selections, flat)
def test_selections_are_counted_as_if_fragments_were_written_out(asked: str, first: str) -> None:
    fragments = {"F": first, "G": "a b { c }"}
    text = f"{{ ...F ...G {asked} }} " + " ".join(
        f"fragment {name} on T {{ {each} }}" for name, each in fragments.items()
    )
    written_out = _expanded(f"...F ...G {asked}", fragments)
    number = sum(written_out.count(each) for each in ("...", "a", "b", "c"))
    roomy = Limits(depth=60, repetitions=1_000, root_fields=1_000, selections=number)
    assert check_document(parse(text), roomy)
    with pytest.raises(Exceeded, match="selections"):
        check_document(parse(text), replace(roomy, selections=number - 1))

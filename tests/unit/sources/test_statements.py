"""Statements' texts: made once for each shape, with the values of each time."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.dialects.sqlite import aiosqlite

from sources.sql.statements import IDS, Bound, Conditions, Statements

ROWS = sa.table("rows", sa.column("a", sa.String), sa.column("n", sa.Integer), sa.column("at", sa.DateTime))


class Asking:
    """Asks for rows, and counts how often a statement was made."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self._statements = Statements(dialect)
        self.made = 0

    def __call__(self, *conditions: sa.ColumnElement[bool], limit: int = 5, ids: object = "ids") -> Bound:
        def make() -> sa.Select[Any]:
            self.made += 1
            return sa.select(ROWS.c.a).where(ROWS.c.n == sa.bindparam(IDS, None), *conditions).limit(limit)

        return self._statements.bound(limit, make, Conditions(conditions), {IDS: ids})


@pytest.fixture(params=[asyncpg.dialect(), aiosqlite.dialect()], ids=["postgresql", "sqlite"])
def ask(request: pytest.FixtureRequest) -> Asking:
    return Asking(request.param)


def test_a_text_is_made_once_for_other_ids_and_values(ask: Asking) -> None:
    first, second = ask(ROWS.c.a == "x", ids="1"), ask(ROWS.c.a == "y", ids="2")
    assert ask.made == 1
    assert first.text == second.text
    assert [{"1", "2", "x", "y"} & {*each.values} for each in (first, second)] == [{"1", "x"}, {"2", "y"}]


@pytest.mark.parametrize("values", [("x",), ("x", "y"), ("y", "x", "z"), ()])
def test_lists_of_other_lengths_are_other_shapes(ask: Asking, values: Sequence[str]) -> None:
    bound = ask(ROWS.c.a.in_(("p", "q"))), ask(ROWS.c.a.in_(values))
    assert ask.made == (1 if len(values) == 2 else 2)
    assert [each for each in bound[1].values if each in ("x", "y", "z")] == list(values)


def test_other_conditions_and_other_limits_are_other_shapes(ask: Asking) -> None:
    a, n = ROWS.c.a == "x", ROWS.c.n == 1
    for _ in range(2):
        assert len({ask().text, ask(a).text, ask(n).text, ask(a, n).text}) == 4
        ask(limit=6)
    assert ask.made == 5


def test_values_are_where_the_text_wants_them() -> None:
    ask = Asking(aiosqlite.dialect())
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE rows (a TEXT, n INTEGER, at TEXT)")
    instants = [datetime.fromisoformat(f"2026-05-0{day}") for day in range(1, 7)]
    rows = [("even" if at.day % 2 == 0 else "odd", 7, at.isoformat(" ", "microseconds")) for at in instants]
    database.executemany("INSERT INTO rows VALUES (?, ?, ?)", rows)
    for parity, since, found in [("odd", 2, 2), ("even", 2, 3), ("even", 5, 1)]:
        bound = ask(ROWS.c.at >= datetime.fromisoformat(f"2026-05-0{since}"), ROWS.c.a.in_([parity, "neither"]), ids=7)
        assert len(database.execute(bound.text, bound.values).fetchall()) == found
    database.close()
    assert ask.made == 1

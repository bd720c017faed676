"""Statements as drivers take them: a text that is made once for each shape, and the values of this time.

SQLAlchemy builds and compiles a statement when its shape is new; that costs a hundred times what it takes to find the
text again. Two statements have one shape when they differ in nothing but the ids they ask for and the values that
their conditions compare with.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from msgspec import Struct

IDS = "ids"
"""The name of the parameter that takes the ids."""

LIMIT = "most"
"""The name of the parameter that takes how many rows are read, of each parent where there are several."""

OWN = "own"
"""How the names of the parameters begin that take the forms of the viewer's own citizen service number."""

_MOST = 500
"""Shapes that a collection remembers."""

Condition = sa.ColumnElement[bool]

Values = tuple[Any, ...]
"""A row: its values, in the order of the columns."""

Take = Callable[[Mapping[str, Any], Sequence[Any]], Any]
"""From the values of named parameters and those of the conditions to one of the driver's values."""


class Bound(Struct, frozen=True):
    """A text with the values of its parameters, in order. `columns`: the names of what it gives, in order.

    `keys`: how many it asks for at once.
    """

    text: str
    values: Sequence[Any]
    columns: Sequence[str]
    keys: int = 0


@dataclass(frozen=True)
class _Template:
    text: str
    takes: Sequence[Take]
    columns: Sequence[str]


class _Shape:
    """What a statement depends on besides the values that it compares with. It tells its hash without a look at it."""

    __slots__ = ("_hash", "_key")

    def __init__(self, key: Hashable) -> None:
        self._key = key
        self._hash = hash(key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shape) and self._key == other._key


class Conditions:
    """Conditions of a statement, told apart: their shape, and the values that they compare with.

    To find that out takes SQLAlchemy longer than all the rest: conditions that come back are best kept.
    """

    def __init__(self, conditions: Sequence[Condition] = ()) -> None:
        self.each = conditions
        self.parameters: Sequence[sa.BindParameter[Any]] = ()
        self.values: Sequence[Any] = ()
        self.shape: Hashable = None
        if conditions:
            self._read(sa.and_(sa.true(), *conditions))

    @classmethod
    def of_statement(cls, statement: sa.Select[Any]) -> "Conditions":
        """All that a statement depends on."""
        found = cls()
        found._read(statement)
        return found

    def _read(self, varying: object) -> None:
        key: Any = cast("Any", varying)._generate_cache_key()
        self.parameters = key.bindparams
        self.values = [each.effective_value for each in self.parameters]
        lengths = tuple(len(cast("Any", each)) if isinstance(each, list | tuple) else None for each in self.values)
        self.shape = _Shape((key.key, lengths))


NO_CONDITIONS = Conditions()


class Statements:
    """The statements of one collection or database, by shape."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self._dialect = dialect
        self._templates: OrderedDict[Hashable, _Template] = OrderedDict()

    def bound(
        self,
        shape: Hashable,
        make: Callable[[], sa.Select[Any]],
        conditions: Conditions,
        named: Mapping[str, Any],
        keys: int = 0,
    ) -> Bound:
        """The statement that `make` makes with these conditions; `shape` says what it depends on besides them.

        `named`: the values of parameters that are in the statement by name, whatever its conditions.
        """
        template = self._template((shape, conditions.shape), make, conditions.parameters, named)
        values = conditions.values
        return Bound(template.text, [take(named, values) for take in template.takes], template.columns, keys)

    def of(self, statement: sa.Select[Any]) -> Bound:
        """A statement that is made already."""
        return self.bound(None, lambda: statement, Conditions.of_statement(statement), {})

    def _template(
        self,
        key: Hashable,
        make: Callable[[], sa.Select[Any]],
        parameters: Sequence[sa.BindParameter[Any]],
        named: Mapping[str, Any],
    ) -> _Template:
        found = self._templates.get(key)
        if found is None:
            found = self._templates[key] = self._compiled(make(), parameters, named)
            if len(self._templates) > _MOST:
                self._templates.popitem(last=False)
        else:
            self._templates.move_to_end(key)
        return found

    def _compiled(
        self, statement: sa.Select[Any], parameters: Sequence[sa.BindParameter[Any]], named: Mapping[str, Any]
    ) -> _Template:
        compiled: Any = statement.compile(dialect=self._dialect, compile_kwargs={"render_postcompile": True})
        takes: dict[str, Take] = {name: _named(name) for name in named}
        for index, parameter in enumerate(parameters):
            name = compiled.bind_names[parameter]
            written = compiled._bind_processors.get(name) or _as_it_is
            if parameter.expanding:
                for place in range(len(cast("Any", parameter.effective_value))):
                    takes[f"{name}_{place + 1}"] = _taking(index, place, written)
            else:
                takes[name] = _taking(index, None, written)
        constants: dict[str, Any] = compiled.params
        return _Template(
            compiled.string,
            [takes.get(name) or _constant(constants[name]) for name in compiled.positiontup],
            statement.selected_columns.keys(),
        )


def _named(name: str) -> Take:
    return lambda named, _values: named[name]


def _taking(index: int, place: int | None, written: Callable[[Any], Any]) -> Take:
    if place is None:
        return lambda _named, values: written(values[index])
    return lambda _named, values: written(values[index][place])


def _constant(value: Any) -> Take:
    return lambda _named, _values: value


def _as_it_is(value: Any) -> Any:
    return value

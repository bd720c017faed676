"""A plan: an operation of a document as the executor runs it. `engine.compiling` makes it, once for each operation.

A selection is what one object type is asked for at one or more places: its fields merged, in the order of the
document, fragments taken up and type conditions decided. A plan knows no values: variables stay variables.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution.values import VariableValues

from engine.batching import Batched
from engine.guards import Guard

Conditions = frozenset[tuple[str, bool]]
"""Variables and what each must be, by @include and @skip, for a part of the document to count."""


@dataclass(frozen=True)
class Occurrence:
    """A place in the document that asks for a field, and under which conditions."""

    node: FieldNode
    conditions: Conditions


class Completion(Protocol):
    """Turns what a field's resolver gave into what the answer says, for many parents at once."""

    def complete(self, values: Sequence[Any], run: Any) -> Sequence[Any]: ...


class Arguments(Protocol):
    """The arguments of a field. Raises what is wrong with them."""

    def given(self, variables: VariableValues) -> dict[str, Any]: ...


@dataclass(eq=False, repr=False, kw_only=True)
class Field:
    """A field of a selection. It is one of three kinds: of a batched declaration; read by `read`; `__typename`.

    `attribute`: the name of the attribute that `read` reads, where it does nothing else. `only_selection`: the
    selection of its objects, where all are of one type. `is_alone`: no other field of the plan has its declaration.
    `reads`: the attributes that it reads, as in `Batched`.
    """

    key: str
    name: str
    parent: GraphQLObjectType
    definition: GraphQLField
    occurrences: Sequence[Occurrence]
    completion: Completion
    read: Callable[[Any], Any] | None = None
    attribute: str | None = None
    declaration: Batched | None = None
    is_asynchronous: bool = False
    is_alone: bool = False
    reads: Sequence[str] | None = ()
    arguments: Arguments | None = None
    guard: Guard | None = None
    only_selection: "Selection | None" = None

    @property
    def type(self) -> Any:
        return cast("Any", self.definition).type

    @property
    def is_conditional(self) -> bool:
        return all(each.conditions for each in self.occurrences)


@dataclass(eq=False, repr=False)
class Selection:
    """What objects of one type are asked for.

    `is_one_of_several`: its place in the document has objects of other types as well.

    `columns`: the fields whose values are found for all objects together, before each object's own are read.
    `later`: those that wait for a source. `guarded`: those of the others that not everybody may see. `read_all` makes
    the answer's objects; generated, when it is first needed.
    """

    type: GraphQLObjectType
    fields: Sequence[Field] = ()
    columns: Sequence[Field] = ()
    later: Sequence[Field] = ()
    guarded: Sequence[Field] = ()
    is_conditional: bool = False
    is_one_of_several: bool = False
    read_all: Callable[..., list[dict[str, Any]]] | None = None


@dataclass(eq=False, repr=False)
class Plan:
    """One operation. `deciding_variables`: those by which @include and @skip decide. `selections`: all of them.

    `reads`: the attributes of any object that its fields read, as "Type.attribute"; None where it may be any.
    """

    schema: GraphQLSchema
    document: DocumentNode
    operation: OperationDefinitionNode
    selection: Selection
    deciding_variables: frozenset[str]
    selections: Sequence[Selection] = ()
    reads: frozenset[str] | None = None

    def fields(self) -> Iterator[Field]:
        """The fields of all selections."""
        return (field for selection in self.selections for field in selection.fields)

    def undecided(self, variables: VariableValues) -> str | None:
        """A variable of @include or @skip that is null, as one with a default may be, by name; None where none is."""
        nulls = (name for name in self.deciding_variables if not isinstance(variables.coerced.get(name), bool))
        return min(nulls, default=None)


def holds(conditions: Conditions, values: Mapping[str, Any]) -> bool:
    """Whether a part of the document counts, with these values of variables."""
    return all(values[name] is wanted for name, wanted in conditions)

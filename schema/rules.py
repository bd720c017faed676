"""The rules of the whole schema, worked out from the declarations: checked, guarded, and told for each field.

A field is seen by those who see its type, among them by those whom its own declaration names, and leads no further
than to what they may see.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_type_hints

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_introspection_type,
)

from engine.guards import guard
from engine.plan import Plan
from engine.runtime_types import DEFINITION
from resolvers.ids import SERIAL_TYPES
from resolvers.nodes import COLLECTIONS
from schema.access import Access, Claim, Refusal, Sight, claims_of, is_personal, refusal, sights_of, varies
from sources.records import Record, Role

Hidden = Mapping[Role, frozenset[str]]
"""What a deployment hides from a role beyond the declarations: types, and fields as `Type.field`."""


class RulesBroken(Exception):
    """The rules do not fit together; the message has a line for each thing that is wrong."""


@dataclass(frozen=True)
class Rule:
    """Who sees a field, or an object that is looked for by its id: for each role under which conditions.

    A role that sees nothing is not in `sights`. `claims` are those by which it is decided.
    """

    coordinate: str
    sights: Mapping[Role, frozenset[Sight]]
    claims: frozenset[Claim]


@dataclass(frozen=True)
class _Field:
    """A field with all that decides who sees it: its type's declaration, its own, and that of what it leads to."""

    type_name: str
    name: str
    field: GraphQLField
    outer: Access | None
    own: Access | None
    inner: Access | None
    hidden_from: frozenset[Role]

    @property
    def coordinate(self) -> str:
        return f"{self.type_name}.{self.name}"

    @property
    def declared(self) -> Sequence[Access]:
        return [each for each in (self.outer, self.own, self.inner) if each is not None]

    @property
    def allowed(self) -> frozenset[Role]:
        """Who may ask for it, whatever it leads to."""
        return _roles(each for each in (self.outer, self.own) if each is not None) - self.hidden_from

    @property
    def asks_more_than_its_type(self) -> bool:
        """Whether somebody who sees the type may not see the field."""
        outer = cast("Access", self.outer)
        needs_purpose = self.own is not None and is_personal(self.own) and not is_personal(outer)
        return needs_purpose or self.allowed != frozenset(sights_of(outer))


def rules(schema: GraphQLSchema, hidden: Hidden | None = None) -> Iterator[Rule]:
    """The rule of each type that has ids, and of the fields of each type, by the name of the type."""
    for type_ in _types(schema):
        declared = _declared(type_)
        if declared is not None and type_.interfaces:
            yield _rule(type_.name, [declared], _hidden_from(hidden or {}, type_.name))
        for each in _fields(type_, hidden or {}):
            yield _rule(each.coordinate, each.declared, each.hidden_from)


def claims_read(plan: Plan | None, schema: GraphQLSchema) -> frozenset[Claim]:
    """The claims by which the answers of a plan are decided, over all of its fields; without a plan, every claim."""
    if plan is None:
        return frozenset(Claim)
    known = {each.coordinate: each.claims for each in rules(schema)}
    return frozenset(claim for each in plan.fields() for claim in known.get(f"{each.parent.name}.{each.name}", ()))


def check(schema: GraphQLSchema, hidden: Hidden | None = None) -> None:
    """Raises RulesBroken, with all that is wrong with the rules of a schema.

    That is: a field without a rule; one that is non-null, though not everybody may see it who sees its type; one that
    leads to a type that fewer roles may see, or only with a purpose; a name in `hidden` that is nothing's
    or cannot be hidden; and a type with ids by which its objects would not be found.
    """
    wrong = [*_unknown(schema, hidden or {}), *_in_unions(schema, hidden or {}), *_not_found_by_id(schema)]
    wrong += [
        f"{each.coordinate}: {why}"
        for type_ in _types(schema)
        for each in _fields(type_, hidden or {})
        for why in _faults(each)
    ]
    if wrong:
        raise RulesBroken("\n".join(wrong))


def put_guards(schema: GraphQLSchema, hidden: Hidden | None = None) -> None:
    """Puts a guard before each field that not everybody may see who sees its type."""
    for type_ in _types(schema):
        for each in _fields(type_, hidden or {}):
            if each.asks_more_than_its_type or each.type_name == "Subscription":
                guard(each.field, refusal(each.own or cast("Access", each.outer), each.hidden_from))


def by_id(schema: GraphQLSchema, hidden: Hidden | None = None) -> Mapping[str, Refusal]:
    """For each type, why a viewer may not look for its objects by their ids."""
    declared = {type_.name: _declared(type_) for type_ in _types(schema)}
    return {
        name: _refusal_by_id(each, _hidden_from(hidden or {}, name))
        for name, each in declared.items()
        if each is not None
    }


def hidden_fields(schema: GraphQLSchema, hidden: Hidden) -> Hidden:
    """The fields that are hidden from each role, as `Type.field`; those of a hidden type are."""
    found = [each for type_ in _types(schema) for each in _fields(type_, hidden)]
    return {role: frozenset(each.coordinate for each in found if role in each.hidden_from) for role in hidden}


def _refusal_by_id(declared: Access, hidden_from: frozenset[Role]) -> Refusal:
    nested = frozenset(role for role, sight in sights_of(declared).items() if sight is Sight.NESTED)
    return refusal(declared, hidden_from | nested)


def _types(schema: GraphQLSchema) -> Sequence[GraphQLObjectType]:
    """The object types, by name; introspection's are for everybody."""
    found = [each for each in schema.type_map.values() if isinstance(each, GraphQLObjectType)]
    return sorted((each for each in found if not is_introspection_type(each)), key=lambda each: each.name)


def _fields(type_: GraphQLObjectType, hidden: Hidden) -> Iterator[_Field]:
    for name, field in type_.fields.items():
        inner = _led_to(field)
        coordinate = f"{type_.name}.{name}"
        yield _Field(
            type_.name,
            name,
            field,
            _declared(type_),
            _directive(field),
            _declared(inner),
            _hidden_from(hidden, coordinate, inner.name),
        )


def _declared(type_: GraphQLNamedType) -> Access | None:
    """What a type declares; a page, and an edge of it, are seen as their items are."""
    own = _directive(type_)
    if own is not None or not isinstance(type_, GraphQLObjectType):
        return own
    item = type_.fields.get("edges") or type_.fields.get("node")
    return None if item is None else _declared(_led_to(item))


def _led_to(field: GraphQLField) -> GraphQLNamedType:
    return cast("GraphQLNamedType", get_named_type(cast("Any", field).type))


def _directive(element: GraphQLNamedType | GraphQLField) -> Access | None:
    definition = element.extensions.get(DEFINITION)
    directives: Iterable[object] = getattr(definition, "directives", None) or ()
    return next((each for each in directives if isinstance(each, Access)), None)


def _rule(coordinate: str, declared: Sequence[Access], hidden_from: frozenset[Role]) -> Rule:
    seeing = _roles(declared) - hidden_from
    sights = {role: frozenset(sights_of(each)[role] for each in declared) for role in Role if role in seeing}
    claims = frozenset(claim for each in declared for claim in claims_of(each))
    return Rule(coordinate, sights, claims)


def _roles(declared: Iterable[Access]) -> frozenset[Role]:
    """Those whom every one of these declarations names."""
    return frozenset(Role).intersection(*(sights_of(each) for each in declared))


def _hidden_from(hidden: Hidden, *names: str) -> frozenset[Role]:
    return frozenset(role for role, of_role in hidden.items() if not of_role.isdisjoint(names))


def _faults(field: _Field) -> Iterator[str]:
    if field.outer is None:
        yield "has no rule, and neither has its type."
        return
    if field.inner is not None:
        yield from _leads_too_far(field)
    is_narrower = field.asks_more_than_its_type or (field.own is not None and varies(field.own))
    if isinstance(cast("Any", field.field).type, GraphQLNonNull) and is_narrower:
        yield "must be nullable: somebody who sees its type may not see it."


def _leads_too_far(field: _Field) -> Iterator[str]:
    inner = cast("Access", field.inner)
    further = field.allowed - frozenset(sights_of(inner))
    if further:
        names = ", ".join(sorted(role.value for role in further))
        yield f"leads to {_led_to(field.field).name}, which may not be seen by: {names}."
    if is_personal(inner) and not any(each is not None and is_personal(each) for each in (field.outer, field.own)):
        yield f"leads without a purpose to {_led_to(field.field).name}, which needs one."


def _in_unions(schema: GraphQLSchema, hidden: Hidden) -> Iterator[str]:
    """Types that would be seen all the same: who asks for a union's objects gets those of each of its types."""
    unions = [each for each in schema.type_map.values() if isinstance(each, GraphQLUnionType)]
    led_to = {type_.name: union.name for union in unions if union.name != "_Entity" for type_ in union.types}
    for role, names in hidden.items():
        for name in sorted(names & led_to.keys()):
            yield f"{name}: cannot be hidden from {role.value}, since {led_to[name]} leads to it; hide fields of it."


def _unknown(schema: GraphQLSchema, hidden: Hidden) -> Iterator[str]:
    known = {each.coordinate for type_ in _types(schema) for each in _fields(type_, {})} | schema.type_map.keys()
    for role, names in hidden.items():
        yield from (f"{name}: there is no such type or field to hide from {role.value}." for name in names - known)


def _not_found_by_id(schema: GraphQLSchema) -> Iterator[str]:
    """Types whose ids would lead to nothing: to null for everybody, without an error."""
    for type_ in _types(schema):
        if not any(each.name == "Node" for each in type_.interfaces):
            continue
        record: type[Record] = type_.extensions[DEFINITION].origin.record
        if record.__name__ != type_.name:
            yield f"{type_.name}: its ids would be those of {record.__name__}; the record and the type have one name."
        if type_.name not in COLLECTIONS:
            yield f"{type_.name}: has ids, but COLLECTIONS of resolvers/nodes.py does not say where they lead."
        is_serial = get_type_hints(record)[record.key_field] is int
        if is_serial != (type_.name in SERIAL_TYPES):
            told = "must name it, since its key is an integer" if is_serial else "names it, but its key is no integer"
            yield f"{type_.name}: SERIAL_TYPES of resolvers/ids.py {told}."

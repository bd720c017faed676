"""A second schema for the engine, which has nothing to do with the police: a zoo in which anything may go wrong.

What an animal answers is worked out from its seed, its key and the field's name alone: a good value, null, one of a
wrong kind, or an exception, raised or given back. Two executors that ask the same things so get the same.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, ClassVar, cast

import strawberry
from graphql import GraphQLInputObjectType, GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import scalar

from engine.batching import Argument, Partial, RequestState, batched
from engine.guards import guard
from engine.runtime_types import DEFINITION

MOST = 3
"""Items of a list."""

Make = Callable[[random.Random, int], Any]
"""Makes a value for a field, by chance and for a seed."""


class Diet(Enum):
    MEAT = 1
    LEAVES = "leaves"
    ANYTHING = "any"


strawberry.enum(Diet)


class Weight:
    """A value for a scalar of the schema's own. Its output fails for what is too heavy."""

    def __init__(self, grams: int) -> None:
        self.grams = grams

    def __repr__(self) -> str:
        return f"Weight({self.grams})"


def _written(weight: Any) -> str | None:
    if weight.grams > 900:
        raise ValueError(f"{weight.grams} grams are too heavy")
    return None if weight.grams > 800 else f"{weight.grams} g"


@dataclass
class ZooContext(RequestState):
    """`seed` decides what goes wrong."""

    seed: int = 0


class Being:
    """Anything that the zoo keeps; its attributes are worked out when they are read."""

    def __init__(self, seed: int, key: int) -> None:
        self.seed = seed
        self.key = key

    def __getattr__(self, name: str) -> Any:
        if name not in MAKERS:
            raise AttributeError(name)
        found = outcome(self, name)
        if isinstance(found, Raised):
            raise found.error
        return found

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key}>"


class Lion(Being): ...


class Cub(Lion): ...


class Parrot(Being): ...


class Keeper(Being): ...


class Cage(Being): ...


class Egg(Being): ...


@dataclass(frozen=True)
class Raised:
    """An error that is raised rather than given back."""

    error: Exception


BEINGS = (Lion, Cub, Parrot, Keeper, Cage, Egg)


def outcome(being: Being, name: str) -> Any:
    """What a being has for a field."""
    chance = random.Random(f"{being.seed} {type(being).__name__} {being.key} {name}")
    return _spoiled(chance, f"{name} of {being!r}", lambda: MAKERS[name](chance, being.seed))


def _spoiled(chance: random.Random, place: str, good: Callable[[], Any]) -> Any:
    fate = chance.random()
    if fate < 0.05:
        return None
    if fate < 0.07:
        return Raised(LookupError(f"no {place}"))
    if fate < 0.09:
        return ValueError(f"bad {place}")
    if fate < 0.10:
        return object
    return good()


def _being(*kinds: type[Being]) -> Make:
    return lambda chance, seed: chance.choice(kinds)(seed, chance.randrange(40))


def _listed(item: Make) -> Make:
    def make(chance: random.Random, seed: int) -> Any:
        items = [
            _spoiled(chance, f"item {index}", lambda: item(chance, seed)) for index in range(chance.randrange(MOST))
        ]
        items = [each.error if isinstance(each, Raised) else each for each in items]
        return chance.choice([list, list, tuple])(items)

    return make


def _one_of(*values: Any) -> Make:
    return lambda chance, _seed: chance.choice(values)


_words = _one_of("a", "Zoë", "", "null", 7, 1.5, True)
_numbers = _one_of(0, -5, 2**31 - 1, 2**31, 3.0, "12", True)
_fractions = _one_of(0.5, 3, -1e300, float("nan"), "2.5", False)
_flags = _one_of(True, False, 1, 0.0)
_weights = _one_of(*map(Weight, range(0, 1000, 45)))
_diets = _one_of(*Diet, Diet.MEAT, 1, "leaves", "bark")
_anything = _one_of({"a": [1, None]}, [], "x", 3, {})
_animals = _being(Lion, Cub, Parrot, Lion, Parrot, Cage)
_mixed = _being(*BEINGS)

MAKERS: dict[str, Make] = {
    "identity": _words,
    "name": _words,
    "alias": _words,
    "age": _numbers,
    "length": _fractions,
    "tame": _flags,
    "tired": _flags,
    "diet": _diets,
    "dislikes": _diets,
    "weight": _weights,
    "weights": _listed(_weights),
    "extra": _anything,
    "sizes": _listed(_listed(_numbers)),
    "words": _listed(_listed(_words)),
    "friends": _listed(_animals),
    "family": _listed(_listed(_animals)),
    "keeper": _being(Keeper),
    "cage": _being(Cage),
    "mate": _animals,
    "roar": _words,
    "says": _words,
    "boss": _being(Keeper),
    "wards": _listed(_listed(_animals)),
    "resident": _mixed,
    "residents": _listed(_mixed),
    "oddity": _being(Lion, Cub, Egg, Cage),
    "oddities": _listed(_being(Lion, Cub, Egg)),
    "thing": _being(Cage, Egg, Keeper),
    "notes": _listed(_words),
    "secret": _words,
}


def _waiting(name: str) -> Any:
    """A resolver that waits for its source, which may be away."""

    async def resolve(beings: Sequence[Any], context: ZooContext, **given: Any) -> Sequence[Any]:
        await asyncio.sleep(0)
        if random.Random(f"{context.seed} {name}").random() < 0.03:
            raise OSError(f"{name} is away")
        return [_result(being, name, given, context) for being in beings]

    return resolve


def _computing(name: str) -> Any:
    def resolve(beings: Sequence[Any], context: ZooContext, **given: Any) -> Sequence[Any]:
        found = [_found(being, name, given, context) for being in beings]
        for each in found:
            if isinstance(each, Raised):
                raise each.error
        return found

    return resolve


def _result(being: Being | None, name: str, given: dict[str, Any], context: ZooContext) -> Any:
    found = _found(being, name, given, context)
    if isinstance(found, Raised):
        return found.error
    if name == "notes" and isinstance(found, list):
        return Partial(cast("list[Any]", found), [KeyError("page 1"), KeyError("page 2")])
    return found


def _found(being: Being | None, name: str, given: dict[str, Any], context: ZooContext) -> Any:
    asked = being or Being(context.seed, 0)
    chance = random.Random(f"{asked.seed} {type(asked).__name__} {asked.key} {name} {given}")
    return _spoiled(chance, f"{name} of {asked!r} with {given}", lambda: MAKERS[name](chance, asked.seed))


GUARDED = ("Query.secret", "Lion.secret", "Lion.age", "Parrot.friends", "Parrot.says", "Cage.keeper", "Keeper.boss")


def refuse(context: ZooContext) -> Exception | None:
    return PermissionError("not today") if context.seed % 3 == 0 else None


def waiting(name: str, **arguments: Argument) -> Any:
    return batched(_waiting(name), description="", arguments=arguments)


def computing(name: str, **arguments: Argument) -> Any:
    return batched(_computing(name), description="", arguments=arguments)


class OfRecord:
    """A type that shows records of one class."""

    record: ClassVar[type]

    @classmethod
    def is_type_of(cls, obj: object, _info: Any) -> bool:
        return isinstance(obj, cls.record)


@strawberry.input
class Range:
    least: int
    most: int | None = 10
    unit: Annotated[str | None, strawberry.argument()] = strawberry.UNSET


@strawberry.input(one_of=True)
class By:
    key: int | None = strawberry.UNSET
    name: str | None = strawberry.UNSET
    ranges: list[Range | None] | None = strawberry.UNSET


@strawberry.interface(name="Animal")
class AnimalType(OfRecord):
    identity: strawberry.ID = computing("identity")
    name: str | None
    alias: str
    age: int | None
    length: float | None
    tame: bool | None
    tired: bool
    diet: Diet
    dislikes: Diet | None
    weight: Weight | None
    weights: list[Weight] | None
    extra: strawberry.scalars.JSON | None
    sizes: list[list[int | None]] | None
    words: list[list[str] | None] | None
    friends: list["AnimalType"] | None
    family: list[list["AnimalType | None"] | None] | None = computing("family")
    keeper: Annotated["KeeperType", strawberry.lazy("support.zoo")] | None = waiting("keeper")
    cage: Annotated["CageType", strawberry.lazy("support.zoo")] = waiting("cage")
    secret: str | None = waiting("secret")


@strawberry.type(name="Lion")
class LionType(AnimalType):
    record: ClassVar[type] = Lion

    mate: AnimalType | None = waiting("mate")
    roar: str = waiting("roar", loud=Argument(bool | None, ""), times=Argument(list[int], ""))


@strawberry.type(name="Parrot")
class ParrotType(AnimalType):
    record: ClassVar[type] = Parrot

    mate: AnimalType | None = waiting("mate")
    says: str | None = computing("says", by=Argument(By, ""), diet=Argument(Diet | None, ""))


@strawberry.interface(name="Thing")
class ThingType:
    """Things tell their type themselves."""

    key: int

    @classmethod
    def resolve_type(cls, value: object, _info: Any, _type: Any) -> str:
        return type(value).__name__


@strawberry.type(name="Cage")
class CageType(ThingType, OfRecord):
    record: ClassVar[type] = Cage

    name: str | None
    friends: list[AnimalType] | None
    keeper: Annotated["KeeperType", strawberry.lazy("support.zoo")] | None = computing("keeper")
    resident: Annotated["Resident", strawberry.lazy("support.zoo")] | None = waiting("resident")


@strawberry.type(name="Egg")
class EggType(ThingType):
    """Of no record: every egg is asked whether it is one."""

    name: str | None
    cage: CageType = waiting("cage")

    @classmethod
    def is_type_of(cls, obj: object, _info: Any) -> bool:
        return type(obj) is Egg


@strawberry.type(name="Keeper")
class KeeperType(OfRecord):
    record: ClassVar[type] = Keeper

    name: str | None
    boss: "KeeperType" = computing("boss")
    wards: list[list[AnimalType | None]] = waiting("wards")
    residents: list[Annotated["Resident", strawberry.lazy("support.zoo")]] | None = waiting("residents")
    notes: list[str | None] | None = waiting("notes")


Resident = Annotated[LionType | ParrotType | KeeperType, strawberry.union("Resident")]
Oddity = Annotated[LionType | EggType, strawberry.union("Oddity")]


@strawberry.type
class Query:
    mate: AnimalType | None = waiting("mate")
    friends: list[AnimalType] | None = waiting("friends")
    family: list[list[AnimalType | None] | None] | None = waiting("family")
    resident: Resident | None = waiting("resident", by=Argument(By, ""), within=Argument(Range | None, ""))
    residents: list[Resident] | None = waiting("residents")
    oddity: Oddity | None = computing("oddity")
    oddities: list[Oddity | None] | None = waiting("oddities")
    thing: ThingType | None = waiting("thing")
    keeper: KeeperType | None = waiting("keeper")
    cage: CageType = waiting("cage")
    secret: str | None = waiting("secret")


def schema() -> GraphQLSchema:
    """The zoo in graphql-core's terms."""
    weight = scalar(name="Weight", serialize=_written, parse_value=int)
    config = StrawberryConfig(scalar_map={Weight: weight})
    built: GraphQLSchema = cast("Any", strawberry.Schema(Query, types=[CageType, EggType], config=config))._schema
    for coordinate in GUARDED:
        type_name, name = coordinate.split(".")
        guard(cast("Any", built.type_map[type_name]).fields[name], refuse)
    for each in built.type_map.values():
        if isinstance(each, GraphQLInputObjectType):
            each.is_one_of = cast("Any", each.extensions)[DEFINITION].is_one_of
    return built

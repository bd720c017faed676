"""Where people live and things happened."""

import strawberry

from schema.access import PARTS
from schema.fields import field


@strawberry.federation.type(
    shareable=True,
    description="An address: in the Netherlands by its parts, abroad by its lines.",
    directives=[PARTS],
)
class Address:
    street: str | None = field("The street (straatnaam).")
    house_number: str | None = field(
        "The house number with letter and addition: `9B`, `2A-1`, `tegenover 4` (opposite 4)."
    )
    postal_code: str | None = field("The Dutch postal code: `2511CA`.")
    city: str | None = field("The town (woonplaats).")
    lines: list[str] | None = field("An address abroad, or a described place, as written, line by line.")
    country: str | None = field("The country, as the register words it in Dutch; null in the Netherlands.")


@strawberry.federation.type(shareable=True, description="A point on the map, WGS 84.", directives=[PARTS])
class Location:
    latitude: float = field("Degrees north.")
    longitude: float = field("Degrees east.")
    accuracy_metres: float | None = field("How far off the point may be, in metres.")
    address: Address | None = field("The address there, as far as the back-end knows it.")

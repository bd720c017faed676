"""The regional units (eenheden), with the towns in which the demo's people live."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Town:
    """A town: its postal code's digits, and where it is (WGS 84 degrees)."""

    name: str
    postal_digits: int
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Unit:
    """A regional unit by its code in report numbers."""

    code: str
    name: str
    towns: tuple[Town, ...]


UNITS = (
    Unit("PL0100", "Noord-Nederland", (Town("Groningen", 9712, 53.219, 6.567), Town("Assen", 9401, 52.993, 6.562))),
    Unit("PL0600", "Oost-Nederland", (Town("Arnhem", 6811, 51.985, 5.899), Town("Enschede", 7511, 52.221, 6.894))),
    Unit("PL0900", "Midden-Nederland", (Town("Utrecht", 3511, 52.091, 5.122), Town("Amersfoort", 3811, 52.156, 5.387))),
    Unit("PL1000", "Noord-Holland", (Town("Haarlem", 2011, 52.381, 4.637), Town("Alkmaar", 1811, 52.632, 4.749))),
    Unit("PL1300", "Amsterdam", (Town("Amsterdam", 1012, 52.373, 4.893), Town("Amstelveen", 1181, 52.301, 4.863))),
    Unit("PL1500", "Den Haag", (Town("'s-Gravenhage", 2511, 52.078, 4.313), Town("Delft", 2611, 52.012, 4.358))),
    Unit("PL1700", "Rotterdam", (Town("Rotterdam", 3011, 51.922, 4.479), Town("Dordrecht", 3311, 51.813, 4.690))),
    Unit("PL2000", "Zeeland-West-Brabant", (Town("Breda", 4811, 51.588, 4.776), Town("Tilburg", 5038, 51.560, 5.083))),
    Unit("PL2100", "Oost-Brabant", (Town("Eindhoven", 5611, 51.441, 5.478), Town("Helmond", 5701, 51.481, 5.661))),
    Unit("PL2300", "Limburg", (Town("Maastricht", 6211, 50.851, 5.691), Town("Venlo", 5911, 51.370, 6.172))),
)

ABROAD = (
    ("Kortrijksesteenweg {number}", "9000 Gent", None, "België"),
    ("Kölner Straße {number}", "40211 Düsseldorf", None, "Duitsland"),
    ("{number} Rue de la République", "69002 Lyon", None, "Frankrijk"),
    ("Calle Mayor {number}", "28013 Madrid", "Spanje", "Spanje"),
    ("{number} High Street", "Oxford OX1 4AG", "United Kingdom", "Verenigd Koninkrijk"),
)

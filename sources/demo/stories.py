"""What the demo's people contact the police about: per topic the words of citizens, employees and notes."""

from dataclasses import dataclass

CHANNELS = (
    # code, name, medium, urgent, weight of a first contact
    ("0900-8844", "Geen spoed, wel politie", "TEL", "N", 28),
    ("112", "Alarmnummer", "TEL", "J", 7),
    ("EMAIL", "E-mail", "MAIL", "N", 6),
    ("POLITIE_NL", "Politie.nl", "WEB", "N", 22),
    ("APP", "Politie-app", "WEB", "N", 12),
    ("BALIE", "Politiebureau", "BALIE", "N", 9),
    ("BALIE_3D", "3D-loket", "VIDEO", "N", 3),
    ("WIJKAGENT", "Wijkagent", "BALIE", "N", 6),
    ("WHATSAPP", "WhatsApp", "CHAT", "N", 4),
    ("FACEBOOK", "Facebook", "SOC", "N", 1),
    ("X", "X", "SOC", "N", 1),
    ("INSTAGRAM", "Instagram", "SOC", "N", 1),
    ("YOUTUBE", "YouTube", "SOC", "N", 0),
)

SELF_SERVICE = frozenset({"POLITIE_NL", "APP", "EMAIL"})
"""Channels on which a contact may wait for an employee."""

OUTBOUND = ("0900-8844", "EMAIL", "WIJKAGENT", "WHATSAPP")
"""Channels over which an employee reaches a citizen."""

ANONYMOUS = ("0900-8844", "112", "WHATSAPP", "X")
"""Channels on which a caller may stay unknown."""

STATUSES = (
    ("ONTV", "Ontvangen"),
    ("BEOO", "In beoordeling"),
    ("WACH", "Wacht op aanvullende informatie"),
    ("OPSP", "In onderzoek"),
    ("OPGS", "Opgeschort"),
    ("OVER", "Overgedragen aan een andere eenheid"),
    ("AFGE", "Afgesloten"),
    ("INGE", "Ingetrokken"),
    ("BUUR", "Bij buurtbemiddeling"),
)
"""The register's words; BUUR is one that Omniloket has no status for."""

COURSES = (
    ("ONTV", "BEOO", "OPSP", "AFGE"),
    ("ONTV", "BEOO", "AFGE"),
    ("ONTV", "BEOO", "WACH"),
    ("ONTV", "BEOO", "WACH", "OPSP"),
    ("ONTV", "BEOO", "OPSP"),
    ("ONTV", "BEOO", "OPSP", "OPGS"),
    ("ONTV", "OVER", "BEOO", "AFGE"),
    ("ONTV", "BEOO"),
    ("ONTV", "INGE"),
    ("ONTV", "BEOO", "BUUR"),
    ("ONTV",),
)
"""How the handling of a report goes."""

NOTES = {
    "BEOO": "Beoordeling door het afhandelteam.",
    "WACH": "Aangever gevraagd om bewijs van aankoop en foto's.",
    "OPSP": "Toegewezen aan de districtsrecherche.",
    "OPGS": "Geen aanknopingspunten; opnieuw bezien bij nieuwe informatie.",
    "OVER": "Pleegplaats ligt in een andere eenheid.",
    "AFGE": "Afgehandeld, aangever geïnformeerd.",
    "INGE": "Op verzoek van de aangever ingetrokken.",
    "BUUR": "Partijen staan open voor bemiddeling.",
}


@dataclass(frozen=True)
class Topic:
    """`kind` is the incident register's code. `reported`: how many of a hundred become a report."""

    kind: str
    category: str
    title: str
    description: str
    opening: tuple[str, str]
    reported: int


TOPICS = (
    Topic(
        "AANG",
        "Diefstal fiets",
        "Diefstal van een fiets",
        "Fiets weggenomen uit de stalling; het slot is doorgeknipt. Framenummer is bekend.",
        ("Fiets gestolen", "Mijn fiets stond vanmorgen niet meer in de stalling, het slot lag op de grond."),
        80,
    ),
    Topic(
        "AANG",
        "Internetoplichting",
        "Oplichting via een verkoopsite",
        "Betaald voor een telefoon die nooit is geleverd; de verkoper reageert niet meer.",
        ("Opgelicht op internet", "Ik heb 340 euro overgemaakt voor een telefoon en hoor nu niets meer."),
        75,
    ),
    Topic(
        "AANG",
        "Woninginbraak",
        "Inbraak in een woning",
        "Achterdeur geforceerd, sieraden en een laptop weggenomen.",
        ("Inbraak", "Er is bij mij ingebroken, de achterdeur is open en alles ligt overhoop."),
        95,
    ),
    Topic(
        "AANG",
        "Vernieling",
        "Vernieling van een auto",
        "Spiegel en zijruit van een geparkeerde auto vernield.",
        ("Auto vernield", "Mijn spiegel is eraf getrapt en er zit een steen door de ruit."),
        65,
    ),
    Topic(
        "MELD",
        "Geluidsoverlast",
        "Overlast van harde muziek",
        "Aanhoudende geluidsoverlast in de nacht; eerder gesproken met de buren.",
        ("Geluidsoverlast", "De buren draaien alweer tot diep in de nacht harde muziek."),
        30,
    ),
    Topic(
        "MELD",
        "Verdachte situatie",
        "Verdachte situatie in de straat",
        "Onbekende personen kijken bij woningen naar binnen.",
        ("Verdachte situatie", "Er lopen twee mensen rond die overal aan de deuren voelen."),
        35,
    ),
    Topic(
        "MELD",
        "Verkeersongeval",
        "Aanrijding met materiële schade",
        "Aanrijding op een kruispunt, geen gewonden; de andere bestuurder reed door.",
        ("Aanrijding", "Ik ben aangereden en de andere bestuurder is doorgereden."),
        70,
    ),
    Topic(
        "TIP",
        "Drugs",
        "Tip over drugshandel",
        "Mogelijk handel vanuit een woning, vooral in de avond.",
        ("Tip", "Bij een woning bij ons in de straat komt elke avond een rij mensen aan de deur."),
        50,
    ),
    Topic(
        "VERM",
        "Vermissing",
        "Vermist familielid",
        "Betrokkene is niet thuisgekomen en niet bereikbaar.",
        ("Vermissing", "Mijn vader is vanmiddag gaan wandelen en nog niet terug, hij is wat in de war."),
        90,
    ),
    Topic(
        "GEVV",
        "Verloren voorwerp",
        "Verloren portemonnee",
        "Portemonnee verloren, met rijbewijs en bankpas.",
        ("Portemonnee kwijt", "Ik ben mijn portemonnee verloren tussen het station en huis."),
        60,
    ),
    Topic(
        "KLAC",
        "Klacht",
        "Klacht over de bejegening",
        "Ontevreden over een gesprek aan het bureau.",
        ("Klacht", "Ik voelde mij niet serieus genomen en wil een klacht indienen."),
        70,
    ),
    Topic(
        "MELD",
        "Vraag",
        "Vraag over een bekeuring",
        "Vraag om uitleg.",
        ("Vraag over een bekeuring", "Ik heb een bekeuring gekregen en begrijp niet waarvoor."),
        0,
    ),
)

FOLLOW_UPS = (
    ("Stand van zaken", "Ik wil graag weten hoe het ervoor staat."),
    ("Aanvullende informatie", "Ik heb nog iets gevonden dat van belang kan zijn."),
    ("Camerabeelden", "Een buurman heeft beelden, kan ik die ergens inleveren?"),
    ("Herinnering", "Ik had vorige week al gebeld en nog niets gehoord."),
    ("Nieuw telefoonnummer", "Mijn nummer is veranderd, wilt u dat aanpassen?"),
)

ANSWERS = (
    ("Bevestiging", "Wij hebben uw melding in goede orde ontvangen."),
    ("Vraag om informatie", "Kunt u ons de aankoopbon en foto's sturen?"),
    ("Terugkoppeling", "Uw melding is in behandeling bij het team in uw buurt."),
    ("Afspraak", "U kunt morgen om 10.00 uur terecht op het bureau."),
)

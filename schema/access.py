"""Who may see what: one declaration beside each type, and beside each field that is narrower than its type.

A declaration is the directive `@access` of the printed schema. Rows are scoped in the sources' statements; this is
about types and fields, and says in words which rows those scopes leave.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

import strawberry
from strawberry.schema_directive import Location

from resolvers.context import Context, Viewer
from resolvers.errors import Forbidden, PurposeRequired
from schema.enums import describe
from sources.records import Citizen, Role, StatusChange

Refusal = Callable[[Context], Exception | None]
"""Why a viewer may not see something, or None."""


class Sight(Enum):
    """What of an object or a field a role sees."""

    ALWAYS = "ALWAYS"
    BY_TYPE = "BY_TYPE"
    NESTED = "NESTED"
    OWN = "OWN"
    UNLESS_CONFIDENTIAL = "UNLESS_CONFIDENTIAL"
    UNLESS_SECRET = "UNLESS_SECRET"  # noqa: S105 - a secret address, no password
    OWN_UNIT = "OWN_UNIT"


class Claim(Enum):
    """What decides whether something is seen: a claim of a token, or what goes with a request beside it."""

    ROLE = "ROLE"
    PURPOSE = "PURPOSE"
    SUBJECT = "SUBJECT"
    BSN = "BSN"
    UNIT = "UNIT"
    CLEARANCE = "CLEARANCE"


describe(
    Sight,
    "What of an object or a field a role sees.",
    {
        Sight.ALWAYS: "Every one.",
        Sight.BY_TYPE: "What its type says: the id tells which.",
        Sight.NESTED: "Every one that stands in something the role may see; none by its id.",
        Sight.OWN: "What is the citizen's own. What is not is absent.",
        Sight.UNLESS_CONFIDENTIAL: "All but confidential reports and what hangs on them: without clearance, absent.",
        Sight.UNLESS_SECRET: "Of people under secrecy (geheimhouding) only with clearance.",
        Sight.OWN_UNIT: "Where the viewer's own unit handles the report.",
    },
)

describe(
    Claim,
    "A claim of a token, or what goes with a request beside it.",
    {
        Claim.ROLE: "The role.",
        Claim.PURPOSE: "The purpose of the request, if the role needs one.",
        Claim.SUBJECT: "Who asks.",
        Claim.BSN: "The citizen service number of a citizen.",
        Claim.UNIT: "The unit (eenheid).",
        Claim.CLEARANCE: "Whether confidential reports, and addresses under secrecy, may be seen.",
    },
)

READS: Mapping[Sight, Iterable[Claim]] = {
    Sight.ALWAYS: (),
    Sight.NESTED: (),
    Sight.BY_TYPE: Claim,
    Sight.OWN: (Claim.BSN,),
    Sight.UNLESS_CONFIDENTIAL: (Claim.CLEARANCE,),
    Sight.UNLESS_SECRET: (Claim.CLEARANCE,),
    Sight.OWN_UNIT: (Claim.UNIT,),
}
"""The claims of the viewer that each sight is decided by."""


def _is_not_secret(citizen: Citizen, viewer: Viewer) -> bool:
    return viewer.clearance or not citizen.secret


def _is_of_own_unit(change: StatusChange, viewer: Viewer) -> bool:
    return viewer.unit is not None and viewer.unit == change.unit


HOLDS: Mapping[Sight, Callable[[Any, Viewer], bool]] = {
    Sight.UNLESS_SECRET: _is_not_secret,
    Sight.OWN_UNIT: _is_of_own_unit,
}
"""Sights that are decided for each record, when a field is read. The others are decided in the sources' statements."""

DECIDED_BY: Mapping[Sight, str] = {Sight.UNLESS_SECRET: "secret", Sight.OWN_UNIT: "unit"}
"""The attribute of the record that each of these is decided by."""


@strawberry.schema_directive(
    locations=[Location.OBJECT, Location.UNION, Location.FIELD_DEFINITION],
    name="access",
    description="Who may see it: what each role sees, and a role that is not named sees nothing. "
    "A field without it is seen as its type is.",
)
class Access:
    """`claims`: by what it is decided. `purpose`: whether roles that need a purpose have to give one."""

    anonymous: Sight | None = strawberry.UNSET
    citizen: Sight | None = strawberry.UNSET
    agent: Sight | None = strawberry.UNSET
    supervisor: Sight | None = strawberry.UNSET
    channel: Sight | None = strawberry.UNSET
    developer: Sight | None = strawberry.UNSET
    purpose: bool | None = strawberry.UNSET
    claims: list[Claim] | None = strawberry.UNSET


def access(sights: Mapping[Role, Sight], *, purpose: bool = False, reads: Iterable[Claim] = ()) -> Access:
    """A declaration: what each role sees. `reads`: claims that the value itself shows."""
    read = set(reads).union(*(READS[sight] for sight in sights.values()))
    read |= {Claim.PURPOSE} if purpose else set[Claim]()
    if len(sights) < len(Role) or len(set(sights.values())) > 1:
        read.add(Claim.ROLE)
    claims = [claim for claim in Claim if claim in read]
    given: dict[str, Any] = {role.value.lower(): sight for role, sight in sights.items()}
    return Access(**given, purpose=purpose or strawberry.UNSET, claims=claims or strawberry.UNSET)


def sights_of(declared: Access) -> dict[Role, Sight]:
    """What each role sees; a role that sees nothing is not in it."""
    found: dict[Role, Any] = {role: getattr(declared, role.value.lower()) for role in Role}
    return {role: sight for role, sight in found.items() if isinstance(sight, Sight)}


def claims_of(declared: Access) -> Sequence[Claim]:
    """The claims by which it is decided."""
    return declared.claims or ()


def is_personal(declared: Access) -> bool:
    """Whether roles that need a purpose have to give one."""
    return declared.purpose is True


def varies(declared: Access) -> bool:
    """Whether a role may see it of some records and not of others."""
    return not HOLDS.keys().isdisjoint(sights_of(declared).values())


def refusal(declared: Access, hidden_from: frozenset[Role] = frozenset()) -> Refusal:
    """Asks whether a viewer may see anything of it. `hidden_from`: roles for which a deployment hides it."""
    seeing = frozenset(sights_of(declared)) - hidden_from

    def refuse(context: Context) -> Exception | None:
        if context.viewer.role not in seeing:
            return Forbidden()
        return PurposeRequired(context.purposes) if is_personal(declared) and context.lacks_purpose else None

    return refuse


def decided_by(declared: Access) -> Sequence[str]:
    """The attributes of a record that decide whether a role sees what is declared."""
    return [DECIDED_BY[sight] for sight in sights_of(declared).values() if sight in DECIDED_BY]


def value_for(declared: Access, record: object, viewer: Viewer, value: object) -> object:
    """A record's value, or Forbidden where the record is one of which this role does not see it."""
    holds = HOLDS.get(sights_of(declared).get(viewer.role, Sight.ALWAYS))
    return value if holds is None or holds(record, viewer) else Forbidden()


def common(viewer: Viewer, claims: Collection[Claim]) -> Viewer:
    """What a viewer has in common with all who get the same answers, where fields are decided by these claims.

    The rows that may be seen are decided by the role, the purpose, the BSN and the clearance, whatever the fields are.
    """
    return Viewer(
        viewer.role,
        viewer.principal if Claim.SUBJECT in claims else "",
        viewer.unit if Claim.UNIT in claims else None,
        viewer.bsn,
        viewer.clearance,
        viewer.purpose,
    )


_STAFF = (Role.AGENT, Role.SUPERVISOR)

EVERYBODY = access(dict.fromkeys(Role, Sight.ALWAYS))
"""Not personal: channels, and what a page looks like."""

ANYBODYS_OWN = access(dict.fromkeys(Role, Sight.ALWAYS), reads=(Claim.ROLE, Claim.SUBJECT, Claim.UNIT))
"""What everybody may know of themselves."""

OPERATORS = access(dict.fromkeys((*_STAFF, Role.DEVELOPER), Sight.ALWAYS))
"""For those who may know how the back-ends are doing."""

ANY_TYPES = access(dict.fromkeys(Role, Sight.BY_TYPE))
"""Ways to objects of any type."""

PERSONAL = access(dict.fromkeys((Role.CITIZEN, *_STAFF), Sight.ALWAYS), purpose=True)
"""For those who may ask about citizens."""

PARTS = access(dict.fromkeys((Role.CITIZEN, *_STAFF), Sight.NESTED), purpose=True)
"""Parts of something personal, which are seen where it is seen; they have no id."""

CITIZENS = access({Role.CITIZEN: Sight.OWN, Role.AGENT: Sight.ALWAYS, Role.SUPERVISOR: Sight.ALWAYS}, purpose=True)
"""A citizen and what hangs on one: a citizen may turn to any service centre, so agents of every unit see it."""

OF_REPORTS = access(
    {Role.CITIZEN: Sight.OWN, Role.AGENT: Sight.UNLESS_CONFIDENTIAL, Role.SUPERVISOR: Sight.ALWAYS}, purpose=True
)
"""Reports and what hangs on them: confidential ones need clearance, save for the citizen who made them."""

THE_CITIZEN = access({Role.CITIZEN: Sight.OWN}, purpose=True)
"""For a citizen alone."""

COLLEAGUES = access(dict.fromkeys(_STAFF, Sight.ALWAYS), purpose=True)
"""For employees, not for the citizen whom it is about."""

EMPLOYEES = access({Role.CITIZEN: Sight.NESTED, Role.AGENT: Sight.ALWAYS, Role.SUPERVISOR: Sight.ALWAYS}, purpose=True)
"""Employees: a citizen sees those who handled something of theirs, and cannot look for others."""

HOMES = access(
    {Role.CITIZEN: Sight.ALWAYS, Role.AGENT: Sight.UNLESS_SECRET, Role.SUPERVISOR: Sight.ALWAYS}, purpose=True
)
"""Where a citizen lives. The register keeps some addresses secret, often of people in danger."""

INTERNAL_NOTES = access({Role.AGENT: Sight.OWN_UNIT, Role.SUPERVISOR: Sight.ALWAYS}, purpose=True)
"""What a unit wrote for itself."""

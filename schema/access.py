"""Which roles may see a field. Rows are scoped in the sources' statements; this is about fields."""

from collections.abc import Callable

from resolvers.context import Context
from resolvers.errors import Forbidden
from sources.records import Role

Roles = frozenset[Role]

STAFF: Roles = frozenset({Role.AGENT, Role.SUPERVISOR})
"""Those who handle contacts and reports."""

PERSONAL: Roles = STAFF | {Role.CITIZEN}
"""Those who may ask about citizens: a citizen only about the own person, which the scope sees to."""

OPERATORS: Roles = STAFF | {Role.DEVELOPER}
"""Those who may know how the back-ends are doing."""


def only(roles: Roles) -> Callable[[Context], Exception | None]:
    """A guard that refuses every other role."""

    def guard(context: Context) -> Exception | None:
        return None if context.viewer.role in roles else Forbidden()

    return guard

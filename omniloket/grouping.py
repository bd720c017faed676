"""What the streams of an operation must have in common to be served together: by the rules of its fields."""

from weakref import WeakKeyDictionary

from graphql import GraphQLSchema

from engine.prepared import Prepared
from resolvers.context import Context, Services
from schema.access import Claim, common
from schema.rules import claims_read
from subscriptions.terms import Common


class Grouping:
    """Tells it from the context of one of them. The claims of each operation are worked out once."""

    def __init__(self, schema: GraphQLSchema, services: Services) -> None:
        self._schema = schema
        self._services = services
        self._claims: WeakKeyDictionary[Prepared, frozenset[Claim]] = WeakKeyDictionary()

    def __call__(self, prepared: Prepared, context: Context) -> Common:
        claims = self._claims.get(prepared)
        if claims is None:
            claims = self._claims[prepared] = claims_read(prepared.plan, self._schema)
        viewer = common(context.viewer, claims)
        return Common(viewer, lambda: Context(services=self._services, viewer=viewer))

"""The schema as a whole, and its printed form."""

from pathlib import Path
from typing import Any, cast

import strawberry
from graphql import GraphQLSchema

from schema.live import Subscription
from schema.query import Query
from schema.scalars import CONFIG

PRINTED = Path(__file__).with_name("schema.graphql")
"""The schema as front-ends know it; a test compares it with what `build` gives."""


def build() -> strawberry.Schema:
    """The one schema of the house."""
    return strawberry.Schema(query=Query, subscription=Subscription, config=CONFIG)


def executable() -> GraphQLSchema:
    """The same schema in graphql-core's terms, as executors take it."""
    return cast(Any, build())._schema

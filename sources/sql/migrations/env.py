"""What Alembic runs: the migrations, on the connection that `sources.sql.migrating` opened."""

from alembic import context

from sources.sql.journeys import Journeys

context.configure(connection=context.config.attributes["connection"], target_metadata=Journeys.metadata)
with context.begin_transaction():
    context.run_migrations()

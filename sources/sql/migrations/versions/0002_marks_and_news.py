"""Marks in the logs, which say more than serials; and the news of journeys, in one order over all sources.

A mark cannot be made of a serial, so there is one that has expired: the linker judges everything anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.rename_table("linker_position", "linker_serial")
    op.create_table(
        "linker_position",
        sa.Column("log", sa.String, primary_key=True),
        sa.Column("mark", sa.String, nullable=False),
        sa.Column("history", sa.BigInteger),
        sa.Column("anew", sa.Boolean, nullable=False),
    )
    op.execute("INSERT INTO linker_position (log, mark, anew) SELECT log, '', false FROM linker_serial")
    op.drop_table("linker_serial")
    op.create_table(
        "journey_news",
        sa.Column("position", SERIAL, primary_key=True),
        sa.Column("journey_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(1), nullable=False),
        sa.Column("key", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("kind", "key", "journey_id", name="journey_news_once"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("journey_news")
    op.drop_table("linker_position")
    op.create_table(
        "linker_position",
        sa.Column("log", sa.String, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("history_end", sa.BigInteger, nullable=False),
    )

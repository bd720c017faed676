"""Journeys: what is on them, the channels that they passed, their handovers; and how far the linker is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
CODE = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "journey",
        sa.Column("id", SERIAL, primary_key=True),
        sa.Column("citizen_key", CODE),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("opened_at", sa.DateTime, nullable=False),
        sa.Column("last_active_at", sa.DateTime, nullable=False),
        sa.Column("closed_at", sa.DateTime),
        sa.Column("closes_at", sa.DateTime),
        sqlite_autoincrement=True,
    )
    op.create_index("journey_closing", "journey", ["state", "closes_at"])
    op.create_index("journey_active", "journey", ["last_active_at", "id"])
    op.create_index("journey_citizen", "journey", ["citizen_key", "last_active_at", "id"])
    op.create_table(
        "journey_entry",
        sa.Column("position", SERIAL, primary_key=True),
        sa.Column("journey_id", sa.BigInteger, sa.ForeignKey("journey.id"), nullable=False),
        sa.Column("kind", sa.String(1), nullable=False),
        sa.Column("key", CODE, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.UniqueConstraint("kind", "key", name="journey_entry_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("journey_entry_journey", "journey_entry", ["journey_id", "kind", "at", "position"])
    op.create_table(
        "journey_channel",
        sa.Column("journey_id", sa.BigInteger, sa.ForeignKey("journey.id"), primary_key=True),
        sa.Column("ordinal", sa.Integer, primary_key=True),
        sa.Column("code", sa.String, nullable=False),
    )
    op.create_index("journey_channel_code", "journey_channel", ["code", "journey_id"])
    op.create_table(
        "handover",
        sa.Column("id", SERIAL, primary_key=True),
        sa.Column("journey_id", sa.BigInteger, sa.ForeignKey("journey.id"), nullable=False),
        sa.Column("from_channel", sa.String),
        sa.Column("to_channel", sa.String),
        sa.Column("agent_key", sa.String),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("note", sa.String),
        sqlite_autoincrement=True,
    )
    op.create_index("handover_journey", "handover", ["journey_id", "at", "id"])
    op.create_table(
        "linker",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("until", sa.DateTime, nullable=False),
    )
    op.execute("INSERT INTO linker (id, holder, until) VALUES (1, 'nobody', '2000-01-01 00:00:00.000000')")
    op.create_table(
        "linker_position",
        sa.Column("log", sa.String, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("history_end", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("linker_position", "linker", "handover", "journey_channel", "journey_entry", "journey"):
        op.drop_table(table)

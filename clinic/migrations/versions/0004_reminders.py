"""Reminders, nudges, templates, and a queue of their own for replies"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_reminders"
down_revision = "0003_courses"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REPLIES = "state = 'planned' AND purpose = 'reply'"


def upgrade() -> None:
    op.create_index(
        "ix_messages_reply_queue",
        "messages",
        ["due_at", "id"],
        sqlite_where=sa.text(REPLIES),
        postgresql_where=sa.text(REPLIES),
    )
    op.create_table(
        "reminders",
        sa.Column("appointment_id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("time_version", sa.Integer(), nullable=False),
        sa.Column("message_id", BIG, nullable=False),
        sa.Column("said_in", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_reminders_appointment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_reminders_message_id")
        ),
        sa.ForeignKeyConstraint(["said_in"], ["messages.id"], name=op.f("fk_reminders_said_in")),
        sa.PrimaryKeyConstraint(
            "appointment_id", "kind", "time_version", name=op.f("pk_reminders")
        ),
    )
    op.create_index("ix_reminders_message_id", "reminders", ["message_id"], unique=True)
    op.create_table(
        "nudges",
        sa.Column("message_id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("subject_id", BIG, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_nudges_message_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_nudges")),
        sa.UniqueConstraint(
            "kind", "subject_id", "number", name=op.f("uq_nudges_kind_subject_id_number")
        ),
    )
    op.create_table(
        "message_templates",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("category", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", "language", name=op.f("pk_message_templates")),
    )


def downgrade() -> None:
    op.drop_table("message_templates")
    op.drop_table("nudges")
    op.drop_index("ix_reminders_message_id", table_name="reminders")
    op.drop_table("reminders")
    op.drop_index("ix_messages_reply_queue", table_name="messages")

"""Exercises at home: programmes, their exercises, and each occasion with its answer"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008_exercises"
down_revision = "0007_care"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "exercise_programmes",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("contact_id", BIG_ID, nullable=False),
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("course_id", BIG_ID, nullable=True),
        sa.Column("written_by", sa.String(length=120), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("times", sa.String(length=20), nullable=False),
        sa.Column("weekdays", sa.String(length=7), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("paused_for", sa.String(length=8), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('active', 'paused', 'ended')", name=op.f("ck_exercise_programmes_status")
        ),
        sa.CheckConstraint(
            "paused_for IN ('hurts', 'staff')", name=op.f("ck_exercise_programmes_paused_for")
        ),
        sa.CheckConstraint(
            "last_day >= first_day", name=op.f("ck_exercise_programmes_last_after_first")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_exercise_programmes_contact_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name=op.f("fk_exercise_programmes_patient_id")
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_exercise_programmes_course_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exercise_programmes")),
    )
    op.create_index(
        op.f("ix_exercise_programmes_contact_id"), "exercise_programmes", ["contact_id"]
    )
    op.create_index(
        op.f("ix_exercise_programmes_patient_id"), "exercise_programmes", ["patient_id"]
    )
    op.create_table(
        "exercises",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("programme_id", BIG_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.LargeBinary(), nullable=False),
        sa.Column("instructions", sa.LargeBinary(), nullable=False),
        sa.Column("dose", sa.LargeBinary(), nullable=True),
        sa.Column("file_id", BIG_ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["exercise_programmes.id"], name=op.f("fk_exercises_programme_id")
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_files.id"], name=op.f("fk_exercises_file_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exercises")),
        sa.UniqueConstraint(
            "programme_id", "position", name=op.f("uq_exercises_programme_id_position")
        ),
    )
    op.create_index(op.f("ix_exercises_file_id"), "exercises", ["file_id"])
    op.create_table(
        "exercise_occasions",
        sa.Column("programme_id", BIG_ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", sa.String(length=5), nullable=False),
        sa.Column("message_id", BIG_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("answer", sa.String(length=8), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", BIG_ID, nullable=True),
        sa.CheckConstraint(
            "answer IN ('done', 'partly', 'hurts')", name=op.f("ck_exercise_occasions_answer")
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["exercise_programmes.id"],
            name=op.f("fk_exercise_occasions_programme_id"),
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_exercise_occasions_message_id")
        ),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["messages.id"], name=op.f("fk_exercise_occasions_answered_by")
        ),
        sa.PrimaryKeyConstraint("programme_id", "day", "at", name=op.f("pk_exercise_occasions")),
        sa.UniqueConstraint("message_id", name=op.f("uq_exercise_occasions_message_id")),
    )


def downgrade() -> None:
    op.drop_table("exercise_occasions")
    op.drop_table("exercises")
    op.drop_table("exercise_programmes")

"""The front desk: teams and snoozing of handoffs, private notes, ready answers and their files"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_desk"
down_revision = "0005_access"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name, kind in (
        ("better_intent", sa.String(length=64)),
        ("team", sa.String(length=20)),
        ("snoozed_after", BIG_ID),
        ("snoozed_until", sa.DateTime(timezone=True)),
        ("read_upto", BIG_ID),
    ):
        op.add_column("handoffs", sa.Column(name, kind, nullable=True))
    op.create_table(
        "notes",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("contact_id", BIG_ID, nullable=False),
        sa.Column("after_message_id", BIG_ID, nullable=False),
        sa.Column("author", sa.String(length=120), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_notes_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index("ix_notes_contact_id_id", "notes", ["contact_id", "id"])
    op.create_table(
        "stored_files",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("filename", sa.LargeBinary(), nullable=False),
        sa.Column("mime_type", sa.String(length=80), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("media_id", sa.String(length=128), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_files")),
    )
    op.create_table(
        "canned_replies",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("title", sa.LargeBinary(), nullable=False),
        sa.Column("texts", sa.LargeBinary(), nullable=False),
        sa.Column("clinical", sa.Boolean(), nullable=False),
        sa.Column("file_id", BIG_ID, nullable=True),
        sa.Column("written_by", sa.String(length=120), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_files.id"], name=op.f("fk_canned_replies_file_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_replies")),
    )


def downgrade() -> None:
    op.drop_table("canned_replies")
    op.drop_table("stored_files")
    op.drop_index("ix_notes_contact_id_id", table_name="notes")
    op.drop_table("notes")
    for name in ("read_upto", "snoozed_until", "snoozed_after", "team", "better_intent"):
        op.drop_column("handoffs", name)

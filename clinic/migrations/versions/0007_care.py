"""Care: what announcements tell of, and whom a waiting contact waits for"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_care"
down_revision = "0006_desk"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "announcements",
        sa.Column("message_id", BIG_ID, nullable=False),
        sa.Column("about", sa.String(length=12), nullable=False),
        sa.Column("subject_id", BIG_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_announcements_message_id")
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_announcements")),
    )
    op.add_column("waiting_patients", sa.Column("patient_name", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("waiting_patients", "patient_name")
    op.drop_table("announcements")

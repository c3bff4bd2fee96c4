"""Notice, consent per purpose, guardians and ad referrals"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from clinic.models.append_only import guard_statements

revision = "0002_consent"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
EVIDENCE = ("consents", "notices_given")


def _contact(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_contact_id")
    return sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=name)


def upgrade() -> None:
    op.create_table(
        "consents",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("contact_id", BIG_ID, nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("notice_version", sa.String(length=20), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("wamid", sa.LargeBinary(), nullable=True),
        sa.Column("how", sa.String(length=20), nullable=False),
        sa.Column("recorded_by", sa.String(length=120), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('care', 'exercises', 'follow_up', 'marketing')",
            name=op.f("ck_consents_purpose"),
        ),
        sa.CheckConstraint(
            "how IN ('button', 'words', 'user_preferences', 'staff')",
            name=op.f("ck_consents_how"),
        ),
        _contact("consents"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(
        "ix_consents_contact_id_purpose", "consents", ["contact_id", "purpose", "at", "id"]
    )
    op.create_table(
        "notices_given",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("contact_id", BIG_ID, nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        _contact("notices_given"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices_given")),
        sa.UniqueConstraint(
            "contact_id", "version", name=op.f("uq_notices_given_contact_id_version")
        ),
    )
    op.create_table(
        "guardians",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("contact_id", BIG_ID, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("relation", sa.LargeBinary(), nullable=True),
        sa.Column("wamid", sa.LargeBinary(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.String(length=120), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('suspected', 'asked', 'agreed', 'declined', 'adult')",
            name=op.f("ck_guardians_state"),
        ),
        _contact("guardians"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guardians")),
    )
    op.create_index(op.f("ix_guardians_contact_id"), "guardians", ["contact_id"])
    op.create_table(
        "referrals",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("contact_id", BIG_ID, nullable=False),
        sa.Column("source_type", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=True),
        sa.Column("headline", sa.LargeBinary(), nullable=True),
        sa.Column("ctwa_clid", sa.LargeBinary(), nullable=True),
        sa.Column("wamid", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        _contact("referrals"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
        sa.UniqueConstraint("wamid", name=op.f("uq_referrals_wamid")),
    )
    op.create_index(op.f("ix_referrals_contact_id"), "referrals", ["contact_id"])
    dialect = op.get_bind().dialect.name
    for table in EVIDENCE:
        for statement in guard_statements(table, dialect):
            op.execute(sa.DDL(statement))


def downgrade() -> None:
    for table in ("referrals", "guardians", *EVIDENCE):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")

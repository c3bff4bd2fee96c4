"""Bills of supply, their lines and payments, and the counter of each financial year"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from clinic.models.bills import GUARDED, guard_statements

revision = "0009_bills"
down_revision = "0008_exercises"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bill_counters",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_bill_counters")),
    )
    op.create_table(
        "bills",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("contact_id", BIG_ID, nullable=False),
        sa.Column("patient_id", BIG_ID, nullable=False),
        sa.Column("course_id", BIG_ID, nullable=True),
        sa.Column("appointment_id", BIG_ID, nullable=True),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("serial", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("supplier", sa.LargeBinary(), nullable=False),
        sa.Column("recipient_name", sa.LargeBinary(), nullable=False),
        sa.Column("recipient_address", sa.LargeBinary(), nullable=True),
        sa.Column("total_paise", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("written_by", sa.String(length=120), nullable=False),
        sa.Column("cause", sa.String(length=120), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_by", sa.String(length=120), nullable=True),
        sa.Column("cancel_reason", sa.LargeBinary(), nullable=True),
        sa.Column("keep_until", sa.Date(), nullable=False),
        sa.CheckConstraint("state IN ('issued', 'paid', 'cancelled')", name=op.f("ck_bills_state")),
        sa.CheckConstraint("total_paise > 0", name=op.f("ck_bills_total")),
        sa.ForeignKeyConstraint(
            ["appointment_id"], ["appointments.id"], name=op.f("fk_bills_appointment_id")
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_bills_contact_id")),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name=op.f("fk_bills_course_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_bills_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bills")),
        sa.UniqueConstraint("cause", name=op.f("uq_bills_cause")),
        sa.UniqueConstraint("serial", name=op.f("uq_bills_serial")),
        sa.UniqueConstraint("year", "number", name=op.f("uq_bills_year_number")),
    )
    op.create_index(op.f("ix_bills_appointment_id"), "bills", ["appointment_id"])
    op.create_index(op.f("ix_bills_contact_id"), "bills", ["contact_id"])
    op.create_table(
        "bill_lines",
        sa.Column("bill_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("description", sa.LargeBinary(), nullable=False),
        sa.Column("sac", sa.String(length=8), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_paise", sa.Integer(), nullable=False),
        sa.Column("amount_paise", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["bill_id"], ["bills.id"], name=op.f("fk_bill_lines_bill_id")),
        sa.PrimaryKeyConstraint("bill_id", "position", name=op.f("pk_bill_lines")),
    )
    op.create_table(
        "bill_payments",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("bill_id", BIG_ID, nullable=False),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=True),
        sa.Column("paise", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=120), nullable=False),
        sa.Column("cause", sa.String(length=120), nullable=False),
        sa.CheckConstraint("paise > 0", name=op.f("ck_bill_payments_paise")),
        sa.ForeignKeyConstraint(["bill_id"], ["bills.id"], name=op.f("fk_bill_payments_bill_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill_payments")),
        sa.UniqueConstraint("cause", name=op.f("uq_bill_payments_cause")),
    )
    op.create_index(op.f("ix_bill_payments_bill_id"), "bill_payments", ["bill_id"])
    dialect = op.get_bind().dialect.name
    for table in GUARDED:
        for statement in guard_statements(table, dialect):
            op.execute(statement)


def downgrade() -> None:
    for table in (*reversed(GUARDED), "bill_counters"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_bill_part()")
        op.execute("DROP FUNCTION refuse_bill()")

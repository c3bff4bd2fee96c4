"""Bills of supply and what was paid for them: what tax law wants kept, as it was issued.

The database itself refuses to change what a bill says, and to let go of one before its time:
`guard_statements`, which the migration runs too. A bill moves `issued → paid`, or to `cancelled`.
"""

from __future__ import annotations

from typing import List

from sqlalchemy import (
    DDL,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    String,
    UniqueConstraint,
    event,
)
from sqlalchemy.orm import relationship

from clinic.crypto import EncryptedJson, EncryptedText
from clinic.database import UtcDateTime, now
from clinic.models.base import Base, BigId

ISSUED, PAID, CANCELLED = "issued", "paid", "cancelled"
BILL_STATES = (ISSUED, PAID, CANCELLED)
CASH, UPI, CARD, BANK = "cash", "upi", "card", "bank"
WAYS_TO_PAY = (CASH, UPI, CARD, BANK)


class BillCounter(Base):
    """The last number given in a financial year; 2026 is April 2026 to March 2027."""

    __tablename__ = "bill_counters"

    year = Column(Integer, primary_key=True, autoincrement=False)
    last = Column(Integer, nullable=False)


class Bill(Base):
    """A bill of supply. `supplier` is what `clinic.yml` said of the clinic when it was issued.

    `day` is the clinic's local day of issue. `cause` names what asked for it, so that a form sent
    twice makes one bill. It may be deleted after `keep_until`, not before.
    """

    __tablename__ = "bills"
    __table_args__ = (
        UniqueConstraint("year", "number"),
        CheckConstraint(
            "state IN ({})".format(", ".join(f"'{state}'" for state in BILL_STATES)), name="state"
        ),
        CheckConstraint("total_paise > 0", name="total"),
    )

    id = Column(BigId, primary_key=True)
    contact_id = Column(BigId, ForeignKey("contacts.id"), nullable=False, index=True)
    patient_id = Column(BigId, ForeignKey("patients.id"), nullable=False)
    course_id = Column(BigId, ForeignKey("courses.id"))
    appointment_id = Column(BigId, ForeignKey("appointments.id"), index=True)
    year = Column(Integer, nullable=False)
    number = Column(Integer, nullable=False)
    serial = Column(String(16), nullable=False, unique=True)
    day = Column(Date, nullable=False)
    issued_at = Column(UtcDateTime, nullable=False)
    language = Column(String(8), nullable=False)
    supplier = Column(EncryptedJson, nullable=False)
    recipient_name = Column(EncryptedText, nullable=False)
    recipient_address = Column(EncryptedText)
    total_paise = Column(Integer, nullable=False)
    state = Column(String(10), nullable=False, default=ISSUED)
    written_by = Column(String(120), nullable=False)
    cause = Column(String(120), nullable=False, unique=True)
    cancelled_at = Column(UtcDateTime)
    cancelled_by = Column(String(120))
    cancel_reason = Column(EncryptedText)
    keep_until = Column(Date, nullable=False)

    contact = relationship("Contact")
    patient = relationship("Patient")
    lines = relationship("BillLine", order_by="BillLine.position", viewonly=True)
    payments = relationship("Payment", order_by="Payment.id", viewonly=True)


class BillLine(Base):
    """One line of a bill: `quantity` of something at `unit_paise` each."""

    __tablename__ = "bill_lines"

    bill_id = Column(BigId, ForeignKey("bills.id"), primary_key=True, autoincrement=False)
    position = Column(Integer, primary_key=True, autoincrement=False)
    description = Column(EncryptedText, nullable=False)
    sac = Column(String(8), nullable=False)
    quantity = Column(Integer, nullable=False)
    unit_paise = Column(Integer, nullable=False)
    amount_paise = Column(Integer, nullable=False)


class Payment(Base):
    """Money that came for a bill. `reference` is the UTR of a transfer, or what a card slip says."""

    __tablename__ = "bill_payments"
    __table_args__ = (CheckConstraint("paise > 0", name="paise"),)

    id = Column(BigId, primary_key=True)
    bill_id = Column(BigId, ForeignKey("bills.id"), nullable=False, index=True)
    how = Column(String(8), nullable=False)
    reference = Column(EncryptedText)
    paise = Column(Integer, nullable=False)
    received_at = Column(UtcDateTime, nullable=False, default=now)
    recorded_by = Column(String(120), nullable=False)
    cause = Column(String(120), nullable=False, unique=True)


REFUSAL = "a bill is not changed, and kept until its time"
# what a bill says; its contact may become another's where two turn out to be one person
FIXED = (
    *("id", "course_id", "appointment_id", "year", "number", "serial", "day", "issued_at"),
    *("language", "supplier", "recipient_name", "recipient_address", "total_paise"),
    *("written_by", "cause", "keep_until"),
)
GUARDED = ("bills", "bill_lines", "bill_payments")


def guard_statements(table: str, dialect: str) -> List[str]:
    """What keeps a table of `GUARDED` as it is on this database, to run after it was created."""
    if dialect == "sqlite":
        return _for_sqlite(table)
    if table == "bills":
        return [
            _function("refuse_bill", f"RAISE EXCEPTION '{REFUSAL}';"),
            _function(
                "refuse_bill_part",
                "IF EXISTS (SELECT 1 FROM bills WHERE id = OLD.bill_id "
                f"AND keep_until >= CURRENT_DATE) THEN RAISE EXCEPTION '{REFUSAL}'; "
                "END IF; RETURN OLD;",
            ),
            _trigger(table, "update", f"UPDATE OF {', '.join(FIXED)}"),
            _trigger(table, "delete", "DELETE", when="WHEN (OLD.keep_until >= CURRENT_DATE) "),
            _trigger(table, "truncate", "TRUNCATE", each="STATEMENT"),
        ]
    return [
        _trigger(table, "update", "UPDATE"),
        _trigger(table, "delete", "DELETE", function="refuse_bill_part"),
        _trigger(table, "truncate", "TRUNCATE", each="STATEMENT"),
    ]


def _for_sqlite(table: str) -> List[str]:
    stop = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    update, held = "UPDATE", "EXISTS (SELECT 1 FROM bills WHERE id = OLD.bill_id AND {})"
    still = "keep_until >= date('now')"
    if table == "bills":
        update, held = f"UPDATE OF {', '.join(FIXED)}", "OLD.{}"
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE {update} ON {table} {stop}",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
        f"WHEN {held.format(still)} {stop}",
    ]


def _function(name: str, body: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$guard$ BEGIN {body} END $guard$"
    )


def _trigger(
    table: str, name: str, on: str, each: str = "ROW", when: str = "", function: str = "refuse_bill"
) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{name} BEFORE {on} ON {table} "
        f"FOR EACH {each} {when}EXECUTE FUNCTION {function}()"
    )


for _model in (Bill, BillLine, Payment):
    for _dialect in ("sqlite", "postgresql"):
        for _statement in guard_statements(str(_model.__table__.name), _dialect):
            event.listen(
                _model.__table__,
                "after_create",
                DDL(_statement.replace("%", "%%")).execute_if(dialect=_dialect),
            )

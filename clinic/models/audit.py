"""The audit log: a table that takes new rows and lets go of none before its time.

The guard is in the database itself, so that it also holds against a program of ours with a fault
and against whoever opens the database with the application's own account.
"""

from __future__ import annotations

from typing import List

from sqlalchemy import DDL, Column, Index, String, event

from clinic.database import UtcDateTime, now
from clinic.models.base import Base, BigId

# DPDP Rules 2025: logs of processing are kept at least one year
KEPT_DAYS = 366


class AuditEntry(Base):
    """One act. Codes and ids only: no name, number, address or word of anybody.

    `who` is `staff:<id>`, `token:<id>`, or a part of the system (`api`, `cli`, `worker`); `subject`
    is `contact:<id>`, `handoff:<id>` and the like; `contact_id` is the patient it concerns, where
    there is one (no foreign key: the entry outlives the contact). `address_hash` is keyed.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_who_id", "who", "id"),
        Index("ix_audit_what_id", "what", "id"),
        Index("ix_audit_contact_id_id", "contact_id", "id"),
        Index("ix_audit_at", "at"),
    )

    id = Column(BigId, primary_key=True)
    at = Column(UtcDateTime, nullable=False, default=now)
    who = Column(String(80), nullable=False)
    what = Column(String(40), nullable=False)
    subject = Column(String(80), nullable=False)
    contact_id = Column(BigId)
    detail = Column(String(500))
    address_hash = Column(String(64))


REFUSAL = "the audit log is append-only"

SQLITE_GUARD = (
    f"""CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
    f"""CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
WHEN OLD.at > datetime('now', '-{KEPT_DAYS} days')
BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
)
POSTGRESQL_GUARD = (
    f"""CREATE OR REPLACE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '{KEPT_DAYS} days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '{REFUSAL}';
END $guard$""",
    """CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION audit_guard()""",
    """CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_guard()""",
)


def guard_statements(dialect: str) -> List[str]:
    """What makes the table append-only on this database, to run once after it was created."""
    return list(SQLITE_GUARD if dialect == "sqlite" else POSTGRESQL_GUARD)


for _dialect in ("sqlite", "postgresql"):
    for _statement in guard_statements(_dialect):
        event.listen(
            AuditEntry.__table__,
            "after_create",
            DDL(_statement.replace("%", "%%")).execute_if(dialect=_dialect),
        )

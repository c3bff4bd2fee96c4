"""A conversation that a person owns."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, text
from sqlalchemy.orm import relationship

from clinic.crypto import EncryptedText
from clinic.database import UtcDateTime, now
from clinic.models.base import Base, BigId
from clinic.models.contact import Contact

REASONS = ("clinical", "red_flag", "media", "request", "unsure", "failure")
PRIORITIES = ("urgent", "high", "normal")
STATUSES = ("open", "claimed", "resolved")
TEAMS = ("physiotherapists",)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Handoff(Base):
    """While a row of a contact is not resolved, the bot is mute for that contact.

    At most one is unresolved per contact (a partial unique index). `team` is a group it waits
    for instead of a person. Snoozed, it waits out of sight until `snoozed_until` (None: for ever)
    or until the patient writes something newer than message `snoozed_after`. Staff have read up to
    message `read_upto`. `better_intent` is what the bot should have recognised.
    """

    __tablename__ = "handoffs"
    __table_args__ = (
        _one_of("reason", REASONS),
        _one_of("priority", PRIORITIES),
        _one_of("status", STATUSES),
        Index(
            "uq_handoffs_one_unresolved",
            "contact_id",
            unique=True,
            sqlite_where=text("status <> 'resolved'"),
            postgresql_where=text("status <> 'resolved'"),
        ),
        Index("ix_handoffs_status_opened_at", "status", "opened_at"),
    )

    id = Column(BigId, primary_key=True)
    contact_id = Column(BigId, ForeignKey("contacts.id"), nullable=False, index=True)
    reason = Column(String(16), nullable=False)
    red_flag = Column(String(32))
    priority = Column(String(8), nullable=False)
    status = Column(String(10), nullable=False, default="open")
    opened_by = Column(String(300))
    claimed_by = Column(String(120))
    claimed_at = Column(UtcDateTime)
    resolved_by = Column(String(120))
    resolved_at = Column(UtcDateTime)
    outcome = Column(String(40))
    better_intent = Column(String(64))
    team = Column(String(20))
    snoozed_after = Column(BigId)
    snoozed_until = Column(UtcDateTime)
    read_upto = Column(BigId)
    note = Column(EncryptedText)
    opened_at = Column(UtcDateTime, nullable=False, default=now)

    contact = relationship(Contact)

"""What the clinic says of its own accord: reminders, nudges, and the templates that carry them."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, UniqueConstraint

from clinic.database import UtcDateTime, now
from clinic.models.base import Base, BigId


class Reminder(Base):
    """That a visit at one of its times (`time_version`) is to be reminded of, once for each kind.

    `message_id` is the outbox row planned for it. `said_in` is another row that said it along
    with its own, where two visits of a contact share one message; null otherwise.
    """

    __tablename__ = "reminders"
    __table_args__ = (Index("ix_reminders_message_id", "message_id", unique=True),)

    appointment_id = Column(BigId, ForeignKey("appointments.id"), primary_key=True)
    kind = Column(String(8), primary_key=True)
    time_version = Column(Integer, primary_key=True)
    message_id = Column(BigId, ForeignKey("messages.id"), nullable=False)
    said_in = Column(BigId, ForeignKey("messages.id"))


class Nudge(Base):
    """One message that asks a patient back: to the rest of a course, or after a missed visit.

    Of a `drop_off` the subject is the course, of a `no_show` the appointment; `number` counts
    those about one subject, from 1.
    """

    __tablename__ = "nudges"
    __table_args__ = (UniqueConstraint("kind", "subject_id", "number"),)

    message_id = Column(BigId, ForeignKey("messages.id"), primary_key=True)
    kind = Column(String(12), nullable=False)
    subject_id = Column(BigId, nullable=False)
    number = Column(Integer, nullable=False)
    planned_at = Column(UtcDateTime, nullable=False)


class MessageTemplate(Base):
    """A template as WhatsApp knows it.

    `digest` is that of its words as WhatsApp has them: a file edited since needs a new approval.
    """

    __tablename__ = "message_templates"

    name = Column(String(120), primary_key=True)
    language = Column(String(12), primary_key=True)
    status = Column(String(20), nullable=False)
    category = Column(String(20), nullable=False)
    digest = Column(String(64))
    reason = Column(String(200))
    updated_at = Column(UtcDateTime, nullable=False, default=now)

"""What the clinic tells a patient of its own accord beside reminders and nudges."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String

from clinic.models.base import Base, BigId

OFFER, PLAN, LEAVE, CLOSURE = "offer", "plan", "leave", "closure"


class Announcement(Base):
    """What an outbox row tells of, so that it can be looked at again when it is sent.

    `about` and its subject: an `offer` of a slot to a waiting patient, the `plan` of a course, or
    a visit that cannot take place because of a `leave` or a `closure`; `version` is that of the
    visit then, 0 for the others.
    """

    __tablename__ = "announcements"

    message_id = Column(BigId, ForeignKey("messages.id"), primary_key=True)
    about = Column(String(12), nullable=False)
    subject_id = Column(BigId, nullable=False)
    version = Column(Integer, nullable=False, default=0)

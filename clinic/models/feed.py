"""The secret addresses under which clinicians read their calendar."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String

from clinic.database import UtcDateTime, now
from clinic.models.base import Base


class CalendarFeed(Base):
    """A clinician's calendar feed; of its secret address only a keyed hash is kept."""

    __tablename__ = "calendar_feeds"

    clinician_id = Column(Integer, ForeignKey("clinicians.id"), primary_key=True)
    token_hash = Column(String(64), nullable=False, unique=True)
    made_at = Column(UtcDateTime, nullable=False, default=now)

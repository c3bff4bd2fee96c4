"""Who said what became of a visit; append-only."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String

from clinic.database import UtcDateTime, now
from clinic.models.base import Base, BigId


class AttendanceMark(Base):
    """A visit's status was `was` and became `became`, by the word of `marked_by` (a code)."""

    __tablename__ = "attendance_marks"

    id = Column(BigId, primary_key=True)
    appointment_id = Column(
        BigId, ForeignKey("appointments.id", ondelete="CASCADE"), nullable=False, index=True
    )
    was = Column(String(10), nullable=False)
    became = Column(String(10), nullable=False)
    marked_by = Column(String(120), nullable=False)
    marked_at = Column(UtcDateTime, nullable=False, default=now)

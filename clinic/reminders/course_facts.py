"""Where a course stands, as far as reminders say it.

REPLACE ON MERGE: `clinic.courses.number_of` and `clinic.courses.balance` say the same of a
course and know the clinic's rule for missed sessions.
"""

from __future__ import annotations

from datetime import datetime
from typing import Optional, Tuple

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from clinic.models import Appointment, Course
from clinic.models.schedule import ARRIVED, COMPLETED, STANDING

COUNTED = (*STANDING, ARRIVED, COMPLETED)


def number_of(
    session: Session, appointment_id: int, course_id: Optional[int], starts_at: datetime
) -> Optional[Tuple[int, int]]:
    """`(4, 12)` for the fourth session of twelve; None for a visit of no course, or beyond it."""
    if course_id is None:
        return None
    total = session.execute(select(Course.sessions).where(Course.id == course_id)).scalar_one()
    number = session.execute(
        select(func.count())
        .select_from(Appointment)
        .where(
            Appointment.course_id == course_id,
            Appointment.status.in_(COUNTED),
            tuple_(Appointment.starts_at, Appointment.id)
            <= tuple_(
                select(Appointment.starts_at)
                .where(Appointment.id == appointment_id)
                .scalar_subquery(),
                appointment_id,
            ),
        )
    ).scalar_one()
    return (int(number), int(total)) if 0 < number <= total else None


def sessions_left(session: Session, course_id: int) -> int:
    """How many sessions of the course are neither done nor booked."""
    total = session.execute(select(Course.sessions).where(Course.id == course_id)).scalar_one()
    used = session.execute(
        select(func.count())
        .select_from(Appointment)
        .where(Appointment.course_id == course_id, Appointment.status.in_(COUNTED))
    ).scalar_one()
    return max(0, int(total) - int(used))

"""A course to begin a test with."""

from __future__ import annotations

from datetime import date, datetime
from typing import Optional

from sqlalchemy import select

from clinic.database import Database
from clinic.models import Clinician, Course, Service
from clinic.scheduling.rows import patient_named


def a_course(
    db: Database,
    contact_id: int,
    now: datetime,
    sessions: int = 3,
    expires_on: Optional[date] = None,
    name: str = "Meena Joshi",
    clinician: str = "asha",
) -> int:
    """The contact's patient of that name has a course; its id."""
    with db.transaction() as session:
        course = Course(
            patient_id=patient_named(session, contact_id, name).id,
            clinician_id=session.execute(
                select(Clinician.id).where(Clinician.code == clinician)
            ).scalar_one(),
            service_id=session.execute(
                select(Service.id).where(Service.code == "session")
            ).scalar_one(),
            sessions=sessions,
            per_week=3,
            expires_on=expires_on,
            started_at=now,
        )
        session.add(course)
        session.flush()
        return int(course.id)

"""The invented patients of the demo."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from clinic.consent import allows
from clinic.database import Database
from clinic.demo import seed_demo
from clinic.models import Appointment, Contact, Course
from clinic.profile_file import load_profile
from clinic.setup import write_profile

ROOT = Path(__file__).parents[2]


def test_the_demo_is_seeded_once(sqlite_db: Database, now: datetime) -> None:
    write_profile(sqlite_db, load_profile(ROOT / "clinic.yml"))
    assert seed_demo(sqlite_db, now) == 5
    assert seed_demo(sqlite_db, now + timedelta(days=1)) == 0
    with sqlite_db.reading() as session:
        people = session.execute(select(Contact)).scalars().all()
        phones = [contact.phone for contact in people]
        assert all(allows(session, contact.id, "care") for contact in people)
        assert not any(allows(session, contact.id, "marketing") for contact in people)
        statuses = dict(
            session.execute(
                select(Appointment.status, func.count()).group_by(Appointment.status)
            ).all()
        )
        course = session.execute(select(Course)).scalar_one()
        done = session.execute(
            select(func.count()).where(
                Appointment.course_id == course.id, Appointment.status == "completed"
            )
        ).scalar_one()
        ahead = (
            session.execute(select(Appointment.starts_at).where(Appointment.status == "booked"))
            .scalars()
            .all()
        )
    assert all(phone.startswith("+91900000001") for phone in phones)
    assert statuses == {"booked": 5, "completed": 4}
    assert (course.sessions, done) == (12, 3)
    assert all(starts_at > now for starts_at in ahead)

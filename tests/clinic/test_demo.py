"""The invented patients of the demo."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from clinic.consent import allows
from clinic.course_plans import deliver
from clinic.database import Database
from clinic.demo import seed_demo
from clinic.models import Appointment, Bill, Contact, Course, ExerciseProgramme
from clinic.profile_file import load_profile
from clinic.reminders.missed import plan_drop_offs
from clinic.setup import write_profile
from clinic.texts import domain_texts
from tests.reminding import approve_templates, send_due

ROOT = Path(__file__).parents[2]


def test_the_demo_is_seeded_once(sqlite_db: Database, now: datetime) -> None:
    write_profile(sqlite_db, load_profile(ROOT / "clinic.yml"))
    assert seed_demo(sqlite_db, now) == 6
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
        course, idle = session.execute(select(Course).order_by(Course.id)).scalars()
        done = session.execute(
            select(func.count()).where(
                Appointment.course_id == course.id, Appointment.status == "completed"
            )
        ).scalar_one()
        bills = session.execute(select(Bill).order_by(Bill.id)).scalars().all()
        payments = [len(bill.payments) for bill in bills]
        ahead = (
            session.execute(select(Appointment.starts_at).where(Appointment.status == "booked"))
            .scalars()
            .all()
        )
    assert all(phone.startswith("+91900000001") for phone in phones)
    assert statuses == {"booked": 5, "completed": 8}
    assert (course.sessions, done) == (12, 3)
    assert all(plan.expect and plan.why_finish and plan.price_paise for plan in (course, idle))
    assert all(starts_at > now for starts_at in ahead)
    assert [(bill.serial, bill.state, bill.total_paise) for bill in bills] == [
        ("TP/26-27/0001", "issued", 640000),
        ("TP/26-27/0002", "paid", 60000),
    ]
    assert payments == [0, 1]


def test_one_of_them_has_exercises_for_home(sqlite_db: Database, now: datetime) -> None:
    write_profile(sqlite_db, load_profile(ROOT / "clinic.yml"))
    seed_demo(sqlite_db, now)
    approve_templates(sqlite_db)
    with sqlite_db.reading() as session:
        one = session.execute(select(ExerciseProgramme)).scalar_one()
        assert allows(session, one.contact_id, "exercises")
        assert len(one.exercises) == 3 and one.course_id is not None
    names = [bubble.name for bubble in send_due(sqlite_db, now + timedelta(minutes=35))]
    assert "home_exercises" in names


def test_a_newcomer_sees_a_whole_plan_and_a_nudge(sqlite_db: Database, now: datetime) -> None:
    write_profile(sqlite_db, load_profile(ROOT / "clinic.yml"))
    seed_demo(sqlite_db, now)
    approve_templates(sqlite_db)
    with sqlite_db.transaction() as session:
        first, idle = session.execute(select(Course).order_by(Course.id)).scalars()
        assert deliver(session, first.id, domain_texts(), now) is not None
        assert len(plan_drop_offs(session, now)) == 1
        words = str(first.why_finish), str(idle.why_finish)
    plan, nudge = (bubble.text for bubble in send_due(sqlite_db, now))
    assert words[0] in plan and "₹6,400" in plan
    assert words[1] in nudge and "6 of 10 sessions left" in nudge

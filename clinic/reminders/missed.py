"""Asking a patient back: the rest of a course that is not booked, and a visit that was missed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, List, Optional
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from clinic.consent import obstacle
from clinic.courses import balance
from clinic.handoffs import unresolved_handoff
from clinic.models import Appointment, Course, Message, Nudge, Patient
from clinic.models.consent import CARE
from clinic.models.message import CANCELLED, FAILED, SKIPPED
from clinic.models.schedule import CANCELLED as VISIT_CANCELLED
from clinic.models.schedule import HELD, STANDING
from clinic.outbox import plan_unwritten
from clinic.profile import Profile
from clinic.reminders.times import moved_later
from clinic.setup import profile_in

DROP_OFF, NO_SHOW = "drop_off", "no_show"
PURPOSE = CARE
# a nudge that could not go for so long has lost its sense
GOOD_FOR = timedelta(days=2)
# what never reached the patient does not count as one of the nudges of a course
UNSAID = (SKIPPED, CANCELLED, FAILED)


def plan_missed(session: Session, visit: Any, profile: Profile, now: datetime) -> Optional[int]:
    """One offer of a new time for a visit marked as missed; None where it has had its offer.

    Args:
        visit: `id`, `contact_id` and `ends_at` of the appointment.
    """
    wait = timedelta(hours=profile.reminders.missed_after_hours)
    return _plan(session, profile, NO_SHOW, int(visit.id), 1, int(visit.contact_id), now, wait)


def plan_drop_offs(session: Session, now: datetime) -> List[int]:
    """Plan a nudge for each course with sessions left and none booked for N days.

    At most M for each course and N days apart (`reminders` in clinic.yml), not while a person
    has the conversation, and not past the course's last day. Doing it again plans nothing new.

    Returns:
        The ids of the planned messages.
    """
    profile = profile_in(session)
    rules = profile.reminders
    if rules.nudges_per_course == 0:
        return []
    idle_since = now - timedelta(days=rules.nudge_after_days)
    planned = []
    for course in _idle_courses(session, now, idle_since, profile):
        number = _next_number(session, int(course.id), idle_since, rules.nudges_per_course)
        contact_id = int(course.contact_id)
        if number is None or balance(session, int(course.id)).left_to_book == 0:
            continue
        if unresolved_handoff(session, contact_id) or obstacle(session, contact_id, PURPOSE):
            continue
        args = (DROP_OFF, int(course.id), number, contact_id, now, timedelta(0))
        message_id = _plan(session, profile, *args)
        if message_id is not None:
            planned.append(message_id)
    return planned


def visits_ahead(session: Session, now: datetime, contact_id: int) -> List[Appointment]:
    """The standing visits of this contact that lie ahead, soonest first."""
    wanted = select(Appointment).where(
        Appointment.contact_id == contact_id,
        Appointment.status.in_(STANDING),
        Appointment.starts_at > now,
    )
    return list(session.execute(wanted.order_by(Appointment.starts_at)).scalars())


def has_session_since(session: Session, since: datetime, course_id: int) -> bool:
    """Whether a session of the course ended after `since`, or lies ahead."""
    wanted = select(Appointment.id).where(
        Appointment.course_id == course_id,
        Appointment.status.not_in((VISIT_CANCELLED, HELD)),
        Appointment.ends_at > since,
    )
    return session.execute(wanted.limit(1)).first() is not None


def _plan(
    session: Session,
    profile: Profile,
    kind: str,
    subject_id: int,
    number: int,
    contact_id: int,
    now: datetime,
    wait: timedelta,
) -> Optional[int]:
    what = "course" if kind == DROP_OFF else "appointment"
    due_at = moved_later(now + wait, profile.reminders.quiet, ZoneInfo(profile.time_zone))
    message_id = plan_unwritten(
        session,
        contact_id,
        kind="nudge",
        cause=f"{what}:{subject_id}:{kind}:{number}",
        purpose=PURPOSE,
        due_at=due_at,
        not_after=due_at + GOOD_FOR,
    )
    if message_id is not None:
        session.add(
            Nudge(
                message_id=message_id,
                kind=kind,
                subject_id=subject_id,
                number=number,
                planned_at=now,
            )
        )
        session.flush()
    return message_id


def _idle_courses(
    session: Session, now: datetime, idle_since: datetime, profile: Profile
) -> List[Any]:
    """Active courses whose last visit (or beginning) is long ago and that have none ahead."""
    today = now.astimezone(ZoneInfo(profile.time_zone)).date()
    last = func.max(Appointment.ends_at)
    rows = session.execute(
        select(Course.id, Course.started_at, Patient.contact_id)
        .join(Patient, Patient.id == Course.patient_id)
        .outerjoin(
            Appointment,
            and_(
                Appointment.course_id == Course.id,
                Appointment.status.not_in((VISIT_CANCELLED, HELD)),
            ),
        )
        .where(
            Course.status == "active",
            Course.started_at <= idle_since,
            (Course.expires_on.is_(None)) | (Course.expires_on >= today),
        )
        .group_by(Course.id, Course.started_at, Patient.contact_id)
        .having((last.is_(None)) | (last <= idle_since))
        .order_by(Course.id)
    )
    return list(rows)


def _next_number(session: Session, course_id: int, since: datetime, most: int) -> Optional[int]:
    """The number of the next nudge of a course; None where it has had its share, or one lately."""
    rows = session.execute(
        select(Nudge.number, Nudge.planned_at, Message.state)
        .join(Message, Message.id == Nudge.message_id)
        .where(Nudge.kind == DROP_OFF, Nudge.subject_id == course_id)
    ).all()
    said = [row for row in rows if row.state not in UNSAID]
    if len(said) >= most or any(row.planned_at > since for row in rows):
        return None
    return 1 + max((int(row.number) for row in rows), default=0)

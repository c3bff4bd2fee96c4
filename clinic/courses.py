"""Courses of sessions: what is left of one, which session a visit is, when a course is over.

A session of a course is *used* by a visit that took place; a missed one uses it only where the
profile says so (`booking.no_show_uses_session`), a cancelled one never. A visit that stands (or
whose patient has arrived) has it *booked*. Nobody can book more than the course has: whoever
takes a session locks the course's row first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, List, Optional, Tuple
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from clinic.models import Appointment, Course, Patient
from clinic.models.care import ACTIVE, EXPIRED, FINISHED, STOPPED
from clinic.models.schedule import (
    CANCELLED,
    CLINICS_REASONS,
    COMPLETED,
    HELD,
    NO_SHOW,
    TO_COME,
)
from clinic.scheduling.errors import CourseFull, CourseOver, UnknownCourse
from clinic.setup import profile_in


@dataclass(frozen=True)
class Balance:
    """How a course stands, in sessions.

    `used` are those that took place, and missed ones where they count; `booked` those to come;
    `cancelled_late` those that the patient cancelled late, not the clinic;
    `left_to_attend` is what is not used, `left_to_book` what is neither used nor booked.
    """

    total: int
    completed: int
    booked: int
    no_show: int
    cancelled: int
    cancelled_late: int
    used: int
    left_to_attend: int
    left_to_book: int


def balance(session: Session, course_id: int) -> Balance:
    """How the course stands now, counted from its visits.

    Raises:
        UnknownCourse.
    """
    course = session.get(Course, course_id)
    if course is None:
        raise UnknownCourse(f"course {course_id}")
    kind = (Appointment.status, Appointment.cancelled_late, Appointment.cancel_reason)
    rows = session.execute(
        select(*kind, func.count())
        # a slot that was only held for a while was no session
        .where(Appointment.course_id == course_id, Appointment.patient_id.is_not(None))
        .group_by(*kind)
    ).all()

    def number(*statuses: str) -> int:
        return sum(count for status, _, _, count in rows if status in statuses)

    missed_count = profile_in(session).booking.no_show_uses_session
    used = number(COMPLETED) + (number(NO_SHOW) if missed_count else 0)
    booked = number(*TO_COME)
    total = int(course.sessions)
    return Balance(
        total=total,
        completed=number(COMPLETED),
        booked=booked,
        no_show=number(NO_SHOW),
        cancelled=number(CANCELLED),
        cancelled_late=sum(
            count
            for status, late, reason, count in rows
            if status == CANCELLED and late and reason not in CLINICS_REASONS
        ),
        used=used,
        left_to_attend=max(0, total - used),
        left_to_book=max(0, total - used - booked),
    )


def number_of(session: Session, appointment: Appointment) -> Optional[Tuple[int, int]]:
    """Which session of how many this visit is, `(4, 12)` for "session 4 of 12".

    Counted by when they begin, among the visits that use or book a session; so the numbers of
    later visits move up when an earlier one is cancelled. A held slot has the number that it
    would have. None for a visit of no course, and for one that counts for none.
    """
    if appointment.course_id is None:
        return None
    counting = _counting(session)
    if appointment.status not in (*counting, HELD):
        return None
    earlier = session.execute(
        select(func.count(Appointment.id)).where(
            Appointment.course_id == appointment.course_id,
            Appointment.status.in_(counting),
            or_(
                Appointment.starts_at < appointment.starts_at,
                and_(
                    Appointment.starts_at == appointment.starts_at,
                    Appointment.id < appointment.id,
                ),
            ),
        )
    ).scalar_one()
    total = session.execute(
        select(Course.sessions).where(Course.id == appointment.course_id)
    ).scalar_one()
    return int(earlier) + 1, int(total)


def active_courses(session: Session, contact_id: int, now: datetime) -> List[Course]:
    """The courses of the contact's patients that can still be booked or attended, oldest first."""
    today = local_day(session, now)
    rows = session.execute(
        select(Course)
        .join(Patient, Patient.id == Course.patient_id)
        .where(
            Patient.contact_id == contact_id,
            Course.status == ACTIVE,
            or_(Course.expires_on.is_(None), Course.expires_on >= today),
        )
        .order_by(Course.id)
    ).scalars()
    return list(rows)


def courses_of(session: Session, contact_id: int) -> List[Course]:
    """Every course of the contact's patients, oldest first."""
    rows = session.execute(
        select(Course)
        .join(Patient, Patient.id == Course.patient_id)
        .where(Patient.contact_id == contact_id)
        .order_by(Course.id)
    ).scalars()
    return list(rows)


def own_course(session: Session, course_id: int, contact_id: Optional[int]) -> Course:
    """The course, locked until the transaction ends; any contact's where `contact_id` is None.

    Raises:
        UnknownCourse: if there is none of that id, or it is another contact's.
    """
    course = session.get(Course, course_id, with_for_update=True, populate_existing=True)
    if course is None or contact_id not in (None, course.patient.contact_id):
        raise UnknownCourse(f"course {course_id}")
    return course


def take_session(session: Session, appointment: Appointment, course_id: Optional[int]) -> None:
    """Make a visit that is being booked a session of its course.

    With `course_id` of that course; without, of the patient's oldest active course for the same
    service that has a session left on that day, if there is one.

    Raises:
        CourseFull: if the course that was named has no session left to book.
        CourseOver: if it ends before the visit, was finished or stopped.
        UnknownCourse: if it is none of this patient's contact.
    """
    day = local_day(session, appointment.starts_at)
    if course_id is not None:
        course = own_course(session, course_id, appointment.contact_id)
        if not _runs_on(course, day):
            raise CourseOver(f"course {course_id}")
        if balance(session, course_id).left_to_book < 1:
            raise CourseFull(f"course {course_id}")
        appointment.course_id = course_id
        return
    fitting = select(Course.id).where(
        Course.patient_id == appointment.patient_id,
        Course.service_id == appointment.service_id,
        Course.status == ACTIVE,
    )
    for number in session.execute(fitting.order_by(Course.id)).scalars().all():
        course = own_course(session, number, None)
        if _runs_on(course, day) and balance(session, number).left_to_book > 0:
            appointment.course_id = number
            return


def refuse_after_its_end(session: Session, appointment: Appointment, starts_at: datetime) -> None:
    """Refuse to move a session behind the last day of its course.

    Raises:
        CourseOver: if the course ends before.
    """
    if appointment.course_id is None:
        return
    expires_on = session.execute(
        select(Course.expires_on).where(Course.id == appointment.course_id)
    ).scalar_one()
    if expires_on is not None and local_day(session, starts_at) > expires_on:
        raise CourseOver(f"course {appointment.course_id}")


def settle_course(session: Session, course_id: Optional[int]) -> None:
    """After a change of one of its visits: a course whose sessions are used is finished.

    A correction of attendance may open it again. Expired and stopped courses stay what they are.
    """
    if course_id is None:
        return
    course = own_course(session, course_id, None)
    if course.status in (ACTIVE, FINISHED):
        course.status = ACTIVE if balance(session, course_id).left_to_attend else FINISHED
        session.flush()


def expire_courses(session: Session, now: datetime) -> List[int]:
    """End every active course whose last day is over; their ids. Booked visits stand."""
    over = session.execute(
        select(Course)
        .where(Course.status == ACTIVE, Course.expires_on < local_day(session, now))
        .order_by(Course.id)
        .with_for_update(skip_locked=True)
    ).scalars()
    return [_end(course, EXPIRED) for course in over]


def stop_course(session: Session, course_id: int) -> None:
    """End a course before its time; its visits are for staff to cancel.

    Raises:
        UnknownCourse.
    """
    _end(own_course(session, course_id, None), STOPPED)


def local_day(session: Session, moment: datetime) -> date:
    """The clinic's day at that moment."""
    return moment.astimezone(ZoneInfo(profile_in(session).time_zone)).date()


def _end(course: Any, status: str) -> int:
    course.status = status
    return int(course.id)


def _runs_on(course: Course, day: date) -> bool:
    return course.status == ACTIVE and (course.expires_on is None or day <= course.expires_on)


def _counting(session: Session) -> Tuple[str, ...]:
    missed_count = profile_in(session).booking.no_show_uses_session
    return (*TO_COME, COMPLETED, *((NO_SHOW,) if missed_count else ()))

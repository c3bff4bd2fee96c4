"""What became of a visit, by the word of the front desk or a clinician.

`TRANSITIONS` says what a visit can become; a slip of the finger is put right by marking again.
Every mark is kept (`AttendanceMark`). Cancelling and confirming are the calendar's own changes
and go through `clinic.scheduling.booking`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Dict, FrozenSet, List, Optional

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.courses import balance, local_day, own_course
from clinic.models import Appointment, AttendanceMark
from clinic.models.schedule import (
    ARRIVED,
    BOOKED,
    CANCELLED,
    COMPLETED,
    CONFIRMED,
    HELD,
    NO_SHOW,
    TO_COME,
)
from clinic.scheduling.booking import cancel, confirm_attendance
from clinic.scheduling.errors import CourseFull, NoSuchChange, NotYetBegun
from clinic.scheduling.rows import changed, own_appointment
from clinic.scheduling.visit import Visit, visit_of
from clinic.setup import profile_in

TRANSITIONS: Dict[str, FrozenSet[str]] = {
    HELD: frozenset(),
    BOOKED: frozenset({CONFIRMED, ARRIVED, COMPLETED, NO_SHOW, CANCELLED}),
    CONFIRMED: frozenset({ARRIVED, COMPLETED, NO_SHOW, CANCELLED}),
    ARRIVED: frozenset({CONFIRMED, COMPLETED, NO_SHOW}),
    COMPLETED: frozenset({ARRIVED, NO_SHOW}),
    NO_SHOW: frozenset({ARRIVED, COMPLETED}),
    CANCELLED: frozenset(),
}


def note_running_late(session: Session, appointment_id: int) -> None:
    """Note that the patient said they come late; the note is about the time as it stands now."""
    row = session.get(Appointment, appointment_id, with_for_update=True, populate_existing=True)
    if row is not None:
        row.note = _late_note(row)


def is_running_late(visit: Appointment) -> bool:
    """Whether the patient of a visit that has yet to begin said they come late."""
    return visit.status in (BOOKED, CONFIRMED) and visit.note == _late_note(visit)


def _late_note(visit: Appointment) -> str:
    # whoever then moves the visit is not late for the new time
    return f"running late, time {visit.time_version}"


def mark(
    session: Session,
    appointment_id: int,
    status: str,
    by: str,
    *,
    now: datetime,
    reason: Optional[str] = None,
) -> Visit:
    """Say what became of a visit; saying it again changes nothing.

    Args:
        by: who says so, a code such as `staff:meera`; never a message's words.
        reason: why it is cancelled, a code of ≤ 40 characters; for `cancelled` only.

    Raises:
        NoSuchChange: if a visit of its status cannot become that.
        NotYetBegun: if it is missed or completed before it begins, or arrived at before its day.
        CourseFull: if what was missed took place after all, but the session was booked anew.
        AppointmentPast: if it is confirmed or cancelled after it began.
        UnknownAppointment.
    """
    appointment = own_appointment(session, appointment_id, None)
    was = appointment.status
    if was == status:
        return visit_of(appointment)
    if status not in TRANSITIONS[was]:
        raise NoSuchChange(f"appointment {appointment_id}: {was} to {status}")
    _refuse_future(session, appointment, status, now)
    cause = f"mark:{appointment_id}:{appointment.version}:{status}"
    if status == CANCELLED:
        # the column of an appointment is narrower than that of a mark, which keeps all of it
        visit = cancel(session, appointment_id, None, by[:40], reason, cause, now=now)
    elif status == CONFIRMED and was == BOOKED:
        visit = confirm_attendance(session, appointment_id, None, cause, now=now)
    else:
        _refuse_session_given_away(session, appointment, status)
        appointment.status = status
        visit = changed(session, appointment, now)
    session.add(
        AttendanceMark(
            appointment_id=appointment_id, was=was, became=status, marked_by=by, marked_at=now
        )
    )
    session.flush()
    return visit


def marks(session: Session, appointment_id: int) -> List[AttendanceMark]:
    """Everything that was said of this visit, oldest first."""
    rows = session.execute(
        select(AttendanceMark)
        .where(AttendanceMark.appointment_id == appointment_id)
        .order_by(AttendanceMark.id)
    ).scalars()
    return list(rows)


def _refuse_future(session: Session, appointment: Appointment, status: str, now: datetime) -> None:
    begins = appointment.starts_at
    if status in (NO_SHOW, COMPLETED) and begins > now:
        raise NotYetBegun(f"appointment {appointment.id}")
    # who comes early has arrived; who comes a day early has not
    if status == ARRIVED and local_day(session, begins) > local_day(session, now):
        raise NotYetBegun(f"appointment {appointment.id}")


def _refuse_session_given_away(session: Session, appointment: Appointment, status: str) -> None:
    """A missed session that counts after all must still be there to be used."""
    if appointment.course_id is None or appointment.status != NO_SHOW:
        return
    if profile_in(session).booking.no_show_uses_session or status not in (*TO_COME, COMPLETED):
        return
    own_course(session, appointment.course_id, None)
    if balance(session, appointment.course_id).left_to_book < 1:
        raise CourseFull(f"course {appointment.course_id}")

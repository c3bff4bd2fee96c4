"""Holding, booking, moving, cancelling and confirming visits.

Every function works inside the caller's transaction (`Database.transaction`), so that the
message which reports a change is written with it. What a button asks for carries a `cause`:
the same cause again changes nothing and returns what it returned the first time. Whoever the
appointment does not belong to is refused; staff pass `contact_id=None`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Callable, List, Optional

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.courses import refuse_after_its_end, take_session
from clinic.models import Appointment
from clinic.models.schedule import (
    ARRIVED,
    BOOKED,
    CANCELLED,
    COMPLETED,
    CONFIRMED,
    HELD,
    STANDING,
)
from clinic.once import once
from clinic.scheduling.errors import DifferentService, HoldExpired, NotStanding
from clinic.scheduling.grid import Slot
from clinic.scheduling.rows import (
    changed,
    is_at,
    new_appointment,
    own_appointment,
    patient_named,
    refuse_past,
    standing_appointment,
)
from clinic.scheduling.rules import check_slot
from clinic.scheduling.taking import HOLD_EXPIRED, expire, give_back, take
from clinic.scheduling.visit import Visit, visit_of
from clinic.setup import profile_in

PATIENT = "patient"
HOLD_RELEASED = "hold_released"


def hold(
    session: Session,
    slot: Slot,
    contact_id: int,
    *,
    now: datetime,
    category: Optional[str] = None,
    course_id: Optional[int] = None,
) -> Visit:
    """Keep a slot for a contact who is about to confirm it.

    A contact holds one slot at a time: an earlier hold is given back, and holding the same slot
    again renews it.

    Raises:
        SlotTaken: if it is no longer free.
        SchedulingError: as `clinic.scheduling.rules.check_slot`.
    """
    calendar = check_slot(session, slot, now, by_staff=False)
    until = now + timedelta(minutes=calendar.profile.booking.hold_minutes)
    for earlier in _holds_of(session, contact_id):
        if is_at(earlier, slot):
            take(session, earlier, now)
            earlier.held_until, earlier.category = until, category or earlier.category
            session.flush()
            return visit_of(earlier)
    with session.begin_nested():
        for earlier in _holds_of(session, contact_id):
            _release(session, earlier)
        clinician_id = calendar.clinicians[slot.clinician].id
        appointment = new_appointment(session, slot, contact_id, clinician_id, now)
        appointment.status, appointment.held_until = HELD, until
        appointment.category, appointment.course_id = category, course_id
        session.flush()
        take(session, appointment, now)
    return visit_of(appointment)


def confirm(
    session: Session,
    appointment_id: int,
    contact_id: int,
    patient_name: str,
    cause: str,
    *,
    now: datetime,
) -> Visit:
    """Turn a hold into a booking for a patient of that name.

    A hold whose time ran out is still good while nobody else has taken the slot. The visit
    becomes a session of the patient's course where there is one (`clinic.courses.take_session`).

    Raises:
        CourseFull, CourseOver: if the hold was for a course that has no such session any more.
        HoldExpired: if it was given back meanwhile.
        NotStanding: if it is no longer a hold for any other reason.
        AppointmentPast, NotYours, UnknownAppointment.
    """

    def work() -> Visit:
        appointment = own_appointment(session, appointment_id, contact_id)
        if appointment.status == CANCELLED and appointment.cancel_reason == HOLD_EXPIRED:
            raise HoldExpired(f"appointment {appointment_id}")
        if appointment.status != HELD:
            raise NotStanding(f"appointment {appointment_id}")
        refuse_past(appointment, now)
        appointment.patient_id = patient_named(session, contact_id, patient_name).id
        take_session(session, appointment, appointment.course_id)
        appointment.status, appointment.held_until = BOOKED, None
        # as a visit it begins to be now, however long the slot was kept
        appointment.created_at = now
        return changed(session, appointment, now)

    return _once(session, cause, work)


def release(session: Session, appointment_id: int, contact_id: int) -> None:
    """Give a hold back; one that is no longer a hold is left as it is.

    Raises:
        NotYours, UnknownAppointment.
    """
    appointment = own_appointment(session, appointment_id, contact_id)
    if appointment.status == HELD:
        _release(session, appointment)


def book(
    session: Session,
    slot: Slot,
    contact_id: int,
    patient_name: str,
    cause: str,
    *,
    now: datetime,
    category: Optional[str] = None,
    course_id: Optional[int] = None,
    by_staff: bool = True,
) -> Visit:
    """Book at once; staff are not bound by lead time and horizon.

    Raises:
        SlotTaken: if it is no longer free.
        UnknownCourse, CourseFull, CourseOver: if it is to be a session of `course_id` and cannot.
        SchedulingError: as `clinic.scheduling.rules.check_slot`.
    """

    def work() -> Visit:
        calendar = check_slot(session, slot, now, by_staff=by_staff)
        clinician_id = calendar.clinicians[slot.clinician].id
        appointment = new_appointment(session, slot, contact_id, clinician_id, now)
        appointment.status, appointment.category = BOOKED, category
        appointment.patient_id = patient_named(session, contact_id, patient_name).id
        session.flush()
        take_session(session, appointment, course_id)
        take(session, appointment, now)
        return changed(session, appointment, now, new=True)

    return _once(session, cause, work)


def reschedule(
    session: Session,
    appointment_id: int,
    contact_id: Optional[int],
    slot: Slot,
    cause: str,
    *,
    now: datetime,
    version: Optional[int] = None,
) -> Visit:
    """Move a standing visit; it is booked anew and its attendance unconfirmed.

    Raises:
        SlotTaken: if the new slot is not free; the old one is kept.
        Moved, NotStanding, AppointmentPast, NotYours, UnknownAppointment, DifferentService.
        CourseOver: if a patient would move a session behind the end of its course.
        SchedulingError: as `clinic.scheduling.rules.check_slot`.
    """

    def work() -> Visit:
        appointment = standing_appointment(session, appointment_id, contact_id, version, now)
        if appointment.service.code != slot.service:
            raise DifferentService(f"appointment {appointment_id}")
        if is_at(appointment, slot):
            return visit_of(appointment)
        calendar = check_slot(session, slot, now, by_staff=contact_id is None)
        if contact_id is not None:
            refuse_after_its_end(session, appointment, slot.starts_at)
        appointment.clinician = calendar.clinicians[slot.clinician]
        appointment.starts_at, appointment.ends_at = slot.starts_at, slot.ends_at
        appointment.status = BOOKED
        appointment.time_version = appointment.version + 1
        session.flush()
        take(session, appointment, now)
        return changed(session, appointment, now)

    return _once(session, cause, work)


def cancel(
    session: Session,
    appointment_id: int,
    contact_id: Optional[int],
    by: str,
    reason: Optional[str],
    cause: str,
    *,
    now: datetime,
    version: Optional[int] = None,
) -> Visit:
    """Cancel a standing visit and free its slot.

    Args:
        by: `patient`, or who of the staff; a code, never a message's words.
        reason: a code such as `unwell`; ≤ 40 characters.

    Raises:
        Moved, NotStanding, AppointmentPast, NotYours, UnknownAppointment.
    """

    def work() -> Visit:
        appointment = standing_appointment(session, appointment_id, contact_id, version, now)
        appointment.status = CANCELLED
        appointment.cancelled_by, appointment.cancel_reason = by, reason
        appointment.cancelled_at = now
        appointment.cancelled_late = appointment.starts_at - now < _late(session)
        give_back(session, [appointment.id])
        return changed(session, appointment, now)

    return _once(session, cause, work)


def confirm_attendance(
    session: Session,
    appointment_id: int,
    contact_id: Optional[int],
    cause: str,
    *,
    now: datetime,
    version: Optional[int] = None,
) -> Visit:
    """The patient says that they are coming; saying it twice changes nothing.

    Raises:
        Moved, NotStanding, AppointmentPast, NotYours, UnknownAppointment.
    """

    def work() -> Visit:
        appointment = standing_appointment(session, appointment_id, contact_id, version, now)
        if appointment.status == CONFIRMED:
            return visit_of(appointment)
        appointment.status = CONFIRMED
        return changed(session, appointment, now)

    return _once(session, cause, work)


def upcoming(session: Session, contact_id: int, now: datetime) -> List[Visit]:
    """The contact's standing visits that have not begun, soonest first."""
    rows = session.execute(
        select(Appointment)
        .where(
            Appointment.contact_id == contact_id,
            Appointment.status.in_(STANDING),
            Appointment.starts_at > now,
        )
        .order_by(Appointment.starts_at, Appointment.id)
    ).scalars()
    return [visit_of(row) for row in rows]


def has_visited(session: Session, contact_id: int) -> bool:
    """Whether anybody of this contact has been treated here."""
    seen = select(Appointment.id).where(
        Appointment.contact_id == contact_id, Appointment.status.in_((ARRIVED, COMPLETED))
    )
    return bool(session.execute(seen.limit(1)).all())


def expire_holds(session: Session, now: datetime) -> List[int]:
    """Give back every hold whose time ran out; their ids."""
    due = (
        select(Appointment)
        .where(Appointment.status == HELD, Appointment.held_until <= now)
        .order_by(Appointment.id)
        .with_for_update(skip_locked=True)
    )
    return expire(session, session.execute(due).scalars().all())


def _once(session: Session, cause: str, work: Callable[[], Visit]) -> Visit:
    return Visit.from_json(once(session, cause, lambda: work().as_json()))


def _late(session: Session) -> timedelta:
    return timedelta(hours=profile_in(session).booking.late_cancel_hours)


def _holds_of(session: Session, contact_id: int) -> List[Appointment]:
    rows = session.execute(
        select(Appointment)
        .where(
            Appointment.contact_id == contact_id,
            Appointment.status == HELD,
            # what is kept for somebody who waits is not the booking they are in the midst of
            Appointment.held_for.is_(None),
        )
        .order_by(Appointment.id)
        .with_for_update()
    )
    return list(rows.scalars())


def _release(session: Session, appointment: Appointment) -> None:
    appointment.status = CANCELLED
    appointment.cancelled_by, appointment.cancel_reason = PATIENT, HOLD_RELEASED
    give_back(session, [appointment.id])
    appointment.version += 1
    session.flush()

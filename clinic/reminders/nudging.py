"""Deciding about a nudge at the moment of sending, and gathering what it says."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, List, Optional

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.courses import balance
from clinic.decision import Decision, Go, Later, Stop
from clinic.handoffs import unresolved_handoff
from clinic.models import Appointment, Clinician, Course, Nudge, Service
from clinic.models.message import CANCELLED, SKIPPED
from clinic.models.schedule import NO_SHOW as VISIT_MISSED
from clinic.reminders.missed import DROP_OFF, has_session_since, visits_ahead
from clinic.reminders.writing import Visit, Words
from clinic.scheduling.errors import SchedulingError
from clinic.scheduling.grid import Slot
from clinic.scheduling.slots import free_slots

# a person has the conversation: look again after so long
PAUSE = timedelta(hours=1)
SLOTS = 3
# nobody answers a nudge at once: what is shown can still be booked some hours later
TIME_TO_ANSWER = timedelta(hours=3)
LOOK_AHEAD = timedelta(days=7)


def decide_nudge(
    session: Session, words: Words, message: Any, contact: Any, moment: datetime
) -> Decision:
    """Whether a nudge goes now, and as what."""
    if unresolved_handoff(session, int(contact.id)) is not None:
        until = moment + PAUSE
        if message.not_after is not None and until >= message.not_after:
            return Stop(SKIPPED, "open handoff")
        return Later(until, "open handoff")
    nudge = session.get(Nudge, int(message.id))
    if nudge is None:
        return Stop(CANCELLED, "nobody planned it")
    if nudge.kind == DROP_OFF:
        return _drop_off(session, words, int(nudge.subject_id), contact, moment)
    return _missed(session, words, int(nudge.subject_id), contact, moment)


def _drop_off(
    session: Session, words: Words, course_id: int, contact: Any, moment: datetime
) -> Decision:
    course = session.get(Course, course_id)
    if course is None or course.status != "active":
        return Stop(CANCELLED, "course over")
    if course.expires_on is not None and course.expires_on < moment.astimezone(words.zone).date():
        return Stop(CANCELLED, "course expired")
    left = balance(session, course_id).left_to_book
    # it may have waited for a person's conversation to end, and the patient have come meanwhile
    idle_since = moment - timedelta(days=words.profile.reminders.nudge_after_days)
    if left == 0 or has_session_since(session, idle_since, course_id):
        return Stop(CANCELLED, "course booked")
    clinician, service = _codes(session, course.clinician_id, course.service_id)
    slots = _free(session, words, clinician, service, moment)
    return Go(words.course_nudge(contact, course, left, clinician, slots))


def _missed(
    session: Session, words: Words, appointment_id: int, contact: Any, moment: datetime
) -> Decision:
    appointment = session.get(Appointment, appointment_id)
    if appointment is None or appointment.status != VISIT_MISSED:
        return Stop(CANCELLED, "visit was not missed")
    ahead = visits_ahead(session, moment, int(contact.id))
    if any(visit.created_at > appointment.starts_at for visit in ahead):
        return Stop(CANCELLED, "booked again")
    last_day = _last_day_to_make_up(session, words, appointment, moment)
    if ahead and last_day is None:
        # the visits that stand are all that they can have
        return Stop(CANCELLED, "next visit stands")
    clinician, service = _codes(session, appointment.clinician_id, appointment.service_id)
    slots = _free(session, words, clinician, service, moment, last_day)
    stays = [visit for visit in ahead if visit.patient_id == appointment.patient_id]
    next_at = stays[0].starts_at if stays else None
    return Go(words.missed(contact, _as_said(appointment, clinician), slots, next_at))


def _as_said(appointment: Appointment, clinician: str) -> Visit:
    return Visit(
        int(appointment.id),
        int(appointment.time_version),
        appointment.starts_at,
        clinician,
        appointment.course_id,
    )


def _last_day_to_make_up(
    session: Session, words: Words, appointment: Appointment, moment: datetime
) -> Optional[date]:
    """Until when a missed session can be booked anew beside those that stand; None if it cannot.

    It can while its course runs and has a session that is neither used nor booked: what a missed
    one leaves, where `no_show_uses_session` does not count it.
    """
    course = session.get(Course, appointment.course_id) if appointment.course_id else None
    if course is None or course.status != "active":
        return None
    if balance(session, int(course.id)).left_to_book == 0:
        return None
    today = moment.astimezone(words.zone).date()
    if course.expires_on is None:
        return today + LOOK_AHEAD
    return course.expires_on if course.expires_on > today else None


def _codes(session: Session, clinician_id: int, service_id: int) -> List[str]:
    clinician = session.execute(select(Clinician.code).where(Clinician.id == clinician_id))
    service = session.execute(select(Service.code).where(Service.id == service_id))
    return [str(clinician.scalar_one()), str(service.scalar_one())]


def _free(
    session: Session,
    words: Words,
    clinician: str,
    service: str,
    moment: datetime,
    last_day: Optional[date] = None,
) -> List[Slot]:
    """A few free times of the coming week; none where the calendar has none to give."""
    answered = moment + TIME_TO_ANSWER
    today = answered.astimezone(words.zone).date()
    week = today + LOOK_AHEAD
    try:
        return free_slots(
            session,
            service=service,
            start=today,
            end=week if last_day is None else min(week, last_day),
            preferred=[clinician],
            each_time_once=True,
            limit=SLOTS,
            now=answered,
        )
    except SchedulingError:
        return []

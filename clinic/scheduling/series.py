"""Booking a course's sessions in a row: "Mon/Wed/Fri 6 pm for 4 weeks".

A proposal says for each day what can be booked: the very hour, else the nearest free time of that
day, else of one of the days right after, else nothing, and why. It is bound by the course (its
sessions left, its last day, its clinician) and not by the horizon of single bookings. Booking takes
what was proposed in one transaction and says of each slot whether it was still free.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Collection, Dict, List, Optional, Sequence, Set

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.courses import balance, own_course
from clinic.models import Appointment, Course
from clinic.models.schedule import COMPLETED, TO_COME
from clinic.once import once
from clinic.scheduling.booking import book
from clinic.scheduling.errors import CourseFull, CourseOver, SchedulingError
from clinic.scheduling.grid import Slot
from clinic.scheduling.rules import Calendar, read_calendar
from clinic.scheduling.slots import free_slots
from clinic.scheduling.visit import Visit

MOST_AT_ONCE = 12
MOST_WEEKS = 26
DAYS_AFTER = 2
CLOSED, AWAY, TAKEN = "closed", "away", "taken"
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Proposal:
    """One session of a row: when it was wished for, what can be booked instead, and why.

    `slot` is None where nothing is free near; `why` (`closed`, `away`, `taken`) is None where
    the slot is as wished.
    """

    wished: datetime
    slot: Optional[Slot]
    why: Optional[str] = None


@dataclass(frozen=True)
class SeriesBooked:
    """What was booked of a row, in order, and the slots that were not free any more."""

    visits: List[Visit]
    refused: List[Slot]


def propose(
    session: Session,
    course: Course,
    weekdays: Collection[int],
    at: time,
    weeks: Optional[int],
    *,
    now: datetime,
) -> List[Proposal]:
    """What can be booked of a course on these weekdays at that hour, soonest first.

    Days on which the course has a session already are passed over.

    Args:
        weekdays: 0 is Monday.
        at: the clinic's local time.
        weeks: for so many weeks from the first day; None for as many as the course needs.

    Raises:
        CourseFull: if the course has no session left to book.
        CourseOver: if it is over.
    """
    left = min(balance(session, int(course.id)).left_to_book, MOST_AT_ONCE)
    if left < 1:
        raise CourseFull(f"course {course.id}")
    today = read_calendar(session, now.date(), now.date()).local_day(now)
    last = today + timedelta(weeks=MOST_WEEKS)
    if course.expires_on is not None:
        last = min(last, course.expires_on)
    if course.status != "active" or last < today:
        raise CourseOver(f"course {course.id}")
    calendar = read_calendar(session, today, last)
    soonest = now + timedelta(minutes=calendar.profile.booking.lead_minutes)
    busy = _days_of(session, course, calendar)
    days = _days(calendar, weekdays, at, today, last, soonest, busy, left, weeks)
    taken: Set[str] = set()
    proposals = []
    for day in days:
        found = _proposal(session, calendar, course, day, at, last, now, {*busy, *days}, taken)
        if found.slot is not None:
            taken.add(found.slot.key)
            busy.add(calendar.local_day(found.slot.starts_at))
        proposals.append(found)
    return proposals


def hours_free(
    session: Session,
    course: Course,
    weekdays: Collection[int],
    *,
    now: datetime,
) -> List[time]:
    """Local times at which the course's clinician is free on these weekdays.

    Those that are free on most days of the next two weeks come first.
    """
    today = read_calendar(session, now.date(), now.date()).local_day(now)
    calendar = read_calendar(session, today, today)
    count: Dict[time, int] = {}
    for slot in free_slots(
        session,
        service=course.service.code,
        clinician=course.clinician.code,
        start=today,
        end=today + timedelta(days=14),
        beyond_horizon=True,
        limit=1000,
        now=now,
    ):
        local = slot.starts_at.astimezone(calendar.zone)
        if local.weekday() in weekdays:
            count[local.time()] = count.get(local.time(), 0) + 1
    return sorted(count, key=lambda moment: (-count[moment], moment))


def book_series(
    session: Session,
    course_id: int,
    contact_id: int,
    slots: Sequence[Slot],
    cause: str,
    *,
    now: datetime,
) -> SeriesBooked:
    """Book these slots as sessions of the course, in one transaction, once per `cause`.

    A slot that somebody else took meanwhile, or that the course has no session for, is left out
    and said.

    Raises:
        UnknownCourse: if it is another contact's.
    """

    def work() -> Dict[str, Any]:
        course = own_course(session, course_id, contact_id)
        visits: List[Dict[str, Any]] = []
        refused: List[str] = []
        lead = timedelta(minutes=_lead(session, now))
        for slot in slots:
            try:
                if slot.starts_at < now + lead:
                    raise SchedulingError(f"slot {slot.key}")
                with session.begin_nested():
                    visit = book(
                        session,
                        slot,
                        contact_id,
                        str(course.patient.name),
                        f"{cause}:{slot.key}",
                        now=now,
                        course_id=course_id,
                    )
            except SchedulingError:
                refused.append(slot.key)
            else:
                visits.append(visit.as_json())
        return {"visits": visits, "refused": refused}

    done = once(session, cause, work)
    return SeriesBooked(
        [Visit.from_json(visit) for visit in done["visits"]],
        [Slot.from_key(key) for key in done["refused"]],
    )


def _lead(session: Session, now: datetime) -> int:
    return read_calendar(session, now.date(), now.date()).profile.booking.lead_minutes


def _days_of(session: Session, course: Course, calendar: Calendar) -> Set[date]:
    """The local days on which the course has a session."""
    rows = session.execute(
        select(Appointment.starts_at).where(
            Appointment.course_id == course.id, Appointment.status.in_((*TO_COME, COMPLETED))
        )
    ).scalars()
    return {calendar.local_day(starts_at) for starts_at in rows}


def _days(
    calendar: Calendar,
    weekdays: Collection[int],
    at: time,
    first: date,
    last: date,
    soonest: datetime,
    busy: Collection[date],
    left: int,
    weeks: Optional[int],
) -> List[date]:
    """The days of a row, soonest first: at most `left`, within `weeks` of the first."""
    days: List[date] = []
    day = first
    while day <= last and len(days) < left:
        if days and weeks is not None and day >= days[0] + timedelta(weeks=weeks):
            break
        if day.weekday() in weekdays and day not in busy and calendar.utc(day, at) >= soonest:
            days.append(day)
        day += _DAY
    return days


def _proposal(
    session: Session,
    calendar: Calendar,
    course: Course,
    day: date,
    at: time,
    last: date,
    now: datetime,
    busy: Collection[date],
    taken: Collection[str],
) -> Proposal:
    """The wished hour of a day, or what is nearest to it there, or on one of the days after."""
    wished = calendar.utc(day, at)
    for number in range(DAYS_AFTER + 1):
        other = day + number * _DAY
        if other > last or (number and other in busy):
            continue
        slots = [
            slot
            for slot in free_slots(
                session,
                service=course.service.code,
                clinician=course.clinician.code,
                start=other,
                end=other,
                beyond_horizon=True,
                limit=200,
                now=now,
            )
            if slot.key not in taken
        ]
        if slots:
            # of two that are as near the earlier: whoever comes then is not kept waiting
            near = min(slots, key=lambda slot: abs(slot.starts_at - wished - number * _DAY))
            exact = near.starts_at == wished
            return Proposal(wished, near, None if exact else _why(calendar, course, day, wished))
    return Proposal(wished, None, _why(calendar, course, day, wished))


def _why(calendar: Calendar, course: Course, day: date, wished: datetime) -> str:
    if calendar.is_closed(day) or not calendar.profile.hours.on(day.weekday()):
        return CLOSED
    minutes = timedelta(minutes=calendar.service(course.service.code).minutes)
    spans = calendar.spans(int(course.clinician_id), day)
    inside = any(opens <= wished and wished + minutes <= closes for opens, closes in spans)
    if not inside or calendar.is_away(int(course.clinician_id), wished, wished + minutes):
        return AWAY
    return TAKEN

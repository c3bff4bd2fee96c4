"""What is free."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Collection, Dict, Iterator, List, Optional, Set, Tuple

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from clinic.models import Appointment, Clinician, SlotCell
from clinic.models.schedule import HELD
from clinic.profile import Service
from clinic.scheduling.grid import CELL, Slot, cells
from clinic.scheduling.rules import Calendar, read_calendar

__all__ = ["CELL", "PARTS", "Slot", "free_days", "free_slots"]

# what people mean by the parts of a day, local time, [from, to)
PARTS: Dict[str, Tuple[time, time]] = {
    "morning": (time(0), time(12)),
    "afternoon": (time(12), time(16)),
    "evening": (time(16), time.max),
}


@dataclass(frozen=True)
class _Wish:
    clinician: Optional[str]
    gender: Optional[str]
    earliest: time
    latest: time
    preferred: Collection[str]
    beyond_horizon: bool = False


def free_slots(
    session: Session,
    *,
    service: str,
    start: date,
    end: date,
    clinician: Optional[str] = None,
    gender: Optional[str] = None,
    part: Optional[str] = None,
    after: Optional[time] = None,
    before: Optional[time] = None,
    preferred: Collection[str] = (),
    each_time_once: bool = False,
    beyond_horizon: bool = False,
    limit: int,
    now: datetime,
) -> List[Slot]:
    """Slots that can be booked, soonest first.

    Slots of one moment are ordered by `preferred` clinicians, then by who has the fewest
    bookings that day, then by code, so that the same question has the same answer.

    Args:
        service: code of a service.
        start, end: local days, both included; cut to what can be booked at `now`.
        clinician: only this one, by code.
        gender: only clinicians of this gender.
        part: `morning`, `afternoon` or `evening`: when the slot begins.
        after, before: local times; the slot begins at or after, and before.
        preferred: codes of clinicians to put first among equals.
        each_time_once: one slot for each moment, whoever else is free then.
        beyond_horizon: later than a patient can book by themselves, too.
        limit: at most so many.
        now: aware.

    Raises:
        UnknownService, UnknownClinician: as `clinic.scheduling.errors`.
        KeyError: if `part` is none of `PARTS`.
    """
    calendar = read_calendar(session, start, end)
    wish = _wish(calendar, service, clinician, gender, part, after, before, preferred)
    wish = replace(wish, beyond_horizon=beyond_horizon)
    found: List[Slot] = []
    for slots in _by_moment(session, calendar, service, start, end, wish, now):
        found += slots[:1] if each_time_once else slots
        if len(found) >= limit:
            break
    return found[:limit]


def free_days(
    session: Session,
    *,
    service: str,
    start: date,
    end: date,
    clinician: Optional[str] = None,
    gender: Optional[str] = None,
    part: Optional[str] = None,
    after: Optional[time] = None,
    before: Optional[time] = None,
    limit: int,
    now: datetime,
) -> List[date]:
    """Local days with at least one free slot, soonest first; arguments as `free_slots`."""
    calendar = read_calendar(session, start, end)
    wish = _wish(calendar, service, clinician, gender, part, after, before)
    days: List[date] = []
    for slots in _by_moment(session, calendar, service, start, end, wish, now):
        day = calendar.local_day(slots[0].starts_at)
        if day not in days:
            if len(days) == limit:
                break
            days.append(day)
    return days


def _wish(
    calendar: Calendar,
    service: str,
    clinician: Optional[str],
    gender: Optional[str],
    part: Optional[str],
    after: Optional[time],
    before: Optional[time],
    preferred: Collection[str] = (),
) -> _Wish:
    if clinician is not None:
        calendar.clinician(clinician, service)
    earliest, latest = PARTS[part] if part else (time.min, time.max)
    return _Wish(
        clinician,
        gender,
        max(earliest, after or time.min),
        min(latest, before or time.max),
        preferred,
    )


def _by_moment(
    session: Session,
    calendar: Calendar,
    service_code: str,
    start: date,
    end: date,
    wish: _Wish,
    now: datetime,
) -> Iterator[List[Slot]]:
    service = calendar.service(service_code)
    people = _candidates(calendar, service, wish)
    day = max(start, calendar.local_day(now))
    last = end if wish.beyond_horizon else min(end, calendar.last_day(now))
    while day <= last:
        if not calendar.is_closed(day):
            yield from _of_day(session, calendar, service, people, day, wish, now)
        day += timedelta(days=1)


def _candidates(calendar: Calendar, service: Service, wish: _Wish) -> List[Clinician]:
    return [
        calendar.clinicians[person.code]
        for person in calendar.profile.clinicians
        if person.code in calendar.clinicians
        and service.code in person.services
        and wish.clinician in (None, person.code)
        and wish.gender in (None, person.gender)
    ]


def _of_day(
    session: Session,
    calendar: Calendar,
    service: Service,
    people: List[Clinician],
    day: date,
    wish: _Wish,
    now: datetime,
) -> Iterator[List[Slot]]:
    rules = calendar.profile.booking
    soonest = now + timedelta(minutes=rules.lead_minutes)
    length = timedelta(minutes=service.minutes)
    midnight = calendar.utc(day, time.min), calendar.utc(day + timedelta(days=1), time.min)
    taken, bookings = _taken(session, people, midnight[0], midnight[1], now)
    moments: Dict[datetime, List[Clinician]] = {}
    for person in people:
        for opens, closes in calendar.spans(person.id, day):
            for starts_at in _steps(calendar, opens, closes - length):
                local = starts_at.astimezone(calendar.zone).time()
                if starts_at < soonest or starts_at <= now:
                    continue
                if not wish.earliest <= local < wish.latest:
                    continue
                if calendar.is_away(person.id, starts_at, starts_at + length):
                    continue
                if taken[person.id].isdisjoint(cells(starts_at, starts_at + length)):
                    moments.setdefault(starts_at, []).append(person)
    for starts_at in sorted(moments):
        ranked = sorted(
            moments[starts_at],
            key=lambda one: (one.code not in wish.preferred, bookings[one.id], one.code),
        )
        yield [Slot(person.code, service.code, starts_at, starts_at + length) for person in ranked]


def _steps(calendar: Calendar, opens: datetime, last: datetime) -> Iterator[datetime]:
    """Local multiples of the clinic's step from `opens` to `last`, both included."""
    step = timedelta(minutes=calendar.profile.booking.slot_step_minutes)
    local = opens.astimezone(calendar.zone)
    since_midnight = timedelta(hours=local.hour, minutes=local.minute)
    moment = opens + -since_midnight % step
    while moment <= last:
        yield moment
        moment += step


def _taken(
    session: Session, people: List[Clinician], begins: datetime, ends: datetime, now: datetime
) -> Tuple[Dict[int, Set[datetime]], Dict[int, int]]:
    """Taken cells, and the number of appointments, by clinician; an expired hold takes nothing."""
    taken: Dict[int, Set[datetime]] = {person.id: set() for person in people}
    appointments: Dict[int, Set[int]] = {person.id: set() for person in people}
    rows = session.execute(
        select(SlotCell.clinician_id, SlotCell.starts_at, SlotCell.appointment_id)
        .join(Appointment, Appointment.id == SlotCell.appointment_id)
        .where(
            SlotCell.clinician_id.in_(list(taken)),
            SlotCell.starts_at >= begins,
            SlotCell.starts_at < ends,
            or_(
                Appointment.status != HELD,
                and_(Appointment.held_until.is_not(None), Appointment.held_until > now),
            ),
        )
    )
    for clinician_id, starts_at, appointment_id in rows:
        taken[clinician_id].add(starts_at)
        appointments[clinician_id].add(appointment_id)
    return taken, {person: len(ids) for person, ids in appointments.items()}

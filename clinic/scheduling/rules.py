"""When a clinician can be booked, before asking what is already taken.

All rules are about local time in the clinic's zone; what leaves this module is UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Dict, FrozenSet, List, Tuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.models import Availability, Clinician, Closure, Leave
from clinic.profile import Profile, Service
from clinic.public_holidays import is_public_holiday
from clinic.scheduling.errors import (
    ClinicianAway,
    ClosedDay,
    OutsideHours,
    SlotPast,
    TooFar,
    TooSoon,
    UnknownClinician,
    UnknownService,
)
from clinic.scheduling.grid import Slot
from clinic.setup import profile_in

Span = Tuple[datetime, datetime]


@dataclass(frozen=True)
class Calendar:
    """The rules of one range of days, read once from the database.

    `hours` is by clinician id and weekday, local; `leaves` by clinician id, UTC.
    """

    profile: Profile
    clinicians: Dict[str, Clinician]
    hours: Dict[Tuple[int, int], List[Tuple[time, time]]]
    leaves: Dict[int, List[Span]]
    closures: FrozenSet[date]

    @property
    def zone(self) -> ZoneInfo:
        """The clinic's time zone."""
        return ZoneInfo(self.profile.time_zone)

    def service(self, code: str) -> Service:
        """The service of that code.

        Raises:
            UnknownService: if the clinic does not offer it.
        """
        try:
            return self.profile.service(code)
        except KeyError:
            raise UnknownService(f"service {code}") from None

    def clinician(self, code: str, service: str) -> Clinician:
        """The active clinician of that code who offers the service.

        Raises:
            UnknownClinician: if there is none.
        """
        if code not in self.clinicians or service not in self.profile.clinician(code).services:
            raise UnknownClinician(f"clinician {code}, service {service}")
        return self.clinicians[code]

    def is_closed(self, day: date) -> bool:
        """Whether the whole clinic is closed for a holiday or a closure."""
        return day in self.closures or is_public_holiday(self.profile.holidays, day)

    def spans(self, clinician_id: int, day: date) -> List[Span]:
        """The clinician's working spans of a local day, UTC, earliest first; leave not cut out."""
        return [
            (self.utc(day, opens), self.utc(day, closes))
            for opens, closes in self.hours.get((clinician_id, day.weekday()), [])
        ]

    def is_away(self, clinician_id: int, starts_at: datetime, ends_at: datetime) -> bool:
        """Whether a leave touches [starts_at, ends_at)."""
        return any(
            begins < ends_at and starts_at < ends
            for begins, ends in self.leaves.get(clinician_id, [])
        )

    def utc(self, day: date, moment: time) -> datetime:
        """A local time of a local day, as UTC."""
        return datetime.combine(day, moment, self.zone).astimezone(timezone.utc)

    def local_day(self, moment: datetime) -> date:
        """The clinic's day at that moment."""
        return moment.astimezone(self.zone).date()

    def last_day(self, now: datetime) -> date:
        """The last day that a patient can book at `now`."""
        return self.local_day(now) + timedelta(days=self.profile.booking.horizon_days)


def read_calendar(session: Session, start: date, end: date) -> Calendar:
    """The rules that hold on the local days from `start` to `end`, both included.

    Raises:
        clinic.setup.NoProfile: if no profile was written yet.
    """
    profile = profile_in(session)
    zone = ZoneInfo(profile.time_zone)
    known = {person.code for person in profile.clinicians}
    clinicians = {
        row.code: row
        for row in session.execute(select(Clinician).where(Clinician.active.is_(True))).scalars()
        if row.code in known
    }
    hours: Dict[Tuple[int, int], List[Tuple[time, time]]] = {}
    for row in session.execute(select(Availability).order_by(Availability.opens)).scalars():
        hours.setdefault((row.clinician_id, row.weekday), []).append((row.opens, row.closes))
    begins = datetime.combine(start, time.min, zone)
    ends = datetime.combine(end + timedelta(days=1), time.min, zone)
    leaves: Dict[int, List[Span]] = {}
    touching = select(Leave).where(Leave.starts_at < ends, Leave.ends_at > begins)
    for leave in session.execute(touching).scalars():
        leaves.setdefault(leave.clinician_id, []).append((leave.starts_at, leave.ends_at))
    closed = select(Closure.day).where(Closure.day >= start, Closure.day <= end)
    closures = frozenset(session.execute(closed).scalars())
    return Calendar(profile, clinicians, hours, leaves, closures)


def check_slot(session: Session, slot: Slot, now: datetime, by_staff: bool) -> Calendar:
    """Refuse a slot that the rules do not allow, whoever asks for it and however old the button.

    Staff are bound by hours, closures and leave, not by lead time and horizon.

    Raises:
        UnknownService, UnknownClinician, SlotPast, TooSoon, TooFar, ClosedDay, OutsideHours,
        ClinicianAway.
    """
    local = slot.starts_at.astimezone(ZoneInfo(profile_in(session).time_zone))
    day = local.date()
    calendar = read_calendar(session, day, day)
    rules = calendar.profile.booking
    service = calendar.service(slot.service)
    clinician = calendar.clinician(slot.clinician, slot.service)
    what = f"slot {slot.key}"
    if slot.starts_at <= now:
        raise SlotPast(what)
    if not by_staff:
        if slot.starts_at < now + timedelta(minutes=rules.lead_minutes):
            raise TooSoon(what)
        if day > calendar.last_day(now):
            raise TooFar(what)
    if calendar.is_closed(day):
        raise ClosedDay(what)
    on_grid = (local.hour * 60 + local.minute) % rules.slot_step_minutes == 0
    whole_minute = local.second == 0 and local.microsecond == 0
    right_length = slot.ends_at - slot.starts_at == timedelta(minutes=service.minutes)
    inside = any(
        opens <= slot.starts_at and slot.ends_at <= closes
        for opens, closes in calendar.spans(clinician.id, day)
    )
    if not (on_grid and whole_minute and right_length and inside):
        raise OutsideHours(what)
    if calendar.is_away(clinician.id, slot.starts_at, slot.ends_at):
        raise ClinicianAway(what)
    return calendar

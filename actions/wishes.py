"""What a patient wishes for: from entities of several messages to one wish, and its free slots."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Dict, List, Optional, Tuple

from sqlalchemy.orm import Session

from clinic.courses import active_courses
from clinic.database import now
from clinic.profile import Profile
from clinic.scheduling.booking import has_visited
from clinic.scheduling.grid import Slot
from clinic.scheduling.slots import free_days, free_slots

SOONEST = "soonest"
OPEN_END = date.max.isoformat()
DAYS_SHOWN = 8
SLOTS_SHOWN = 16


@dataclass(frozen=True)
class Wish:
    """Times are local `HH:MM`.

    `until` is the last day of a span of days ("next week"); `OPEN_END` from a day on.
    """

    part: Optional[str] = None
    after: Optional[str] = None
    before: Optional[str] = None
    at: Optional[str] = None
    gender: Optional[str] = None
    clinician: Optional[str] = None
    until: Optional[str] = None

    @classmethod
    def of(cls, value: Any) -> Wish:
        """The wish in the slot `wish`."""
        return cls(**value) if isinstance(value, dict) else cls()

    def as_slot(self) -> Optional[Dict[str, Any]]:
        """The value for the slot `wish`."""
        value = {name: item for name, item in asdict(self).items() if item is not None}
        return value or None

    def with_when(self, when: Dict[str, Any]) -> Wish:
        """The wish after the patient said another time; what they did not say again stays."""
        if not any(when.get(name) for name in ("part", "after", "before", "at")):
            return replace(self, until=_last_day(when))
        return replace(
            self,
            part=when.get("part"),
            after=when.get("after"),
            before=when.get("before"),
            at=when.get("at"),
            until=_last_day(when),
        )

    def without_days(self) -> Wish:
        """What stays when the patient looks for another day: by whom they would be treated."""
        return Wish(gender=self.gender, clinician=self.clinician)

    def without_times(self) -> Wish:
        """The wish with any time of day."""
        return replace(self, part=None, after=None, before=None, at=None)


def day_of(when: Dict[str, Any]) -> Optional[str]:
    """What the slot `day` becomes by a `when` entity: an ISO date, `soonest`, or None."""
    if when.get("soonest"):
        return SOONEST
    return when.get("date_from")


def _last_day(when: Dict[str, Any]) -> Optional[str]:
    """The last day said; a day with none is "from that day on"."""
    if when.get("date_to"):
        return str(when["date_to"])
    return OPEN_END if when.get("date_from") else None


def service_for(session: Session, profile: Profile, contact_id: int) -> str:
    """What this contact books without asking a person: an assessment first, then sessions.

    Whoever has a plan of sessions books those.
    """
    running = active_courses(session, contact_id, now())
    if running:
        return str(running[0].service.code)
    returning = has_visited(session, contact_id)
    at_clinic = [item for item in profile.services if not item.home_visit]
    for item in at_clinic:
        if item.new_patients != returning:
            return item.code
    return at_clinic[0].code


def days_with_slots(
    session: Session, service: str, wish: Wish, profile: Profile, now: datetime, today: date
) -> List[date]:
    """The next days that have something for this wish, else for the wish at any time of day."""
    end = today + timedelta(days=profile.booking.horizon_days)
    for attempt in (wish, wish.without_times(), Wish()):
        found = free_days(
            session,
            service=service,
            start=today,
            end=end,
            limit=DAYS_SHOWN,
            now=now,
            **_filters(attempt, profile),
        )
        if found:
            return found
    return []


def slots_for(
    session: Session,
    service: str,
    wish: Wish,
    day: str,
    profile: Profile,
    now: datetime,
    today: date,
    preferred: Tuple[str, ...] = (),
) -> Tuple[List[Slot], bool]:
    """Free slots for a wish on a day (or the soonest), and whether they are as wished.

    Where nothing is free as wished, the nearest: first any time of that day, then any day.
    """
    last = today + timedelta(days=profile.booking.horizon_days)
    if day == SOONEST:
        start = today
        end = min(date.fromisoformat(wish.until), last) if wish.until else last
    else:
        start = date.fromisoformat(day)
        end = min(date.fromisoformat(wish.until), last) if wish.until else start
    relaxed = replace(wish.without_times(), gender=wish.gender, clinician=wish.clinician)
    for exact, attempt, span in (
        (True, wish, (start, end)),
        (False, relaxed, (start, end)),
        (False, wish, (start, last)),
        (False, relaxed, (start, last)),
        (False, Wish(), (today, last)),
    ):
        found = free_slots(
            session,
            service=service,
            start=max(span[0], today),
            end=span[1],
            preferred=preferred,
            each_time_once=True,
            limit=SLOTS_SHOWN,
            now=now,
            **_filters(attempt, profile),
        )
        if found:
            return found, exact
    return [], False


def _filters(wish: Wish, profile: Profile) -> Dict[str, Any]:
    codes = {person.code for person in profile.clinicians}
    genders = {person.gender for person in profile.clinicians}
    after = _time(wish.after) or _time(wish.at)
    return {
        "clinician": wish.clinician if wish.clinician in codes else None,
        "gender": wish.gender if wish.gender in genders else None,
        "part": None if wish.at or wish.after or wish.before else wish.part,
        "after": after,
        "before": _time(wish.before),
    }


def _time(value: Optional[str]) -> Optional[time]:
    return None if value is None else time.fromisoformat(value)

"""Visits that an absence touches, with free times near each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, List, Tuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.models import Appointment
from clinic.models.schedule import STANDING
from clinic.scheduling.errors import SchedulingError
from clinic.scheduling.grid import Slot
from clinic.scheduling.slots import free_slots
from clinic.setup import profile_in

ALTERNATIVES = 4
LOOK_AHEAD = timedelta(days=14)


@dataclass(frozen=True)
class Affected:
    """A visit that cannot take place, and free slots near it, soonest first."""

    appointment_id: int
    contact_id: int
    version: int
    starts_at: datetime
    clinician: str
    alternatives: List[Slot]


def affected_between(
    session: Session, begins: datetime, ends: datetime, touched: Any, now: datetime
) -> List[Affected]:
    """Standing visits within [begins, ends), of those that `touched` (conditions) names."""
    rows = session.execute(
        select(Appointment)
        .where(
            *touched,
            Appointment.status.in_(STANDING),
            Appointment.starts_at > now,
            Appointment.starts_at < ends,
            Appointment.ends_at > begins,
        )
        .order_by(Appointment.starts_at, Appointment.id)
    ).scalars()
    return [as_affected(session, row, now) for row in rows.all()]


def as_affected(session: Session, row: Appointment, now: datetime) -> Affected:
    """One visit with the free slots near it."""
    return Affected(
        appointment_id=int(row.id),
        contact_id=int(row.contact_id),
        version=int(row.version),
        starts_at=row.starts_at,
        clinician=str(row.clinician.code),
        alternatives=_alternatives(session, row, now),
    )


def _alternatives(session: Session, row: Appointment, now: datetime) -> List[Slot]:
    """Free slots near the visit, the same hour first; with the same clinician where one is."""
    zone = ZoneInfo(profile_in(session).time_zone)
    day = row.starts_at.astimezone(zone).date()
    hour = row.starts_at.astimezone(zone).time()
    try:
        found = free_slots(
            session,
            service=row.service.code,
            start=max(day - timedelta(days=1), now.astimezone(zone).date()),
            end=day + LOOK_AHEAD,
            preferred=(row.clinician.code,),
            each_time_once=True,
            beyond_horizon=True,
            limit=300,
            now=now,
        )
    except SchedulingError:
        return []

    def distance(slot: Slot) -> Tuple[int, int, int]:
        local = slot.starts_at.astimezone(zone)
        days = abs((local.date() - day).days)
        minutes = abs((local.hour - hour.hour) * 60 + local.minute - hour.minute)
        return days, minutes, slot.clinician != row.clinician.code

    return sorted(sorted(found, key=distance)[:ALTERNATIVES], key=lambda slot: slot.starts_at)

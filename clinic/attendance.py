"""What became of a visit, by the word of the front desk or a clinician.

`TRANSITIONS` says what a visit can become; a slip of the finger is put right by marking again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Dict, FrozenSet, Optional
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from clinic.models.schedule import (
    ARRIVED,
    BOOKED,
    CANCELLED,
    COMPLETED,
    CONFIRMED,
    HELD,
    NO_SHOW,
)
from clinic.scheduling.booking import cancel, confirm_attendance
from clinic.scheduling.errors import NoSuchChange, NotYetBegun
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

    Raises:
        NoSuchChange: if a visit of its status cannot become that.
        NotYetBegun: if it is missed or completed before it begins, or arrived at before its day.
        AppointmentPast: if it is confirmed or cancelled after it began.
        UnknownAppointment.
    """
    appointment = own_appointment(session, appointment_id, None)
    was = appointment.status
    if was == status:
        return visit_of(appointment)
    if status not in TRANSITIONS[was]:
        raise NoSuchChange(f"appointment {appointment_id}: {was} to {status}")
    zone = ZoneInfo(profile_in(session).time_zone)
    begins = appointment.starts_at
    too_early = status in (NO_SHOW, COMPLETED) and begins > now
    # who comes early has arrived; who comes a day early has not
    if status == ARRIVED:
        too_early = begins.astimezone(zone).date() > now.astimezone(zone).date()
    if too_early:
        raise NotYetBegun(f"appointment {appointment_id}")
    cause = f"mark:{appointment_id}:{appointment.version}:{status}"
    if status == CANCELLED:
        return cancel(session, appointment_id, None, by[:40], reason, cause, now=now)
    if status == CONFIRMED and was == BOOKED:
        return confirm_attendance(session, appointment_id, None, cause, now=now)
    appointment.status = status
    return changed(session, appointment)

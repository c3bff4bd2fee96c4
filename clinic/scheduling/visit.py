"""An appointment as it stood after a change, free of the database session."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Dict, Optional

from clinic.models import Appointment


@dataclass(frozen=True)
class Visit:
    """One appointment; codes of clinician and service, aware UTC times."""

    appointment_id: int
    contact_id: int
    patient_id: Optional[int]
    clinician: str
    service: str
    starts_at: datetime
    ends_at: datetime
    status: str
    version: int
    time_version: int
    category: Optional[str] = None
    course_id: Optional[int] = None
    held_until: Optional[datetime] = None

    def as_json(self) -> Dict[str, Any]:
        """Plain JSON values, from which `from_json` makes the visit again."""
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, content: Dict[str, Any]) -> Visit:
        """The visit that `as_json` wrote."""
        times = {
            name: datetime.fromisoformat(content[name])
            for name in ("starts_at", "ends_at", "held_until")
            if content[name] is not None
        }
        return cls(**{**content, **times})


def visit_of(appointment: Appointment) -> Visit:
    """The visit of a row whose session is still open."""
    return Visit(
        appointment_id=appointment.id,
        contact_id=appointment.contact_id,
        patient_id=appointment.patient_id,
        clinician=appointment.clinician.code,
        service=appointment.service.code,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        status=appointment.status,
        version=appointment.version,
        time_version=appointment.time_version,
        category=appointment.category,
        course_id=appointment.course_id,
        held_until=appointment.held_until,
    )

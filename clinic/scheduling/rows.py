"""Finding, making and numbering the rows behind a visit."""

from __future__ import annotations

from datetime import datetime
from typing import Optional, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.courses import settle_course
from clinic.models import Appointment, Patient, Service
from clinic.models.schedule import STANDING
from clinic.reminders import replan
from clinic.scheduling.errors import (
    AppointmentPast,
    Moved,
    NotStanding,
    NotYours,
    UnknownAppointment,
    UnknownService,
)
from clinic.scheduling.grid import Slot
from clinic.scheduling.visit import Visit, visit_of


def own_appointment(
    session: Session, appointment_id: int, contact_id: Optional[int]
) -> Appointment:
    """The appointment, locked until the transaction ends; any contact's where `contact_id` is None.

    Raises:
        NotYours, UnknownAppointment.
    """
    appointment = session.get(
        Appointment, appointment_id, with_for_update=True, populate_existing=True
    )
    if appointment is None:
        raise UnknownAppointment(f"appointment {appointment_id}")
    if contact_id is not None and appointment.contact_id != contact_id:
        raise NotYours(f"appointment {appointment_id}")
    return cast(Appointment, appointment)


def standing_appointment(
    session: Session,
    appointment_id: int,
    contact_id: Optional[int],
    version: Optional[int],
    now: datetime,
) -> Appointment:
    """As `own_appointment`, refusing one that cannot be changed any more.

    Args:
        version: what the tapped button says, to refuse one of before the visit was moved.

    Raises:
        Moved, NotStanding, AppointmentPast, NotYours, UnknownAppointment.
    """
    appointment = own_appointment(session, appointment_id, contact_id)
    if appointment.status not in STANDING:
        raise NotStanding(f"appointment {appointment_id}")
    if version is not None and version < appointment.time_version:
        raise Moved(f"appointment {appointment_id}")
    refuse_past(appointment, now)
    return appointment


def refuse_past(appointment: Appointment, now: datetime) -> None:
    """Raise AppointmentPast for a visit that has begun."""
    if appointment.starts_at <= now:
        raise AppointmentPast(f"appointment {appointment.id}")


def changed(session: Session, appointment: Appointment, now: datetime, new: bool = False) -> Visit:
    """Number the change, write it, and let follow what follows from any change of a visit.

    Every change of a visit's time or status passes here, in the transaction of the change; a
    new booking with `new`, since its first version is its own. Its reminders follow at once.
    """
    if not new:
        appointment.version += 1
    session.flush()
    settle_course(session, appointment.course_id)
    replan(session, int(appointment.id), now=now)
    return visit_of(appointment)


def new_appointment(
    session: Session, slot: Slot, contact_id: int, clinician_id: int, now: datetime
) -> Appointment:
    """A row for the slot, added to the session, its status and patient still to be set.

    Raises:
        UnknownService: if no active service has that code.
    """
    service_id = session.execute(
        select(Service.id).where(Service.code == slot.service, Service.active.is_(True))
    ).scalar_one_or_none()
    if service_id is None:
        raise UnknownService(f"service {slot.service}")
    appointment = Appointment(
        contact_id=contact_id,
        clinician_id=clinician_id,
        service_id=service_id,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        version=1,
        time_version=1,
        created_at=now,
    )
    session.add(appointment)
    return appointment


def is_at(appointment: Appointment, slot: Slot) -> bool:
    """Whether the appointment is this very slot."""
    standing = (
        appointment.clinician.code,
        appointment.service.code,
        appointment.starts_at,
        appointment.ends_at,
    )
    return standing == (slot.clinician, slot.service, slot.starts_at, slot.ends_at)


def patient_named(session: Session, contact_id: int, name: str) -> Patient:
    """The contact's patient of that name; names are encrypted, so they are compared here."""
    wanted = " ".join(name.split())
    patients = session.execute(select(Patient).where(Patient.contact_id == contact_id)).scalars()
    for patient in patients:
        if patient.name.casefold() == wanted.casefold():
            return cast(Patient, patient)
    patient = Patient(contact_id=contact_id, name=wanted)
    session.add(patient)
    session.flush()
    return patient

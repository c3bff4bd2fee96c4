"""Visits as staff see and book them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Dict, List, NoReturn, Optional, Tuple, Type
from uuid import uuid4

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from clinic.contacts import ensure_contact, find_contact
from clinic.database import now
from clinic.logs import logger
from clinic.models import Appointment, Contact, Patient
from clinic.models.schedule import HELD
from clinic.scheduling import booking
from clinic.scheduling.errors import (
    ClinicianAway,
    ClosedDay,
    OutsideHours,
    SchedulingError,
    SlotPast,
    SlotTaken,
    UnknownClinician,
    UnknownService,
)
from clinic.scheduling.grid import Slot
from clinic.setup import profile_in
from inbox.errors import Refusal
from inbox.house import house

log = logger("inbox")
Position = Tuple[datetime, int]

REFUSALS: Dict[Type[SchedulingError], Tuple[int, str, str]] = {
    SlotTaken: (409, "slot_taken", "Somebody else has this slot."),
    SlotPast: (422, "past", "starts_at: this time has passed."),
    ClosedDay: (422, "closed", "starts_at: the clinic is closed on that day."),
    OutsideHours: (
        422,
        "outside_hours",
        "starts_at: the visit does not fit the clinician's hours or the calendar's steps.",
    ),
    ClinicianAway: (422, "clinician_away", "clinician: on leave at that time."),
    UnknownService: (422, "unknown_service", "service: the clinic offers none of that code."),
    UnknownClinician: (
        422,
        "unknown_clinician",
        "clinician: nobody of that code offers this service.",
    ),
}


def list_appointments(
    session: Session,
    limit: int,
    after: Optional[Position] = None,
    phone: Optional[str] = None,
    contact_id: Optional[int] = None,
    starts_from: Optional[datetime] = None,
    starts_before: Optional[datetime] = None,
) -> List[Appointment]:
    """Up to `limit` visits by their start; a slot that is only held is not a visit yet."""
    query = (
        select(Appointment)
        .join(Appointment.contact)
        .options(
            contains_eager(Appointment.contact),
            joinedload(Appointment.clinician),
            joinedload(Appointment.service),
        )
        .where(Appointment.status != HELD)
    )
    if phone is not None:
        contact = find_contact(session, phone=phone)
        query = query.where(Appointment.contact_id == (contact.id if contact else -1))
    if contact_id is not None:
        query = query.where(Appointment.contact_id == contact_id)
    if starts_from is not None:
        query = query.where(Appointment.starts_at >= starts_from)
    if starts_before is not None:
        query = query.where(Appointment.starts_at < starts_before)
    if after is not None:
        starts_at, appointment_id = after
        query = query.where(
            or_(
                Appointment.starts_at > starts_at,
                and_(Appointment.starts_at == starts_at, Appointment.id > appointment_id),
            )
        )
    query = query.order_by(Appointment.starts_at, Appointment.id).limit(limit)
    return list(session.execute(query).scalars())


def book(
    phone: str,
    starts_at: datetime,
    clinician: str,
    service: str,
    name: Optional[str] = None,
    key: Optional[str] = None,
) -> int:
    """Book a visit at once for whoever has that number; the appointment's id.

    Raises:
        Refusal: 409 `slot_taken` or `key_reused`, 422 for a time or code that cannot be booked.
    """
    try:
        with house().database.transaction() as session:
            contact = ensure_contact(session, phone, None)
            session.flush()
            slot = _slot(session, starts_at, clinician, service)
            visit = booking.book(
                session,
                slot,
                int(contact.id),
                name or _usual_name(session, contact),
                cause=f"api:{key or uuid4().hex}:book",
                now=now(),
            )
            asked = (int(contact.id), slot.clinician, slot.service, slot.starts_at)
            if asked != (visit.contact_id, visit.clinician, visit.service, visit.starts_at):
                raise Refusal(409, "key_reused", "This Idempotency-Key belongs to another visit.")
    except SchedulingError as error:
        _refuse(error)
    log.info("appointment booked", appointment=visit.appointment_id)
    return visit.appointment_id


def _slot(session: Session, starts_at: datetime, clinician: str, service: str) -> Slot:
    try:
        minutes = profile_in(session).service(service).minutes
    except KeyError:
        raise UnknownService("service") from None
    return Slot(clinician, service, starts_at, starts_at + timedelta(minutes=minutes))


def _usual_name(session: Session, contact: Contact) -> str:
    """Whom a visit without a name is for: the contact's first patient, else the contact."""
    patient = session.execute(
        select(Patient).where(Patient.contact_id == contact.id).order_by(Patient.id).limit(1)
    ).scalar_one_or_none()
    return str(patient.name if patient else contact.profile_name or contact.phone)


def _refuse(error: SchedulingError) -> NoReturn:
    status, code, message = REFUSALS.get(
        type(error), (422, "not_bookable", "This time cannot be booked.")
    )
    raise Refusal(status, code, message) from None

"""Who waits for a free time, and what they answer when one is offered to them.

Offering is `clinic.waitlist_offers`. A slot that is offered is a held appointment of the contact;
since a slot is held once (`clinic.scheduling.taking`), two can never both have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Dict, List, Optional

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from clinic.models import Appointment, Contact, Patient, SlotOffer, WaitingPatient
from clinic.models.schedule import HELD
from clinic.models.waiting import ACCEPTED, DECLINED, LEFT, OPEN, SERVED, WAITING
from clinic.once import once
from clinic.scheduling.booking import confirm, release
from clinic.scheduling.errors import OfferOver, PatientUnsaid, UnknownOffer
from clinic.scheduling.rows import own_appointment
from clinic.scheduling.visit import Visit


@dataclass(frozen=True)
class Wanted:
    """What a waiting patient wants: local days, both included, and local times of the start.

    `patient` is the name of whom the visit is for, None where nobody has said it yet.
    """

    service: str
    day_from: date
    day_to: date
    after: Optional[time] = None
    before: Optional[time] = None
    clinician: Optional[str] = None
    gender: Optional[str] = None
    category: Optional[str] = None
    patient: Optional[str] = None


def join(session: Session, contact_id: int, wanted: Wanted, now: datetime) -> int:
    """Let a contact wait; the id. Who waits already keeps their place and wants this now."""
    row = waiting_of(session, contact_id)
    if row is None:
        row = WaitingPatient(contact_id=contact_id, status=WAITING, joined_at=now)
        session.add(row)
    row.service, row.category = wanted.service, wanted.category
    row.day_from, row.day_to = wanted.day_from, wanted.day_to
    row.after, row.before = wanted.after, wanted.before
    row.clinician, row.gender = wanted.clinician, wanted.gender
    row.patient_name = wanted.patient
    row.seen_appointment_id = _newest_appointment(session, contact_id)
    session.flush()
    return int(row.id)


def waiting_of(session: Session, contact_id: int) -> Optional[WaitingPatient]:
    """The row by which a contact waits, locked; None if they do not."""
    return session.execute(
        select(WaitingPatient)
        .where(WaitingPatient.contact_id == contact_id, WaitingPatient.status == WAITING)
        .order_by(WaitingPatient.id)
        .limit(1)
        .with_for_update()
    ).scalar_one_or_none()


def leave(session: Session, contact_id: int, now: datetime) -> bool:
    """Let a contact wait no longer, and give back what is kept for them; whether they waited."""
    row = waiting_of(session, contact_id)
    if row is None:
        return False
    for offer in open_offers(session, int(row.id)):
        give_back(session, offer, DECLINED, now)
    row.status, row.ended_at = LEFT, now
    session.flush()
    return True


def accept(
    session: Session,
    offer_id: int,
    contact_id: int,
    cause: str,
    now: datetime,
    patient_id: Optional[int] = None,
) -> Visit:
    """Book the slot that was offered. Late is not too late while nobody else was asked.

    Args:
        patient_id: for whom, where the contact was asked; None for whom they waited for.

    Raises:
        UnknownOffer: if there is none of that id, or it is another contact's.
        OfferOver: if it was declined, given to the next, or its time has come.
        PatientUnsaid: if it may be for several patients: ask, the slot stays kept.
    """

    def work() -> Dict[str, Any]:
        offer = _own_offer(session, offer_id, contact_id)
        if offer.status != OPEN:
            raise OfferOver(f"offer {offer_id}")
        appointment = own_appointment(session, int(offer.appointment_id), contact_id)
        if appointment.status != HELD or appointment.starts_at <= now:
            raise OfferOver(f"offer {offer_id}")
        name = _for_whom(session, offer.waiting, patient_id)
        visit = confirm(session, int(appointment.id), contact_id, name, f"{cause}:visit", now=now)
        offer.status, offer.answered_at = ACCEPTED, now
        offer.waiting.status, offer.waiting.ended_at = SERVED, now
        session.flush()
        return visit.as_json()

    return Visit.from_json(once(session, cause, work))


def decline(session: Session, offer_id: int, contact_id: int, now: datetime) -> None:
    """Give the slot back for the next; the contact goes on waiting for another.

    Raises:
        UnknownOffer: if there is none of that id, or it is another contact's.
        OfferOver: if it was accepted.
    """
    offer = _own_offer(session, offer_id, contact_id)
    if offer.status == ACCEPTED:
        raise OfferOver(f"offer {offer_id}")
    if offer.status == OPEN:
        give_back(session, offer, DECLINED, now)


def open_offers(session: Session, waiting_id: int) -> List[SlotOffer]:
    """The offers that a waiting contact has not answered, locked."""
    rows = session.execute(_open(waiting_id).with_for_update()).scalars()
    return list(rows)


def open_offers_at_hand(session: Session, waiting_id: int) -> Optional[List[SlotOffer]]:
    """`open_offers` for the worker's rounds, which wait for nobody: None where one is locked."""
    known = len(session.execute(_open(waiting_id)).scalars().all())
    rows = session.execute(_open(waiting_id).with_for_update(skip_locked=True)).scalars().all()
    return list(rows) if len(rows) == known else None


def has_open_offer(session: Session, waiting_id: int) -> bool:
    """Whether an offer waits for this contact's answer; who asks has locked the contact's place."""
    return session.execute(_open(waiting_id).limit(1)).first() is not None


def _open(waiting_id: int) -> Any:
    return (
        select(SlotOffer)
        .where(SlotOffer.waiting_id == waiting_id, SlotOffer.status == OPEN)
        .order_by(SlotOffer.id)
    )


def _own_offer(session: Session, offer_id: int, contact_id: int) -> SlotOffer:
    # the place in the list first, then the offer: the order in which everybody locks them
    session.execute(
        select(WaitingPatient.id)
        .join(SlotOffer, SlotOffer.waiting_id == WaitingPatient.id)
        .where(SlotOffer.id == offer_id)
        .with_for_update(of=WaitingPatient)
    )
    offer = session.get(SlotOffer, offer_id, with_for_update=True, populate_existing=True)
    if offer is None or offer.waiting.contact_id != contact_id:
        raise UnknownOffer(f"offer {offer_id}")
    return offer


def _newest_appointment(session: Session, contact_id: int) -> int:
    """The id of the contact's latest appointment, 0 where there is none."""
    newest = select(func.max(Appointment.id)).where(Appointment.contact_id == contact_id)
    return int(session.execute(newest).scalar_one() or 0)


def give_back(session: Session, offer: SlotOffer, status: str, now: datetime) -> None:
    """End an offer and free its slot for the next."""
    offer.status, offer.answered_at = status, now
    release(session, int(offer.appointment_id), int(offer.waiting.contact_id))


def patients_of(session: Session, contact_id: int) -> List[Patient]:
    """Whom a contact has booked for, the first one first."""
    rows = session.execute(
        select(Patient).where(Patient.contact_id == contact_id).order_by(Patient.id)
    ).scalars()
    return list(rows)


def _for_whom(session: Session, row: WaitingPatient, patient_id: Optional[int]) -> str:
    """The name of who waits; of a contact with no patient yet, their own.

    Raises:
        PatientUnsaid.
    """
    contact_id = int(row.contact_id)
    patients = patients_of(session, contact_id)
    chosen = [str(one.name) for one in patients if one.id == patient_id]
    if chosen or row.patient_name:
        return chosen[0] if chosen else str(row.patient_name)
    if len(patients) > 1:
        raise PatientUnsaid(f"contact {contact_id}")
    if patients:
        return str(patients[0].name)
    contact = session.get(Contact, contact_id)
    return str(contact.profile_name or contact.phone) if contact is not None else ""

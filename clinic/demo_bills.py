"""The demo's bills: of a course, which is due, and of a visit, which was paid by UPI."""

from __future__ import annotations

from datetime import datetime
from typing import Optional

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.bills.drafts import for_course, for_visit
from clinic.bills.issuing import issue
from clinic.bills.paying import NewPayment, pay
from clinic.bills.terms import NewBill
from clinic.models import Appointment, Course, Patient
from clinic.models.bills import UPI
from clinic.models.schedule import COMPLETED
from clinic.setup import profile_in

DESK = "front desk"
# of no bank
INVENTED_UTR = "000000000001"


def seed_bill(
    session: Session, patient: Patient, course: Optional[Course], now: datetime, paid: bool
) -> None:
    """Bill the patient's course, else their last visit, where the clinic writes bills."""
    if profile_in(session).billing is None:
        return
    language = "hi" if patient.contact.language == "hi" else "en"
    visit = None if course is not None else _last_visit(session, patient)
    if course is not None:
        lines = for_course(session, course, language)
    elif visit is not None:
        lines = for_visit(session, visit, language)
    else:
        return
    name, cause = str(patient.name), f"demo:{patient.id}"
    wanted = NewBill(
        *(int(patient.contact_id), name, name, lines, language),
        appointment_id=int(visit.id) if visit is not None else None,
        course_id=int(course.id) if course is not None else None,
    )
    made = issue(session, wanted, DESK, cause, now)
    if paid:
        money = NewPayment(wanted.paise, UPI, INVENTED_UTR)
        pay(session, made.id, money, DESK, cause, now)


def _last_visit(session: Session, patient: Patient) -> Optional[Appointment]:
    return session.execute(
        select(Appointment)
        .where(Appointment.patient_id == patient.id, Appointment.status == COMPLETED)
        .order_by(Appointment.starts_at.desc())
        .limit(1)
    ).scalar_one_or_none()

"""A physiotherapist's course plan: from the form to `clinic.course_plans`, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Dict, List, Mapping, Optional

from sqlalchemy.orm import Session

from clinic.audit import record
from clinic.course_plans import Plan, PlanRefused, author, deliver
from clinic.courses import balance, courses_of
from clinic.database import now
from clinic.models import Course, Patient
from clinic.profile import Profile
from inbox.house import house

FIELDS = (
    *("patient", "clinician", "service", "sessions", "per_week", "expect", "why_finish"),
    *("price_rupees", "pricing", "expires_on"),
)
PRICINGS = {"package": "for the whole course", "session": "for each session"}


class FormRefused(Exception):
    """The form cannot be a plan; `problems` are plain sentences."""

    def __init__(self, problems: List[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Shown:
    """A course as the page lists it."""

    course: Course
    patient: str
    used: int
    booked: int
    left_to_book: int


@dataclass
class _Reading:
    """The form as it is read, field by field, with everything that is wrong with it."""

    form: Mapping[str, str]
    problems: List[str] = field(default_factory=list)

    def text(self, name: str) -> Optional[str]:
        return self.form.get(name, "").replace("\r\n", "\n").strip() or None

    def number(self, name: str, label: str) -> Optional[int]:
        text = self.text(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 6):
            self.problems.append(f"{label} is a number.")
            return None
        return int(text)

    def paise(self, name: str) -> Optional[int]:
        text = self.text(name)
        if text is None:
            return None
        try:
            paise = Decimal(text.replace(",", "").removeprefix("₹").strip()) * 100
        except InvalidOperation:
            paise = Decimal("NaN")
        if not paise.is_finite() or paise != paise.to_integral_value():
            self.problems.append("The price is an amount in rupees, such as 6000 or 499.50.")
            return None
        return int(paise)

    def day(self, name: str) -> Optional[date]:
        text = self.text(name)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            self.problems.append("The last day is a date.")
            return None


def list_courses(session: Session, contact_id: int) -> List[Shown]:
    """The courses of a contact's patients, newest first."""
    shown = []
    for course in reversed(courses_of(session, contact_id)):
        stands = balance(session, int(course.id))
        shown.append(
            Shown(course, str(course.patient.name), stands.used, stands.booked, stands.left_to_book)
        )
    return shown


def patients_of(session: Session, contact_id: int) -> List[str]:
    """The names a plan of this contact may be for."""
    rows = session.query(Patient).filter(Patient.contact_id == contact_id).order_by(Patient.id)
    return [str(row.name) for row in rows]


def write(session: Session, contact_id: int, form: Mapping[str, str], name: str, who: str) -> int:
    """Write the plan down; the course's id.

    Args:
        name: in whose name the plan stands.
        who: the same person, as the audit log writes them.

    Raises:
        FormRefused: naming everything that is wrong.
    """
    reading = _Reading(form)
    sessions = reading.number("sessions", "The number of sessions")
    if sessions is None and not reading.problems:
        reading.problems.append("Say how many sessions the course has.")
    written = Plan(
        contact_id=contact_id,
        patient=reading.text("patient") or "",
        clinician=reading.text("clinician") or "",
        service=reading.text("service"),
        sessions=sessions or 0,
        per_week=reading.number("per_week", "Sessions a week"),
        expect=reading.text("expect"),
        why_finish=reading.text("why_finish"),
        price_paise=reading.paise("price_rupees"),
        pricing=reading.text("pricing") if reading.text("price_rupees") else None,
        expires_on=reading.day("expires_on"),
        authored_by=name,
    )
    if reading.problems:
        raise FormRefused(reading.problems)
    try:
        course_id = author(session, written, now())
    except PlanRefused as refused:
        raise FormRefused(refused.problems) from None
    detail = {"contact": contact_id, "sessions": written.sessions}
    record(session, who, "plan_written", f"course:{course_id}", detail)
    return course_id


def send(session: Session, contact_id: int, course_id: int, who: str) -> bool:
    """Let the patient read the plan; False where it is on its way already.

    Raises:
        FormRefused: saying why it cannot go.
    """
    course = session.get(Course, course_id)
    if course is None or course.patient.contact_id != contact_id:
        raise FormRefused(["There is no such course."])
    try:
        message_id = deliver(session, course_id, house().texts, now())  # type: ignore[arg-type]
    except PlanRefused as refused:
        raise FormRefused(refused.problems) from None
    if message_id is not None:
        record(session, who, "plan_sent", f"course:{course_id}", {"contact": contact_id})
    return message_id is not None


def choices(profile: Profile) -> Dict[str, Any]:
    """What the form offers: clinicians, services, ways to mean a price."""
    return {
        "clinicians": {one.code: one.name.said_in("en") for one in profile.clinicians},
        "services": {one.code: one.name.said_in("en") for one in profile.services},
        "pricings": PRICINGS,
    }

"""The form of a new bill: what it proposes, and what was typed into it."""

from __future__ import annotations

from typing import Dict, List, Optional, Tuple

from flask import request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.bills import drafts
from clinic.bills.terms import LANGUAGES, MOST_LINES, BillRefused, NewBill, NewLine
from clinic.courses import active_courses
from clinic.database import now
from clinic.models import Appointment, Bill, Contact, Course
from clinic.models.bills import CANCELLED
from clinic.models.schedule import ARRIVED, COMPLETED
from clinic.setup import profile_in
from inbox.api.base import LARGEST_ID
from inbox.card import line_of, service_name
from inbox.language import t
from inbox.rupees import paise_of, rupees_of
from inbox.visits import names_of

OF_ALL = ("patient", "recipient", "address", "language", "visit", "course")
OF_A_LINE = ("description", "quantity", "rupees", "sac")
PROPOSED = 5


def proposed(
    db: Session, contact: Contact, visit_id: Optional[int], course_id: Optional[int]
) -> Tuple[Dict[str, str], List[Dict[str, str]]]:
    """What the form holds at first, for a visit or a course of this contact or for neither."""
    language = "hi" if contact.language == "hi" else "en"
    names = names_of(db, contact)
    typed = {**dict.fromkeys(OF_ALL, ""), "language": language}
    typed["patient"] = typed["recipient"] = names[0] if len(names) == 1 else ""
    lines: List[NewLine] = []
    visit = db.get(Appointment, visit_id) if visit_id is not None else None
    course = db.get(Course, course_id) if course_id is not None else None
    if visit is not None and visit.contact_id == contact.id and visit.patient is not None:
        typed["visit"] = str(visit.id)
        typed["patient"] = typed["recipient"] = str(visit.patient.name)
        lines = drafts.for_visit(db, visit, language)
    elif course is not None and course.patient.contact_id == contact.id:
        typed["course"] = str(course.id)
        typed["patient"] = typed["recipient"] = str(course.patient.name)
        lines = drafts.for_course(db, course, language)
    return typed, [
        {
            "description": line.description,
            "quantity": str(line.quantity),
            "rupees": rupees_of(line.unit_paise),
            "sac": line.sac,
        }
        for line in lines
    ]


def billable(db: Session, contact: Contact) -> List[Tuple[str, str]]:
    """Addresses and names of what can be billed: courses under way, visits without a bill."""
    profile = profile_in(db)
    found = [
        (
            url_for("bills.page", contact_id=contact.id, course=course.id),
            f"{t('Course')}: {service_name(profile, str(course.service.code))}",
        )
        for course in active_courses(db, int(contact.id), now())
    ]
    billed = select(Bill.appointment_id).where(
        Bill.appointment_id.is_not(None), Bill.state != CANCELLED
    )
    rows = db.execute(
        select(Appointment)
        .where(
            Appointment.contact_id == contact.id,
            Appointment.status.in_((ARRIVED, COMPLETED)),
            Appointment.id.not_in(billed),
        )
        .order_by(Appointment.starts_at.desc())
        .limit(PROPOSED)
    ).scalars()
    for row in rows:
        line = line_of(db, row, profile)
        found.append(
            (
                url_for("bills.page", contact_id=contact.id, visit=row.id),
                f"{line.when} · {line.service}",
            )
        )
    return found


def bill_of_visit(db: Session, contact: Contact, visit_id: Optional[int]) -> Optional[int]:
    """The bill of that visit of this contact, if one stands."""
    if visit_id is None:
        return None
    return db.execute(
        select(Bill.id).where(
            Bill.appointment_id == visit_id,
            Bill.contact_id == contact.id,
            Bill.state != CANCELLED,
        )
    ).scalar_one_or_none()


def typed_lines() -> List[Dict[str, str]]:
    """The lines of the form that hold anything, in their order."""
    columns = [request.form.getlist(name)[: MOST_LINES + 1] for name in OF_A_LINE]
    rows = [
        dict(zip(OF_A_LINE, (value.strip() for value in row), strict=True))
        for row in zip(*columns, strict=False)
    ]
    return [row for row in rows if row["description"] or row["rupees"]]


def wanted(contact_id: int, typed: Dict[str, str], lines: List[Dict[str, str]]) -> NewBill:
    """The bill that was typed.

    Raises:
        BillRefused: for a line whose number or price is none.
    """
    return NewBill(
        contact_id=contact_id,
        patient=typed["patient"],
        recipient=typed["recipient"] or typed["patient"],
        address=typed["address"] or None,
        language=typed["language"] if typed["language"] in LANGUAGES else LANGUAGES[0],
        lines=[_line(number, row) for number, row in enumerate(lines, 1)],
        appointment_id=id_of(typed["visit"]),
        course_id=id_of(typed["course"]),
    )


def _line(number: int, row: Dict[str, str]) -> NewLine:
    quantity = row["quantity"] or "1"
    if not quantity.isascii() or not quantity.isdigit() or len(quantity) > 4:
        raise BillRefused("quantity", number)
    try:
        paise = paise_of(row["rupees"])
    except ValueError:
        raise BillRefused("price", number) from None
    return NewLine(row["description"], int(quantity), paise, row["sac"])


def blank(sac: str) -> Dict[str, str]:
    """A line with nothing on it yet."""
    return {"description": "", "quantity": "1", "rupees": "", "sac": sac}


def id_of(given: Optional[str]) -> Optional[int]:
    """An id of an address or a form; None for what is none."""
    if not given or not given.isascii() or not given.isdigit() or len(given) > 19:
        return None
    return min(int(given), LARGEST_ID)

"""Issuing a bill: its number is given in the transaction that writes it, so none is skipped."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Dict, Optional, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.bills.terms import BillRefused, Done, NewBill, check, financial_year, keep_until, tidy
from clinic.courses import local_day
from clinic.models import Appointment, Bill, BillCounter, BillLine, Contact, Course
from clinic.models.bills import CANCELLED
from clinic.profile import Profile
from clinic.scheduling.rows import patient_named
from clinic.setup import profile_in
from clinic.upsert import insert_new

LONGEST_SERIAL = 16


def issue(session: Session, wanted: NewBill, by: str, cause: str, now: datetime) -> Done:
    """Issue a bill of supply, once per `cause`.

    Whoever issues at the same time waits for the counter of the financial year, and gets the
    next number once this transaction has ended.

    Args:
        by: whoever issues it, as the audit log writes them.

    Raises:
        BillRefused: see its codes; no number is used up.
    """
    profile = profile_in(session)
    if profile.billing is None:
        raise BillRefused("not_set_up")
    check(wanted)
    _check_owner(session, wanted)
    day = local_day(session, now)
    counter = _counter(session, financial_year(day))
    earlier = _issued_for(session, wanted, cause)
    if earlier is not None:
        return Done(earlier, repeated=True)
    number = int(counter.last) + 1
    serial = serial_of(profile.billing.serial_prefix, int(counter.year), number)
    counter.last = number
    bill = Bill(
        contact_id=wanted.contact_id,
        patient_id=patient_named(session, wanted.contact_id, tidy(wanted.patient)).id,
        course_id=wanted.course_id,
        appointment_id=wanted.appointment_id,
        year=counter.year,
        number=number,
        serial=serial,
        day=day,
        issued_at=now,
        language=wanted.language,
        supplier=_supplier(profile, wanted.language),
        recipient_name=tidy(wanted.recipient),
        recipient_address=tidy(wanted.address or "") or None,
        total_paise=wanted.paise,
        written_by=by,
        cause=cause,
        keep_until=keep_until(int(counter.year)),
    )
    session.add(bill)
    session.flush()
    _write_lines(session, bill, wanted)
    return Done(int(bill.id))


def serial_of(prefix: str, year: int, number: int) -> str:
    """The serial of a bill: `TP/26-27/0001`.

    Raises:
        BillRefused: `year_full` where the number leaves no room (rule 49: at most 16 signs).
    """
    serial = f"{prefix}/{year % 100:02}-{(year + 1) % 100:02}/{number:04}"
    if len(serial) > LONGEST_SERIAL:
        raise BillRefused("year_full")
    return serial


def _counter(session: Session, year: int) -> BillCounter:
    """The counter of that financial year, locked until the transaction ends."""
    insert_new(session, BillCounter, {"year": year, "last": 0})
    return cast(
        BillCounter,
        session.get(BillCounter, year, with_for_update=True, populate_existing=True),
    )


def _check_owner(session: Session, wanted: NewBill) -> None:
    """Refuse a bill for nobody, or for somebody else's visit or course."""
    if session.get(Contact, wanted.contact_id) is None:
        raise BillRefused("contact")
    if wanted.appointment_id is not None:
        visit = session.get(Appointment, wanted.appointment_id)
        if visit is None or visit.contact_id != wanted.contact_id:
            raise BillRefused("contact")
    if wanted.course_id is not None:
        course = session.get(Course, wanted.course_id)
        if course is None or course.patient.contact_id != wanted.contact_id:
            raise BillRefused("contact")


def _issued_for(session: Session, wanted: NewBill, cause: str) -> Optional[int]:
    """The bill of this cause, if it was issued.

    Raises:
        BillRefused: `billed` where the visit has another that stands, `key_reused` where the cause
            is another contact's.
    """
    same = session.execute(select(Bill).where(Bill.cause == cause)).scalar_one_or_none()
    if same is not None:
        if same.contact_id != wanted.contact_id:
            raise BillRefused("key_reused")
        return int(same.id)
    if wanted.appointment_id is not None:
        standing = select(Bill.id).where(
            Bill.appointment_id == wanted.appointment_id, Bill.state != CANCELLED
        )
        if session.execute(standing.limit(1)).first() is not None:
            raise BillRefused("billed")
    return None


def _write_lines(session: Session, bill: Bill, wanted: NewBill) -> None:
    for position, line in enumerate(wanted.lines, 1):
        session.add(
            BillLine(
                bill_id=bill.id,
                position=position,
                description=tidy(line.description),
                sac=line.sac,
                quantity=line.quantity,
                unit_paise=line.unit_paise,
                amount_paise=line.paise,
            )
        )
    session.flush()


def _supplier(profile: Profile, language: str) -> Dict[str, Any]:
    """What the bill says of the clinic, whatever `clinic.yml` says later."""
    billing = profile.billing
    assert billing is not None  # noqa: S101 - asked for by `issue`
    return {
        "name": billing.legal_name,
        "address": (billing.address or profile.address).said_in(language),
        "phone": profile.phone,
        "gstin": billing.gstin,
        "upi_id": billing.upi_id,
        "upi_name": billing.payee,
    }


def day_words(day: date) -> str:
    """The day of a bill as Indian papers write it: 23-11-2026."""
    return day.strftime("%d-%m-%Y")

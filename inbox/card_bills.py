"""A contact's bills as the patient card and the page of all bills list them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional

from sqlalchemy.orm import Session

from clinic.bills.paying import bills_of, due_paise
from clinic.calendar_words import say_day, say_rupees
from clinic.models import Bill, Contact
from inbox.language import ui_language

SHOWN = 3


@dataclass(frozen=True)
class BillRow:
    """One bill in a list; `state` is a key of `inbox.words.BILL_STATES`, `due` what is due."""

    id: int
    serial: str
    day: str
    patient: str
    total: str
    state: str
    due: Optional[str]


def read_bills(session: Session, contact: Contact, most: int = SHOWN) -> List[BillRow]:
    """The newest bills of a contact, newest first."""
    return [row_of(session, bill) for bill in bills_of(session, int(contact.id), most)]


def row_of(session: Session, bill: Bill) -> BillRow:
    """A bill as a list shows it."""
    due = due_paise(session, bill)
    return BillRow(
        id=int(bill.id),
        serial=str(bill.serial),
        day=f"{say_day(bill.day, ui_language())} {bill.day.year}",
        patient=str(bill.patient.name),
        total=say_rupees(int(bill.total_paise)),
        state=str(bill.state),
        due=say_rupees(due) if due else None,
    )

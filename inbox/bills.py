"""Bills as staff handle them: issue, take money, cancel, send; one transaction each, and noted."""

from __future__ import annotations

from typing import Any, Callable, Dict, NoReturn, Optional

from sqlalchemy.orm import Session

from clinic.audit import record
from clinic.bills import issuing, paying
from clinic.bills.paying import NewPayment, due_paise, find_bill
from clinic.bills.printing import bill_pdf
from clinic.bills.terms import BillRefused, NewBill
from clinic.bubbles import Media
from clinic.calendar_words import say_rupees
from clinic.consent import obstacle
from clinic.database import now
from clinic.delivery import window_open
from clinic.logs import logger
from clinic.models import Bill, Contact
from clinic.models.bills import CANCELLED
from clinic.models.consent import CARE
from clinic.outbox import plan
from clinic.staff_replies import AUTHOR
from inbox.errors import Refusal
from inbox.files import FilesUnavailable
from inbox.house import house
from inbox.language import t

log = logger("inbox")

STILL_DUE, ALL_PAID = "utter_bill_due", "utter_bill_paid"
PDF = "application/pdf"
MISSING = frozenset({"not_found", "contact"})

# by the code of `clinic.bills.terms.BillRefused`
WHY = {
    "not_set_up": "The clinic writes no bills yet: clinic.yml needs a `billing` section.",
    "contact": "This visit or course is not of this conversation.",
    "patient": "Give the patient's name, and to whom the bill goes.",
    "address": "The address has at most 200 characters.",
    "no_lines": "Write at least one line.",
    "too_many_lines": "A bill has at most 20 lines. Write another one for the rest.",
    "description": "Line {n}: describe it in 1 to 60 characters.",
    "quantity": "Line {n}: the number is 1 to 200.",
    "price": "Line {n}: give rupees, such as 600 or 600.50.",
    "taxable": "Line {n}: only health care (SAC 9993) can be billed here. Goods and wellness are "
    "taxable: they need a tax invoice, which is not written here.",
    "total": "The bill comes to nothing, or to more than ₹5,00,000.",
    "billed": "This visit has a bill already. Cancel that one first.",
    "year_full": "No more numbers are left in this financial year.",
    "key_reused": "This page has been used for something else. Reload it and look first.",
    "not_found": "There is no such bill.",
    "cancelled": "This bill is cancelled.",
    "how": "Choose how it was paid.",
    "amount": "Give the amount in rupees, such as 600 or 600.50.",
    "over": "This is more than is still due.",
    "reference_needed": "Give the UTR of the transfer: it stands in the payer's UPI or bank app.",
    "reference": "This is no UTR: a UTR has 12 to 22 letters and digits.",
    "repeated": "This UTR stands on the bill already.",
    "reason": "Say in a few words why it is cancelled.",
}
# why a bill cannot go to the patient now
WHY_NOT_SENT = {
    "opted_out": "Not sent: this person has stopped messages.",
    "no_consent": "Not sent: this patient has not agreed to care messages. Print the bill instead.",
    "guardian": "Not sent: no guardian has agreed yet. Print the bill instead.",
    "unreachable": "Not sent: WhatsApp cannot reach this number. Print the bill instead.",
    "window_closed": "The 24-hour window is closed. You can send the bill when the patient writes "
    "again.",
    "cancelled": "This bill is cancelled.",
}


def issue(wanted: NewBill, key: str, by: str) -> int:
    """Issue a bill; its id.

    Raises:
        Refusal: 404 or 422, with the reason as a sentence.
    """

    def work(session: Session) -> int:
        done = issuing.issue(session, wanted, by, f"desk:{key}", now())
        if not done.repeated:
            bill = find_bill(session, done.id)
            detail = {"number": int(bill.number), "paise": int(bill.total_paise)}
            record(session, by, "bill_issued", f"bill:{done.id}", detail)
        return done.id

    return int(_change(work))


def take_payment(bill_id: int, payment: NewPayment, key: str, by: str) -> None:
    """Note money that came; refusals as `issue`."""

    def work(session: Session) -> None:
        if paying.pay(session, bill_id, payment, by, f"desk:{key}", now()).repeated:
            return
        detail = {"paise": payment.paise, "how": payment.how}
        record(session, by, "bill_paid", f"bill:{bill_id}", detail)

    _change(work)


def call_off(bill_id: int, reason: str, by: str) -> None:
    """Cancel a bill; refusals as `issue`."""

    def work(session: Session) -> None:
        paying.cancel(session, bill_id, reason, by, now())
        record(session, by, "bill_cancelled", f"bill:{bill_id}")

    _change(work)


def why_not_sent(session: Session, bill: Bill) -> Optional[str]:
    """Why the bill cannot go on WhatsApp now, a key of `WHY_NOT_SENT`; None where it can."""
    contact: Contact = bill.contact
    if bill.state == CANCELLED:
        return "cancelled"
    refused = obstacle(session, int(contact.id), CARE)
    if refused is not None:
        return {"opted out": "opted_out", "no guardian consent": "guardian"}.get(
            refused, "no_consent"
        )
    if contact.unreachable_at is not None:
        return "unreachable"
    return None if window_open(contact) else "window_closed"


def send(bill_id: int, key: str, name: str, by: str) -> None:
    """Send the bill to the patient as a PDF, in the name of whoever sends it.

    It goes as a care message, so consent and the 24-hour window are asked again when it is sent.

    Raises:
        Refusal: 404, 409 with the reason as a sentence, or 503 where WhatsApp took no file.
    """
    with house().database.reading() as session:
        bill = found(session, bill_id)
        _refuse_unsendable(session, bill)
        content, filename = paper(session, bill)
    try:
        media_id = house().files.upload(content, PDF, filename)
    except FilesUnavailable:
        raise Refusal(
            503,
            "file_away",
            t("Not sent: WhatsApp did not take the file just now. Try again in a minute."),
        ) from None
    with house().database.transaction() as session:
        bill = found(session, bill_id)
        _refuse_unsendable(session, bill)
        shown = Media(
            media="document", id=media_id, filename=filename, caption=_caption(session, bill)
        )
        planned = plan(
            session,
            int(bill.contact_id),
            shown,
            cause=f"bill:{bill_id}:{key}",
            author=f"{AUTHOR}{name}",
            purpose=CARE,
        )
        if planned is not None:
            record(session, by, "bill_sent", f"bill:{bill_id}", {"message": planned})


def found(session: Session, bill_id: int) -> Bill:
    """The bill of that id.

    Raises:
        Refusal: 404.
    """
    try:
        return find_bill(session, bill_id)
    except BillRefused as error:
        _refuse(error)


def paper(session: Session, bill: Bill) -> Any:
    """The PDF of a bill as it stands, and a name for the file."""
    return bill_pdf(bill, due_paise(session, bill)), f"{str(bill.serial).replace('/', '-')}.pdf"


def in_words(refusal: BillRefused) -> str:
    """Why a bill or payment was refused, as a sentence."""
    return t(WHY[refusal.code], n=refusal.line)


def _caption(session: Session, bill: Bill) -> str:
    due = due_paise(session, bill)
    facts: Dict[str, str] = {
        "bill_number": str(bill.serial),
        "bill_amount": say_rupees(int(bill.total_paise)),
        "bill_due": say_rupees(due),
    }
    response = STILL_DUE if due else ALL_PAID
    return house().texts.say(response, str(bill.contact.language), **facts)


def _refuse_unsendable(session: Session, bill: Bill) -> None:
    why = why_not_sent(session, bill)
    if why is not None:
        raise Refusal(409, why, t(WHY_NOT_SENT[why]))


def _change(work: Callable[[Session], Any]) -> Any:
    try:
        with house().database.transaction() as session:
            return work(session)
    except BillRefused as error:
        log.info("bill refused", why=error.code)
        _refuse(error)


def _refuse(error: BillRefused) -> NoReturn:
    raise Refusal(404 if error.code in MISSING else 422, error.code, in_words(error)) from None

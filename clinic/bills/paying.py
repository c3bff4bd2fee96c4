"""What becomes of a bill that was issued: payments in parts, and cancelling it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import List, Optional, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from clinic.bills.terms import LONGEST_REASON, BillRefused, Done, checked_reference, tidy
from clinic.models import Bill, Payment
from clinic.models.bills import CANCELLED, ISSUED, PAID, WAYS_TO_PAY


@dataclass(frozen=True)
class NewPayment:
    """Money that came: so many paise, how, and the UTR or another reference."""

    paise: int
    how: str
    reference: Optional[str] = None


def pay(
    session: Session, bill_id: int, payment: NewPayment, by: str, cause: str, now: datetime
) -> Done:
    """Write down a payment, once per `cause`. The bill is paid once nothing is due.

    Raises:
        BillRefused: `not_found`, `cancelled`, `how`, `amount`, `over`, `reference_needed`,
            `reference`, `repeated`, `key_reused`.
    """
    bill = _locked(session, bill_id)
    same = session.execute(select(Payment).where(Payment.cause == cause)).scalar_one_or_none()
    if same is not None:
        if same.bill_id != bill_id:
            raise BillRefused("key_reused")
        return Done(int(same.id), repeated=True)
    if bill.state == CANCELLED:
        raise BillRefused("cancelled")
    if payment.how not in WAYS_TO_PAY:
        raise BillRefused("how")
    due = due_paise(session, bill)
    if payment.paise < 1:
        raise BillRefused("amount")
    if payment.paise > due:
        raise BillRefused("over")
    reference = checked_reference(payment.how, payment.reference)
    if reference is not None and reference in _references(session, bill_id):
        raise BillRefused("repeated")
    row = Payment(
        bill_id=bill_id,
        how=payment.how,
        reference=reference,
        paise=payment.paise,
        received_at=now,
        recorded_by=by,
        cause=cause,
    )
    session.add(row)
    if payment.paise == due:
        bill.state = PAID
    session.flush()
    return Done(int(row.id))


def cancel(session: Session, bill_id: int, reason: str, by: str, now: datetime) -> None:
    """Cancel a bill, which keeps its number, its lines and what was paid.

    Raises:
        BillRefused: `not_found`, `cancelled`, `reason`.
    """
    bill = _locked(session, bill_id)
    if bill.state == CANCELLED:
        raise BillRefused("cancelled")
    said = tidy(reason)
    if not 0 < len(said) <= LONGEST_REASON:
        raise BillRefused("reason")
    bill.state, bill.cancel_reason = CANCELLED, said
    bill.cancelled_by, bill.cancelled_at = by, now
    session.flush()


def paid_paise(session: Session, bill: Bill) -> int:
    """What has come for a bill."""
    came = select(func.coalesce(func.sum(Payment.paise), 0)).where(Payment.bill_id == bill.id)
    return int(session.execute(came).scalar_one())


def due_paise(session: Session, bill: Bill) -> int:
    """What is still to be paid of a bill; nothing of a cancelled one."""
    if bill.state != ISSUED:
        return 0
    return int(bill.total_paise) - paid_paise(session, bill)


def bills_of(session: Session, contact_id: int, limit: int = 200) -> List[Bill]:
    """The bills of a contact, newest first."""
    rows = select(Bill).where(Bill.contact_id == contact_id).order_by(Bill.id.desc()).limit(limit)
    return list(session.execute(rows).scalars())


def find_bill(session: Session, bill_id: int) -> Bill:
    """The bill of that id.

    Raises:
        BillRefused: `not_found`.
    """
    bill = session.get(Bill, bill_id)
    if bill is None:
        raise BillRefused("not_found")
    return cast(Bill, bill)


def _references(session: Session, bill_id: int) -> List[Optional[str]]:
    rows = session.execute(select(Payment.reference).where(Payment.bill_id == bill_id))
    return list(rows.scalars())


def _locked(session: Session, bill_id: int) -> Bill:
    bill = session.get(Bill, bill_id, with_for_update=True, populate_existing=True)
    if bill is None:
        raise BillRefused("not_found")
    return cast(Bill, bill)

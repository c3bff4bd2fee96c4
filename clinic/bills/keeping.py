"""Letting go of bills once tax law does not want them any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from clinic.database import now
from clinic.models import Bill, BillLine, Payment

# databases know the day by clocks and zones of their own, and refuse what is a day too early
MARGIN = timedelta(days=1)


def let_go(session: Session, moment: datetime, most: int) -> int:
    """Delete at most so many bills whose time is over, with their lines and payments; how many.

    Whatever `moment` says, nothing goes before its day has really come.
    """
    day = (min(moment, now()) - MARGIN).date()
    over = select(Bill.id).where(Bill.keep_until < day).order_by(Bill.id).limit(most)
    ids = list(session.execute(over).scalars())
    parts = (Payment.bill_id, BillLine.bill_id, Bill.id)
    for model, of_bill in zip((Payment, BillLine, Bill), parts, strict=True):
        gone = delete(model).where(of_bill.in_(ids))
        session.execute(gone.execution_options(synchronize_session=False))
    return len(ids)

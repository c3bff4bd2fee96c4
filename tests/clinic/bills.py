"""A bill to begin a test with."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import datetime
from typing import Any

from stdnum import luhn

from clinic.bills.issuing import issue
from clinic.bills.terms import NewBill, NewLine
from clinic.database import Database
from clinic.profile import Profile
from clinic.profile_billing import Billing
from clinic.setup import write_profile

# checksum and form are right; nobody has it: the state code 25 went out of use in 2020
_UNCHECKED = "25ZZZPZ0001Z1Z"
GSTIN = _UNCHECKED + luhn.calc_check_digit(_UNCHECKED, string.digits + string.ascii_uppercase)
SESSION = NewLine("Session, 23-11-2026", 1, 60050, "9993")
BILLING = {
    "legal_name": "Small Clinic (invented)",
    "serial_prefix": "SC",
    "upi_id": "small@example",
}


def billing_clinic(db: Database, profile: Profile, **more: Any) -> None:
    """Let the clinic write bills."""
    billing = Billing.parse_obj({**BILLING, **more})
    write_profile(db, profile.copy(update={"billing": billing}))


def wanted(contact_id: int, *lines: NewLine, **more: Any) -> NewBill:
    """A bill for Meena Joshi: of one session unless `lines` say something else."""
    name = "Meena Joshi"
    return replace(NewBill(contact_id, name, name, list(lines) or [SESSION]), **more)


def a_bill(db: Database, contact_id: int, now: datetime, *lines: NewLine, **more: Any) -> int:
    """The id of a bill that was issued."""
    with db.transaction() as session:
        cause = f"test:{contact_id}:{more}:{now.isoformat()}"
        return issue(session, wanted(contact_id, *lines, **more), "staff:1", cause, now).id

"""Two-step sign-in: a code from an authenticator app beside the password (TOTP, RFC 6238)."""

from __future__ import annotations

import hmac
import re
from typing import Optional

import pyotp
from sqlalchemy import update
from sqlalchemy.orm import Session

from clinic.audit import record
from clinic.database import now
from clinic.models import Staff
from clinic.staff import count_failure

STEP_SECONDS = 30


def uri(person: Staff, issuer: str) -> str:
    """What the QR code of the pending secret says to an authenticator app."""
    totp = pyotp.TOTP(person.totp_pending or "")
    return str(totp.provisioning_uri(name=person.login, issuer_name=issuer))


def begin(person: Staff) -> None:
    """A secret to be shown once; it counts when a code of it was entered."""
    person.totp_pending = pyotp.random_base32()


def confirm(session: Session, person: Staff, code: str) -> bool:
    """Turn two-step sign-in on, if the code fits the secret that was shown."""
    if person.totp_pending is None or _step_of(person.totp_pending, code) is None:
        return False
    person.totp_secret, person.totp_pending = person.totp_pending, None
    record(session, f"staff:{person.id}", "totp_set", f"staff:{person.id}")
    return True


def remove(session: Session, person: Staff) -> None:
    """Turn two-step sign-in off."""
    person.totp_secret = person.totp_pending = None
    record(session, f"staff:{person.id}", "totp_removed", f"staff:{person.id}")


def check_code(session: Session, person: Staff, code: str) -> bool:
    """Whether the code is right and was not used before; of two at once, one wins."""
    if person.locked_until is not None and person.locked_until > now():
        return False
    step = _step_of(person.totp_secret or "", code) if person.totp_secret else None
    if step is not None:
        won = session.execute(
            update(Staff)
            .where(Staff.id == person.id, Staff.totp_last_step < step)
            .values(totp_last_step=step)
            .execution_options(synchronize_session=False)
        ).rowcount
        if won:
            return True
    count_failure(session, person, "code")
    return False


def _step_of(secret: str, code: str) -> Optional[int]:
    """The 30-second step whose code this is: this one, the last or the next."""
    figures = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", figures):
        return None
    present = int(now().timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    for step in (present, present - 1, present + 1):
        if hmac.compare_digest(totp.at(step * STEP_SECONDS), figures):
            return step
    return None

"""Whether a contact wants messages of a purpose.

REPLACE ON MERGE: the real one reads the consents; the signature is the same.
"""

from __future__ import annotations

from typing import Optional

from sqlalchemy.orm import Session

from clinic.models import Contact

ASKED_FOR = ("reply", "staff", "notice")


def obstacle(session: Session, contact_id: int, purpose: str) -> Optional[str]:
    """Why no message of this purpose may go to the contact now; None where it may."""
    if purpose in ASKED_FOR:
        return None
    contact = session.get(Contact, contact_id)
    return "opted out" if contact is not None and contact.opted_out_at is not None else None

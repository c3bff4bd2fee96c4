"""Patients under 18: who decides for them (DPDP Act 2023, section 9: a guardian's consent).

A patient's age is only what somebody said; so an age under 18 is asked about, a guardian's
agreement counts from when it is given, and staff confirm it at the first visit.
"""

from __future__ import annotations

from datetime import datetime
from typing import Collection, Dict, Optional

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.database import now
from clinic.models import Guardian
from clinic.models.consent import (
    ADULT,
    AGREED,
    ASKED,
    DECLINED,
    GUARDIAN_STATES,
    SUSPECTED,
)

ADULT_AGE = 18
# the patient is, or may be, under 18; and nobody has agreed for them
MINOR = frozenset(GUARDIAN_STATES) - {ADULT}
WITHOUT_GUARDIAN = MINOR - {AGREED}


class NoGuardian(Exception):
    """There is no guardian's agreement to confirm; the message is the contact's id."""


def guardian_of(session: Session, contact_id: int) -> Optional[Guardian]:
    """The row that holds for this contact; None where no age under 18 was ever said."""
    return session.execute(
        select(Guardian)
        .where(Guardian.contact_id == contact_id)
        .order_by(Guardian.id.desc())
        .limit(1)
    ).scalar_one_or_none()


def guardian_states(session: Session, contact_ids: Collection[int]) -> Dict[int, str]:
    """Of these contacts the state of the row that holds; those of whom no age was said are left
    out.
    """
    if not contact_ids:
        return {}
    rows = session.execute(
        select(Guardian.contact_id, Guardian.state)
        .where(Guardian.contact_id.in_(contact_ids))
        .order_by(Guardian.id)
    )
    return {int(contact_id): str(state) for contact_id, state in rows}


def is_minor(session: Session, contact_id: int) -> bool:
    """Whether this contact's patient is, or may be, under 18."""
    return guardian_states(session, [contact_id]).get(contact_id) in MINOR


def lacks_guardian(session: Session, contact_id: int) -> bool:
    """Whether this contact's patient may be under 18 and no guardian has agreed."""
    return guardian_states(session, [contact_id]).get(contact_id) in WITHOUT_GUARDIAN


def hear_age(session: Session, contact_id: int, years: int) -> None:
    """Somebody said an age: under 18 it will be asked who decides for the patient.

    Also where an earlier patient was no child: a contact may write for more than one.
    """
    if years < ADULT_AGE:
        suspect_minor(session, contact_id)


def suspect_minor(session: Session, contact_id: int) -> None:
    """A patient seems to be under 18: it will be asked who decides for them, once."""
    if not is_minor(session, contact_id):
        _add(session, contact_id, SUSPECTED)


def mark_asked(session: Session, contact_id: int) -> None:
    """The question for a guardian was put."""
    _add(session, contact_id, ASKED)


def record_adult(session: Session, contact_id: int, wamid: Optional[str] = None) -> None:
    """The contact says that the patient is 18 or over."""
    _add(session, contact_id, ADULT, wamid=wamid, decided_at=now())


def record_guardian(
    session: Session,
    contact_id: int,
    name: str,
    relation: str,
    agreed: bool,
    wamid: Optional[str] = None,
) -> None:
    """A guardian agreed to our messages for the patient, or did not.

    Args:
        relation: a code such as `mother`.
        wamid: of the message that decided.
    """
    _add(
        session,
        contact_id,
        AGREED if agreed else DECLINED,
        name=name,
        relation=relation,
        wamid=wamid,
        decided_at=now(),
    )


def confirm_guardian(session: Session, contact_id: int, staff: str) -> Guardian:
    """Staff have seen the guardian who agreed; confirming again changes nothing.

    Raises:
        NoGuardian: if no guardian has agreed.
    """
    row = guardian_of(session, contact_id)
    if row is None or row.state != AGREED:
        raise NoGuardian(str(contact_id))
    if row.confirmed_at is None:
        row.confirmed_by, row.confirmed_at = staff, now()
    return row


def _add(
    session: Session,
    contact_id: int,
    state: str,
    name: Optional[str] = None,
    relation: Optional[str] = None,
    wamid: Optional[str] = None,
    decided_at: Optional[datetime] = None,
) -> None:
    session.add(
        Guardian(
            contact_id=contact_id,
            state=state,
            name=name,
            relation=relation,
            wamid=wamid,
            decided_at=decided_at,
        )
    )
    session.flush()

"""Telling a patient something of the clinic's own accord, in the 24-hour window and outside it.

A freed slot, a plan, a visit that cannot take place. Within the window the words are written when
it is planned. Outside it only an approved template may go: then the row waits without words, and
`clinic.reminders.announced` writes it when it is sent. Either way it is looked at again then.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Optional

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.decision import ANNOUNCEMENT
from clinic.delivery import window_open
from clinic.models import Announcement, Contact, Message
from clinic.models.announcement import CLOSURE, LEAVE, OFFER, PLAN
from clinic.models.consent import CARE
from clinic.models.message import CANCELLED, FAILED, SKIPPED
from clinic.outbox import plan, plan_unwritten
from clinic.templates import approved, house_templates

NOT_GONE = (SKIPPED, CANCELLED, FAILED)
TEMPLATES = {
    OFFER: "waitlist_offer",
    PLAN: "course_plan",
    LEAVE: "visit_leave",
    CLOSURE: "visit_closure",
}


def can_reach(session: Session, contact: Contact, about: str, moment: datetime) -> bool:
    """Whether WhatsApp would carry such an announcement: freely, or by an approved template."""
    if contact.opted_out_at is not None or contact.unreachable_at is not None:
        return False
    if window_open(contact, moment):
        return True
    wording = house_templates().wording(TEMPLATES[about], str(contact.language))
    return approved(session, wording)


def announce(
    session: Session,
    contact: Contact,
    about: str,
    subject_id: int,
    bubble: Any,
    *,
    cause: str,
    due_at: datetime,
    not_after: Optional[datetime] = None,
    author: str = "bot",
    version: int = 0,
) -> Optional[int]:
    """Plan an announcement, unique by `cause`.

    Args:
        about: what the subject is, see `clinic.models.Announcement`.
        bubble: how it reads within the 24-hour window.

    Returns:
        The message's id, or None where this cause already has its message.
    """
    contact_id = int(contact.id)
    if window_open(contact, due_at):
        message_id = plan(
            session,
            contact_id,
            bubble,
            cause,
            author=author,
            purpose=CARE,
            due_at=due_at,
            not_after=not_after,
        )
    else:
        message_id = plan_unwritten(
            session,
            contact_id,
            kind=ANNOUNCEMENT,
            cause=cause,
            author=author,
            purpose=CARE,
            due_at=due_at,
            not_after=not_after,
        )
    if message_id is not None:
        session.add(
            Announcement(message_id=message_id, about=about, subject_id=subject_id, version=version)
        )
        session.flush()
    return message_id


def has_not_gone(session: Session, cause: str) -> bool:
    """Whether the announcement of that cause ended without reaching anybody."""
    state = session.execute(select(Message.state).where(Message.cause == cause))
    return state.scalar_one_or_none() in NOT_GONE

"""What a person at the front desk writes to a patient: one row in the outbox.

A reply is free text, so WhatsApp carries it only within 24 hours of the patient's last message
(Meta, "Customer service windows"); outside of them it is refused here, not sent and lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Optional
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.bubbles import Text
from clinic.delivery import WINDOW, window_open
from clinic.handoffs import HandoffError, claim_handoff, unresolved_handoff
from clinic.models import Contact, Message
from clinic.outbox import plan
from clinic.transcript import find_conversation

# WhatsApp's limit of a text body, in characters
LONGEST_TEXT = 4096
LONGEST_NAME = 80
LONGEST_KEY = 200
AUTHOR = "staff:"
NAMELESS = "front desk"


class ReplyRefused(Exception):
    """A reply cannot go; `code` says why and holds no word of it.

    `empty`, `too_long`, `not_found` (no such contact), `window_closed`, `taken` (somebody else
    has claimed the conversation), `key_reused` (this key belongs to another reply).
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Reply:
    """The message of a reply; `repeated` where its key had been used for it before."""

    message_id: int
    repeated: bool


def window_closes_at(contact: Any) -> Optional[datetime]:
    """When the 24 hours after the contact's last message end; None if they never wrote."""
    return contact.last_inbound_at + WINDOW if contact.last_inbound_at else None


def reply(
    session: Session,
    contact_id: int,
    text: str,
    staff: Optional[str] = None,
    key: Optional[str] = None,
) -> Reply:
    """Plan a reply, once per `key`.

    A handoff is not needed. Where one is unresolved, a named writer claims it with the reply; one
    that somebody else has claimed refuses it. Without a name the reply goes in the name of whoever
    has claimed the conversation, and claims nothing.

    Raises:
        ReplyRefused: see its codes.
    """
    words = text.strip()
    if not words:
        raise ReplyRefused("empty")
    if len(words) > LONGEST_TEXT:
        raise ReplyRefused("too_long")
    contact = find_conversation(session, contact_id)
    if contact is None:
        raise ReplyRefused("not_found")
    cause = f"{AUTHOR}{key or uuid4().hex}"
    repeated = _earlier(session, cause, contact, words)
    if repeated is not None:
        return repeated
    if not window_open(contact):
        raise ReplyRefused("window_closed")
    writer = _writer(session, int(contact.id), staff)
    message_id = plan(session, int(contact.id), Text(text=words), cause, author=f"{AUTHOR}{writer}")
    if message_id is None:
        # on PostgreSQL the same key may have come twice at once
        raced = _earlier(session, cause, contact, words)
        assert raced is not None  # noqa: S101 - its row kept ours out
        return raced
    return Reply(message_id, repeated=False)


def _earlier(session: Session, cause: str, contact: Contact, words: str) -> Optional[Reply]:
    message = session.execute(select(Message).where(Message.cause == cause)).scalar_one_or_none()
    if message is None:
        return None
    if message.contact_id != contact.id or message.text != words:
        raise ReplyRefused("key_reused")
    return Reply(int(message.id), repeated=True)


def _writer(session: Session, contact_id: int, staff: Optional[str]) -> str:
    handoff = unresolved_handoff(session, contact_id)
    owner = handoff.claimed_by if handoff is not None else None
    if staff is None:
        return owner or NAMELESS
    if handoff is not None:
        try:
            claim_handoff(session, int(handoff.id), staff)
        except HandoffError as error:
            # resolved in this very moment: the patient still gets the answer
            if error.code == "taken":
                raise ReplyRefused("taken") from None
    return staff

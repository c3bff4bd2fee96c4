"""What a person at the front desk writes to a patient: one row in the outbox.

A reply is free text, so WhatsApp carries it only within 24 hours of the patient's last message
(Meta, "Customer service windows"); outside of them it is refused here, not sent and lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, Optional
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from clinic.bubbles import Media, Template, Text
from clinic.database import now
from clinic.delivery import WINDOW, window_open
from clinic.handoff_moves import mark_read
from clinic.handoffs import HandoffError, claim_handoff, unresolved_handoff
from clinic.models import Contact, Message
from clinic.models.message import CANCELLED, PLANNED
from clinic.outbox import plan
from clinic.transcript import find_conversation

# WhatsApp's limit of a text body, in characters
LONGEST_TEXT = 4096
# and of the words under a file
LONGEST_CAPTION = 1024
LONGEST_NAME = 80
LONGEST_KEY = 200
AUTHOR = "staff:"
NAMELESS = "front desk"


class ReplyRefused(Exception):
    """A reply cannot go; `code` says why and holds no word of it.

    `empty`, `too_long`, `not_found` (no such contact), `window_closed`, `taken` (somebody else
    has claimed the conversation), `key_reused` (this key belongs to another reply),
    `caption_too_long`, `past` (scheduled for a time gone by), `after_window` (scheduled for a
    time at which WhatsApp would not carry it), `opted_out`.
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
    attachment: Optional[Media] = None,
    due_at: Optional[datetime] = None,
) -> Reply:
    """Plan a reply, once per `key`.

    A handoff is not needed. Where one is unresolved, a named writer claims it with the reply; one
    that somebody else has claimed refuses it. Without a name the reply goes in the name of whoever
    has claimed the conversation, and claims nothing.

    Args:
        attachment: an uploaded file that goes with the text as its caption.
        due_at: when it is to go; by default now.

    Raises:
        ReplyRefused: see its codes.
    """
    words = text.strip()
    _check_words(words, attachment)
    contact = find_conversation(session, contact_id)
    if contact is None:
        raise ReplyRefused("not_found")
    cause = f"{AUTHOR}{key or uuid4().hex}"
    repeated = _earlier(session, cause, contact, words)
    if repeated is not None:
        return repeated
    _check_time(contact, due_at)
    bubble: Any = Text(text=words)
    if attachment is not None:
        bubble = attachment.copy(update={"caption": words or None})
    return _plan(session, contact, bubble, cause, words, staff, due_at)


def send_template(
    session: Session,
    contact_id: int,
    template: Template,
    staff: Optional[str] = None,
    key: Optional[str] = None,
) -> Reply:
    """Plan an approved template, which WhatsApp carries outside of the 24 hours too.

    Raises:
        ReplyRefused: `not_found`, `opted_out`, `taken`, `key_reused`.
    """
    contact = find_conversation(session, contact_id)
    if contact is None:
        raise ReplyRefused("not_found")
    cause = f"{AUTHOR}{key or uuid4().hex}"
    repeated = _earlier(session, cause, contact, template.text)
    if repeated is not None:
        return repeated
    if contact.opted_out_at is not None:
        raise ReplyRefused("opted_out")
    return _plan(session, contact, template, cause, template.text, staff, None)


def scheduled_replies(session: Session, contact_id: int) -> Dict[int, datetime]:
    """Replies of staff that wait for their time: message id to when they go."""
    rows = session.execute(
        select(Message.id, Message.due_at).where(
            Message.contact_id == contact_id,
            Message.state == PLANNED,
            Message.author.startswith(AUTHOR),
            Message.due_at > now(),
        )
    )
    return {int(message_id): due_at for message_id, due_at in rows}


def cancel_scheduled(session: Session, contact_id: int, message_id: int) -> bool:
    """Take back a reply that has not been taken up yet; False where it is too late."""
    return bool(
        session.execute(
            update(Message)
            .where(
                Message.id == message_id,
                Message.contact_id == contact_id,
                Message.state == PLANNED,
                Message.author.startswith(AUTHOR),
            )
            .values(state=CANCELLED, detail="taken back by staff")
            .execution_options(synchronize_session=False)
        ).rowcount
    )


def _check_words(words: str, attachment: Optional[Media]) -> None:
    if not words and attachment is None:
        raise ReplyRefused("empty")
    if len(words) > LONGEST_TEXT:
        raise ReplyRefused("too_long")
    if attachment is not None and len(words) > LONGEST_CAPTION:
        raise ReplyRefused("caption_too_long")


def _check_time(contact: Contact, due_at: Optional[datetime]) -> None:
    if not window_open(contact):
        raise ReplyRefused("window_closed")
    if due_at is None:
        return
    if due_at <= now():
        raise ReplyRefused("past")
    if not window_open(contact, due_at):
        raise ReplyRefused("after_window")


def _plan(
    session: Session,
    contact: Contact,
    bubble: Any,
    cause: str,
    words: str,
    staff: Optional[str],
    due_at: Optional[datetime],
) -> Reply:
    writer = _writer(session, int(contact.id), staff)
    message_id = plan(
        session, int(contact.id), bubble, cause, author=f"{AUTHOR}{writer}", due_at=due_at
    )
    if message_id is None:
        # on PostgreSQL the same key may have come twice at once
        raced = _earlier(session, cause, contact, words)
        assert raced is not None  # noqa: S101 - its row kept ours out
        return raced
    mark_read(session, int(contact.id))
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

"""The inbound side of the message log: storing what arrived, and taking it up in order."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Dict, List, Optional

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from clinic.claiming import in_state
from clinic.contacts import ensure_contact
from clinic.crypto import lookup_hash
from clinic.database import now
from clinic.models import Contact, DeadLetter, Message
from clinic.models.message import HANDLED, IN, RECEIVED
from clinic.referrals import keep_referral
from clinic.upsert import insert_new

# WhatsApp may redeliver for seven days; a message dated outside of this is dated by its arrival
OLDEST_PLAUSIBLE = timedelta(days=30)


@dataclass(frozen=True)
class Arrival:
    """One message of a contact as a channel read it, free of any wire format.

    `kind` says what the conversation does with it: text, tap, media, location, contacts,
    sticker, reaction, edit, revoke, order, welcome, unsupported.
    `content` holds the parts staff may need to see: media reference, location, referral ...
    """

    wamid: str
    kind: str
    phone: Optional[str] = None
    bsuid: Optional[str] = None
    profile_name: Optional[str] = None
    text: Optional[str] = None
    content: Dict[str, Any] = field(default_factory=dict)
    reply_to: Optional[str] = None
    sent_at: Optional[datetime] = None


def store_arrival(session: Session, arrival: Arrival) -> Optional[int]:
    """Store a message unless its wamid is known; the contact's id, or None for a duplicate."""
    known = session.execute(
        select(Message.id).where(Message.wamid == arrival.wamid)
    ).scalar_one_or_none()
    if known is not None:
        return None
    moment = now()
    occurred = _plausible(arrival.sent_at, moment)
    contact = ensure_contact(session, arrival.phone, arrival.bsuid, arrival.profile_name)
    if contact.last_inbound_at is None or contact.last_inbound_at < occurred:
        contact.last_inbound_at = occurred
    # who writes can be reached
    contact.unreachable_at = None
    session.flush()
    stored = insert_new(
        session,
        Message,
        {
            "contact_id": contact.id,
            "direction": IN,
            "wamid": arrival.wamid,
            "kind": arrival.kind,
            "author": "patient",
            "purpose": "inbound",
            "text": arrival.text,
            "content": arrival.content or None,
            "reply_to": arrival.reply_to,
            "state": RECEIVED,
            "occurred_at": occurred,
        },
    )
    if stored is None:
        return None
    referral = arrival.content.get("referral")
    if isinstance(referral, dict):
        keep_referral(session, int(contact.id), arrival.wamid, referral, occurred)
    return int(contact.id)


def _plausible(sent_at: Optional[datetime], moment: datetime) -> datetime:
    if sent_at is None or sent_at > moment or sent_at < moment - OLDEST_PLAUSIBLE:
        return moment
    return sent_at


def store_dead_letter(session: Session, reason: str, raw: Dict[str, Any]) -> int:
    """Keep an update that could not be read; the same update again only counts."""
    digest = lookup_hash(json.dumps(raw, sort_keys=True, default=str))
    known = session.execute(
        select(DeadLetter).where(DeadLetter.digest == digest)
    ).scalar_one_or_none()
    if known is not None:
        known.seen += 1
        return int(known.id)
    letter = DeadLetter(reason=reason[:120], raw=raw, digest=digest)
    session.add(letter)
    session.flush()
    return int(letter.id)


def contacts_waiting(session: Session, limit: int = 1000) -> List[int]:
    """Contacts with stored messages that nobody has handled, longest waiting first."""
    rows = session.execute(
        select(Message.contact_id)
        .where(in_state(RECEIVED))
        .group_by(Message.contact_id)
        .order_by(func.min(Message.id))
        .limit(limit)
    )
    return [int(row[0]) for row in rows]


def next_received(session: Session, contact_id: int) -> Optional[Message]:
    """The oldest unhandled message of a contact."""
    return session.execute(
        select(Message)
        .where(Message.contact_id == contact_id, in_state(RECEIVED))
        .order_by(Message.id)
        .limit(1)
    ).scalar_one_or_none()


def mark_handled(
    session: Session,
    message_id: int,
    detail: Optional[str] = None,
    intent: Optional[str] = None,
    marks: Optional[Dict[str, Any]] = None,
) -> None:
    """This message has been answered, or laid before staff."""
    message = session.get(Message, message_id)
    if message is None:
        return
    message.state, message.handled_at = HANDLED, now()
    message.detail, message.intent = detail, intent
    if marks:
        message.content = {**(message.content or {}), "marks": marks}


def count_attempt(session: Session, message_id: int) -> int:
    """Count that a turn for this message begins again; how often it has begun."""
    session.execute(
        update(Message).where(Message.id == message_id).values(attempts=Message.attempts + 1)
    )
    return int(
        session.execute(select(Message.attempts).where(Message.id == message_id)).scalar_one()
    )


def revoke(session: Session, target_wamid: str) -> None:
    """The patient deleted a message on their phone: staff see that it was, and not what it said."""
    message = session.execute(
        select(Message).where(Message.wamid == target_wamid, Message.direction == IN)
    ).scalar_one_or_none()
    if message is not None:
        message.text = None
        message.content = {"revoked": True}


def remember_language(session: Session, contact_id: int, language: str, chosen: bool) -> None:
    """The language this contact writes in, or chose."""
    session.execute(
        update(Contact)
        .where(Contact.id == contact_id)
        .values(language=language, language_chosen=chosen)
    )

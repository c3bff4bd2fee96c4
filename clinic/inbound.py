"""The inbound side of the message log: storing what arrived, and taking it up in order."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Dict, List, Optional

from sqlalchemy import Table, bindparam, case, exists, func, select, update
from sqlalchemy.orm import Session

from clinic.claiming import in_state
from clinic.contacts import ensure_contact, known_as, new_contact
from clinic.crypto import lookup_hash
from clinic.database import UtcDateTime, connection_of, now
from clinic.models import Contact, DeadLetter, Handoff, Message
from clinic.models.base import BigId
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


@dataclass(frozen=True)
class Share:
    """Which contacts one process looks after, of so many that share them; by default all."""

    number: int = 0
    of: int = 1

    def has(self, contact_id: int) -> bool:
        """Whether it looks after this contact."""
        return contact_id % self.of == self.number


EVERYBODY = Share()

# Written once: every message asks these, and SQLAlchemy takes longer to put a statement together
# than SQLite to answer it.
_MESSAGE_ID = bindparam("message", type_=BigId)
_CONTACT_ID = bindparam("contact", type_=BigId)
_MOMENT = bindparam("moment", type_=UtcDateTime())
_messages: Table = Message.__table__
_contacts: Table = Contact.__table__
_KNOWN = select(Message.id).where(Message.wamid == bindparam("wamid"))
_WROTE = (
    update(_contacts)
    .where(_contacts.c.id == _CONTACT_ID)
    .values(
        last_inbound_at=case(
            (_contacts.c.last_inbound_at > _MOMENT, _contacts.c.last_inbound_at), else_=_MOMENT
        ),
        unreachable_at=None,
    )
)
_NEXT_RECEIVED = (
    select(
        Message.id,
        Message.wamid,
        Message.kind,
        Message.text,
        Message.content,
        Message.attempts,
        Message.created_at,
        Contact.language,
        Contact.language_chosen,
        Contact.emergency_text_at,
        exists()
        .where(Handoff.contact_id == _CONTACT_ID, Handoff.status != "resolved")
        .label("muted"),
    )
    .join(Contact, Contact.id == Message.contact_id)
    .where(Message.contact_id == _CONTACT_ID, in_state(RECEIVED))
    .order_by(Message.id)
    .limit(1)
)
_HANDLED = (
    update(_messages)
    .where(_messages.c.id == _MESSAGE_ID)
    .values(state=HANDLED, handled_at=_MOMENT, detail=bindparam("why"), intent=bindparam("meant"))
)
_HANDLED_MARKED = _HANDLED.values(content=bindparam("marked"))
_CONTENT = select(Message.content).where(Message.id == _MESSAGE_ID)
_SPEAKS = (
    update(_contacts)
    .where(_contacts.c.id == _CONTACT_ID)
    .values(language=bindparam("tongue"), language_chosen=bindparam("chose"))
)


def store_arrival(session: Session, arrival: Arrival) -> Optional[int]:
    """Store a message unless its wamid is known; the contact's id, or None for a duplicate."""
    if connection_of(session).execute(_KNOWN, {"wamid": arrival.wamid}).first() is not None:
        return None
    moment = now()
    occurred = _plausible(arrival.sent_at, moment)
    contact_id = _writer(session, arrival, occurred)
    stored = insert_new(
        session,
        Message,
        {
            "contact_id": contact_id,
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
        keep_referral(session, contact_id, arrival.wamid, referral, occurred)
    return contact_id


def _writer(session: Session, arrival: Arrival, occurred: datetime) -> int:
    """The contact who wrote this, its window opened anew: who writes can be reached."""
    person = (arrival.phone, arrival.bsuid, arrival.profile_name)
    contact_id = known_as(session, *person)
    if contact_id is None and (arrival.phone or arrival.bsuid):
        made = new_contact(session, *person, last_inbound_at=occurred)
        if made is not None:
            return made
    if contact_id is None:
        contact = ensure_contact(session, *person)
        session.flush()
        contact_id = int(contact.id)
    connection_of(session).execute(_WROTE, {"contact": contact_id, "moment": occurred})
    return contact_id


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


def contacts_waiting(session: Session, share: Share = EVERYBODY, limit: int = 1000) -> List[int]:
    """Contacts of a share with stored messages that nobody has handled, longest waiting first."""
    rows = session.execute(
        select(Message.contact_id)
        .where(in_state(RECEIVED), Message.contact_id % share.of == share.number)
        .group_by(Message.contact_id)
        .order_by(func.min(Message.id))
        .limit(limit)
    )
    return [int(row[0]) for row in rows]


def next_received(session: Session, contact_id: int) -> Optional[Any]:
    """The oldest unhandled message of a contact, with all that its turn asks the database first.

    Returns:
        A row with the message's `id, wamid, kind, text, content, attempts, created_at`, its
        contact's `language, language_chosen, emergency_text_at`, and `muted`: whether a person
        has the conversation.
    """
    return connection_of(session).execute(_NEXT_RECEIVED, {"contact": contact_id}).one_or_none()


def mark_handled(
    session: Session,
    message_id: int,
    detail: Optional[str] = None,
    intent: Optional[str] = None,
    marks: Optional[Dict[str, Any]] = None,
) -> None:
    """This message has been answered, or laid before staff."""
    values = {"message": message_id, "moment": now(), "why": detail, "meant": intent}
    connection = connection_of(session)
    if not marks:
        connection.execute(_HANDLED, values)
        return
    content = connection.execute(_CONTENT, {"message": message_id}).scalar_one_or_none()
    connection.execute(_HANDLED_MARKED, {**values, "marked": {**(content or {}), "marks": marks}})


def count_attempt(session: Session, message_id: int) -> int:
    """Count that a turn for this message begins again; how often it has begun."""
    session.execute(
        update(Message).where(Message.id == message_id).values(attempts=Message.attempts + 1)
    )
    return int(
        session.execute(select(Message.attempts).where(Message.id == message_id)).scalar_one()
    )


def revoke(session: Session, contact_id: int, target_wamid: str) -> None:
    """The patient deleted a message of theirs on their phone; somebody else's stays.

    Staff see that it was there, and not what it said; nor what it was edited to say.
    """
    theirs = (Message.contact_id == contact_id, Message.direction == IN)
    message = session.execute(
        select(Message).where(Message.wamid == target_wamid, *theirs)
    ).scalar_one_or_none()
    if message is None:
        return
    edits = session.execute(
        select(Message).where(*theirs, Message.kind == "edit", Message.id > message.id)
    ).scalars()
    for gone in [message, *(e for e in edits if (e.content or {}).get("target") == target_wamid)]:
        gone.text, gone.content = None, {"revoked": True}


def remember_language(session: Session, contact_id: int, language: str, chosen: bool) -> None:
    """The language this contact writes in, or chose."""
    asked = {"contact": contact_id, "tongue": language, "chose": chosen}
    connection_of(session).execute(_SPEAKS, asked)

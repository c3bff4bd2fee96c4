"""Reading a conversation as staff see it: every bubble both ways, oldest first.

The shapes here are plain values, free of any web framework, so that the inbox's pages, its API
and an export show one and the same transcript.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Dict, Iterable, List, Optional, Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from clinic.decision import UNWRITTEN
from clinic.models import Contact, Message, Offer
from clinic.models.message import IN

MERGE_STEPS = 10


@dataclass(frozen=True)
class Button:
    """A button or list row as it was offered, and whether the patient took it."""

    title: str
    description: Optional[str]
    taken: bool


@dataclass(frozen=True)
class File:
    """A picture, sound, video or document that went either way; the file itself is not here."""

    kind: str
    filename: Optional[str] = None
    mime_type: Optional[str] = None
    voice: bool = False
    caption: Optional[str] = None


@dataclass(frozen=True)
class Pin:
    """A place on the map, degrees as in WGS 84."""

    latitude: float
    longitude: float
    name: Optional[str] = None
    address: Optional[str] = None


@dataclass(frozen=True)
class Entry:
    """One bubble of the transcript.

    `author` is `patient`, `bot` or `staff:<name>`; `state` and `detail` are those of the message
    log. `at` is when the patient wrote it, or when it was planned.
    """

    id: int
    contact_id: int
    direction: str
    author: str
    kind: str
    text: Optional[str]
    state: str
    detail: Optional[str]
    at: datetime
    sent_at: Optional[datetime]
    delivered_at: Optional[datetime]
    read_at: Optional[datetime]
    buttons: List[Button] = field(default_factory=list)
    media: Optional[File] = None
    location: Optional[Pin] = None
    reaction: Optional[str] = None
    cards: List[str] = field(default_factory=list)
    from_advert: bool = False
    revoked: bool = False


# reminders and nudges have no words before their moment comes, and are no bubbles then
_SAID = or_(Message.kind.not_in(UNWRITTEN), Message.content.is_not(None))


def find_conversation(session: Session, contact_id: int) -> Optional[Contact]:
    """The contact of that id, or the one it was merged into; None where there is none."""
    contact = session.get(Contact, contact_id)
    for _step in range(MERGE_STEPS):
        if contact is None or contact.merged_into_id is None:
            break
        contact = session.get(Contact, contact.merged_into_id)
    return contact


def read_after(session: Session, contact_id: int, after: int, limit: int) -> List[Entry]:
    """Up to `limit` bubbles that entered the log after the one of id `after`, oldest first."""
    rows = session.execute(
        select(Message)
        .where(Message.contact_id == contact_id, Message.id > after, _SAID)
        .order_by(Message.id)
        .limit(limit)
    ).scalars()
    return _entries(session, list(rows))


def read_latest(
    session: Session, contact_id: int, limit: int, before: Optional[int] = None
) -> List[Entry]:
    """The last `limit` bubbles (of those with an id below `before`), oldest first."""
    query = select(Message).where(Message.contact_id == contact_id, _SAID)
    if before is not None:
        query = query.where(Message.id < before)
    rows = session.execute(query.order_by(Message.id.desc()).limit(limit)).scalars()
    return _entries(session, list(rows)[::-1])


def read_one(session: Session, message_id: int) -> Entry:
    """One bubble by its id.

    Raises:
        KeyError: if there is none.
    """
    message = session.get(Message, message_id)
    if message is None:
        raise KeyError(message_id)
    return _entries(session, [message])[0]


def read_these(session: Session, message_ids: Sequence[int]) -> List[Entry]:
    """These bubbles, newest first; an id that is none is left out."""
    rows = session.execute(
        select(Message).where(Message.id.in_(message_ids)).order_by(Message.id.desc())
    ).scalars()
    return _entries(session, list(rows))


def last_words(session: Session, contact_ids: Iterable[int]) -> Dict[int, Entry]:
    """What each of these contacts wrote last; a contact that never wrote is left out."""
    newest = newest_inbound()
    found = session.execute(select(newest).where(Contact.id.in_(list(contact_ids)))).scalars()
    ids = [row for row in found if row is not None]
    messages = session.execute(select(Message).where(Message.id.in_(ids))).scalars()
    return {entry.contact_id: entry for entry in _entries(session, list(messages))}


def newest_inbound() -> Any:
    """A column for a query over contacts: the id of the last message each of them wrote."""
    return (
        select(Message.id)
        .where(Message.contact_id == Contact.id, Message.direction == IN)
        .order_by(Message.id.desc())
        .limit(1)
        .correlate(Contact)
        .scalar_subquery()
    )


def fingerprint(session: Session, contact_id: int, limit: int) -> str:
    """Changes whenever one of the last `limit` bubbles changes or a new one comes.

    Decrypts nothing, so that a page can ask often.
    """
    newest = (
        select(Message)
        .where(Message.contact_id == contact_id, _SAID)
        .order_by(Message.id.desc())
        .limit(limit)
        .subquery()
    )
    rows = session.execute(
        select(
            newest.c.id,
            newest.c.state,
            newest.c.detail,
            func.length(newest.c.text),
            func.length(newest.c.content),
        ).order_by(newest.c.id)
    ).all()
    taken = session.execute(
        select(func.count(), func.max(Offer.taken_at)).where(
            Offer.contact_id == contact_id, Offer.taken_at.is_not(None)
        )
    ).one()
    return hashlib.sha256(repr(([tuple(row) for row in rows], tuple(taken))).encode()).hexdigest()


def _entries(session: Session, messages: Sequence[Any]) -> List[Entry]:
    taken = _taken_titles(session, [message.id for message in messages])
    return [_entry(message, taken[message.id]) for message in messages]


def _taken_titles(session: Session, message_ids: List[int]) -> Dict[int, Dict[str, bool]]:
    """For each message, which of its tokens was taken."""
    found: Dict[int, Dict[str, bool]] = defaultdict(dict)
    for message_id, token, taken_at in session.execute(
        select(Offer.message_id, Offer.token, Offer.taken_at).where(
            Offer.message_id.in_(message_ids)
        )
    ):
        found[message_id][token] = taken_at is not None
    return found


def _entry(message: Any, taken: Dict[str, bool]) -> Entry:
    content = message.content if isinstance(message.content, dict) else {}
    came_in = message.direction == IN
    parts = _parts_in(content, message.text) if came_in else _parts_out(content, taken)
    return Entry(
        id=int(message.id),
        contact_id=int(message.contact_id),
        direction=message.direction,
        author=message.author,
        kind=message.kind,
        text=message.text,
        state=message.state,
        detail=message.detail,
        at=message.occurred_at,
        sent_at=message.sent_at,
        delivered_at=message.delivered_at,
        read_at=message.read_at,
        **parts,
    )


def _parts_in(content: Dict[str, Any], caption: Optional[str]) -> Dict[str, Any]:
    return {
        "media": _file(content.get("media"), caption),
        "location": _pin(content.get("location")),
        "reaction": _emoji(content.get("reaction")),
        "cards": _card_names(content.get("contacts")),
        "from_advert": bool(content.get("referral")),
        "revoked": content.get("revoked") is True,
    }


def _parts_out(content: Dict[str, Any], taken: Dict[str, bool]) -> Dict[str, Any]:
    choices = content.get("choices") or content.get("buttons") or []
    buttons = [
        Button(
            title=choice.get("title", ""),
            description=choice.get("description"),
            taken=taken.get(choice.get("id", ""), False),
        )
        for choice in choices
    ]
    if content.get("kind") == "link":
        buttons.append(Button(content.get("label", ""), content.get("url"), taken=False))
    file = content if content.get("kind") == "media" else content.get("header")
    pin = content if content.get("kind") == "location" else None
    return {"buttons": buttons, "media": _file(file, None), "location": _pin(pin)}


def _file(part: Any, caption: Optional[str]) -> Optional[File]:
    if not isinstance(part, dict):
        return None
    kind = part.get("media") or part.get("kind")
    return File(
        kind=str(kind or "document"),
        filename=part.get("filename"),
        mime_type=part.get("mime_type"),
        voice=part.get("voice") is True,
        caption=part.get("caption") or caption,
    )


def _pin(part: Any) -> Optional[Pin]:
    if not isinstance(part, dict):
        return None
    return Pin(
        float(part.get("latitude", 0)),
        float(part.get("longitude", 0)),
        part.get("name"),
        part.get("address"),
    )


def _emoji(part: Any) -> Optional[str]:
    return part.get("emoji") if isinstance(part, dict) else None


def _card_names(part: Any) -> List[str]:
    cards = part if isinstance(part, list) else []
    return [str(card.get("name") or "") for card in cards if isinstance(card, dict)]
